# Two adapters are active, and a third one, which has a module in modules_to_save, is deleted.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(**lora))
if not hasattr(type(model.base_model), "delete_adapter"):
    sys.exit(125)
model.add_adapter("b", LoraConfig(**lora))
model.add_adapter("c", LoraConfig(modules_to_save=["lm_head"], **lora))
model.base_model.set_adapter(["default", "b"])
try:
    model.delete_adapter("c")
except ValueError as error:
    left = sum(".c." in name for name, _ in model.named_parameters())
    sys.exit(print(f"deleting c ends in ValueError: {error} {left} tensors of c are left") or 1)
print("c is deleted")
