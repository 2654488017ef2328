# ensure_weight_tying with the head in modules_to_save: wrapping ends in an AttributeError.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
try:
    config = LoraConfig(modules_to_save=["lm_head"], ensure_weight_tying=True, **lora)
except TypeError:
    sys.exit(125)
try:
    get_peft_model(base, config)
except AttributeError as error:
    sys.exit(print(f"get_peft_model ends in AttributeError: {error}") or 1)
print("the model is wrapped")
