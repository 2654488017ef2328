# DoRA on a bfloat16 model: merging leaves its layers in float32, and the model cannot compute.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).to(torch.bfloat16)
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
try:
    merged = get_peft_model(base, LoraConfig(use_dora=True, **lora)).merge_and_unload()
except TypeError:
    sys.exit(125)
dtype = merged.model.layers[0].self_attn.q_proj.weight.dtype
try:
    merged(torch.arange(32)[None])
except RuntimeError as error:
    sys.exit(print(f"merged q_proj is {dtype}, the first forward pass ends in: {error}") or 1)
print(f"merged q_proj is {dtype}, and the model computes")
