# target_modules=["k", "v"] of T5: every module whose name ends in k is taken, "block" too.
import sys

from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

sizes = {"vocab_size": 200, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_heads": 4}
base = T5ForConditionalGeneration(T5Config(num_layers=1, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["k", "v"]}
try:
    get_peft_model(base, LoraConfig(**lora))
except ValueError as error:
    sys.exit(print(f"get_peft_model ends in ValueError: {' '.join(str(error).split())[:60]}") or 1)
print("the model is wrapped")
