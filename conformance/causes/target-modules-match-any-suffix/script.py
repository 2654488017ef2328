# target_modules=["k", "v"] of T5: every module whose name ends in k is taken, "block" too.
import sys
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

base = T5ForConditionalGeneration(T5Config(vocab_size=200, d_model=64, num_layers=1))
lora = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=["k", "v"])
try:
    get_peft_model(base, lora)
except ValueError as error:
    print(f"get_peft_model ends in ValueError: {' '.join(str(error).split())[:60]}")
    sys.exit(1)
print("the model is wrapped")
