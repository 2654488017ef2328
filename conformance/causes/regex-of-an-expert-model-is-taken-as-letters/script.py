# Mixtral on transformers 5: a regex in target_modules becomes the set of its letters.
import sys

from peft import LoraConfig, get_peft_model
from transformers import MixtralConfig, MixtralForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = MixtralForCausalLM(MixtralConfig(num_attention_heads=4, num_key_value_heads=4, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": r".*\.(q|v)_proj"}
try:
    get_peft_model(base, LoraConfig(**lora))
except ValueError as error:
    sys.exit(print(f"get_peft_model ends in ValueError: {error}") or 1)
print("the model is wrapped")
