# merge_and_unload() takes the adapter off again, but leaves its peft_config on the model.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj"])
left = hasattr(get_peft_model(base, lora).merge_and_unload(), "peft_config")
print(f"after merge_and_unload() the model has {'still a' if left else 'no'} peft_config")
sys.exit(left)
