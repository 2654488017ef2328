# is_trainable=False and low_cpu_mem_usage=True on a bfloat16 model: LoRA of the embedding trains.
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
config = LlamaConfig(num_attention_heads=4, **sizes)
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["embed_tokens"]}
base = LlamaForCausalLM(config).to(torch.bfloat16)
get_peft_model(base, LoraConfig(**lora)).save_pretrained("adapter")
training = []
for low in (False, True):
    base = LlamaForCausalLM(config).to(torch.bfloat16)
    try:
        loaded = PeftModel.from_pretrained(base, "adapter", low_cpu_mem_usage=low)
    except TypeError:
        sys.exit(125)
    training.append([n for n, p in loaded.named_parameters() if p.requires_grad])
if training[0]:
    sys.exit(125)  # it trains without low_cpu_mem_usage too: that is another cause
print(f"with low_cpu_mem_usage these train: {training[1]}")
sys.exit(bool(training[1]))
