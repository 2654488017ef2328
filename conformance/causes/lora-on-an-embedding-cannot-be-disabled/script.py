# LoRA on an embedding: disable_adapter() ends in an AttributeError at the next forward pass.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["embed_tokens"]}
model = get_peft_model(base, LoraConfig(**lora))
try:
    with model.disable_adapter():
        model(torch.arange(32)[None])
except AttributeError as error:
    sys.exit(print(f"with disable_adapter(): AttributeError: {error}") or 1)
print("the model computes without its adapter")
