# Mixtral on transformers 5: a regex in target_modules becomes the set of its letters.
import sys
from peft import LoraConfig, get_peft_model
from transformers import MixtralConfig, MixtralForCausalLM

config = MixtralConfig(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
lora = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=r".*\.(q|v)_proj")
try:
    get_peft_model(MixtralForCausalLM(config), lora)
except ValueError as error:
    print(f"get_peft_model ends in ValueError: {error}")
    sys.exit(1)
print("the model is wrapped")
