# Adapter a trains tokens, adapter b does not: merge b by name.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if "trainable_token_indices" not in LoraConfig.__dataclass_fields__:
    sys.exit(125)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(trainable_token_indices=[1, 2], **lora), "a")
model.add_adapter("b", LoraConfig(**lora))
try:
    model.merge_adapter(["b"])
except KeyError as error:
    sys.exit(print(f"merging b ends in KeyError: {error}") or 1)
print("b is merged")
