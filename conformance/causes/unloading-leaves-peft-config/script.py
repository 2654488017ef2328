# merge_and_unload() takes the adapter off again, but leaves its peft_config on the model.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
lora = LoraConfig(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj"])
merged = get_peft_model(base, lora).merge_and_unload()
left = hasattr(merged, "peft_config")
print(f"after merge_and_unload() the model has {'still a' if left else 'no'} peft_config")
sys.exit(left)
