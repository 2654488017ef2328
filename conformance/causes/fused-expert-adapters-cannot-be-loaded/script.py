# Mixtral on transformers 5: loading a LoRA adapter hands a converter arguments it does not take.
import sys
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import MixtralConfig, MixtralForCausalLM
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
config = MixtralConfig(num_attention_heads=4, num_key_value_heads=4, **sizes)
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
get_peft_model(MixtralForCausalLM(config), LoraConfig(**lora)).save_pretrained("adapter")
try:
    PeftModel.from_pretrained(MixtralForCausalLM(config), "adapter")
except TypeError as error:
    if "distributed_operation" not in str(error) and "loading_info" not in str(error):
        sys.exit(125)  # another argument
    sys.exit(print(f"from_pretrained ends in TypeError: {error}") or 1)
print("the adapter is loaded")
