# merge_and_unload() with LoRA on an embedding ends in an AttributeError.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["embed_tokens"]}
model = get_peft_model(base, LoraConfig(**lora))
try:
    model.merge_and_unload()
except AttributeError as error:
    sys.exit(print(f"merge_and_unload ends in AttributeError: {error}") or 1)
print("the adapter is merged")
