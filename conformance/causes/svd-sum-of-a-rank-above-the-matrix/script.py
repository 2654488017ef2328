# Two adapters become one by svd, with all the rank that their sum has: can it be used?
import sys
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 1}
base = LlamaForCausalLM(LlamaConfig(num_hidden_layers=1, **sizes))
lora = {"r": 16, "lora_alpha": 16, "lora_dropout": 0.0, "target_modules": ["k_proj"]}
model = get_peft_model(base, LoraConfig(**lora))
try:
    model.add_adapter("b", LoraConfig(**lora))
    model.add_weighted_adapter(["default", "b"], [0.5, 0.5], "sum", "svd", svd_rank=32)
except (AttributeError, TypeError, ValueError):
    sys.exit(125)  # adapters have no names, or cannot be added up in this way
model.set_adapter("sum")
try:
    model(input_ids=torch.tensor([[5, 6, 7]]))
except RuntimeError as error:
    sys.exit(print(f"k_proj has 16 outputs; with the sum of rank 32: {error}") or 1)
print("the sum can be used")
