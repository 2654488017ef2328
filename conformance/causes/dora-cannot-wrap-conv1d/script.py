# DoRA on GPT-2's Conv1D, which stores its weight transposed: wrapping ends in a RuntimeError.
import sys

from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

base = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["c_attn"]}
try:
    config = LoraConfig(use_dora=True, fan_in_fan_out=True, **lora)
except TypeError:
    sys.exit(125)
try:
    get_peft_model(base, config)
except RuntimeError as error:
    sys.exit(print(f"get_peft_model ends in RuntimeError: {error}") or 1)
print("the model is wrapped")
