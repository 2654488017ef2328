# One adapter saves the head, b both ends: both at once are refused, and b's embedding is on.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0, target_modules=["q_proj"])
model = get_peft_model(base, LoraConfig(modules_to_save=["lm_head"], **lora))
model.add_adapter("b", LoraConfig(modules_to_save=["embed_tokens", "lm_head"], **lora))
try:
    model.base_model.set_adapter(["default", "b"])
    sys.exit(125)
except ValueError:
    active = base.model.embed_tokens.active_adapters
print(f"activating default and b is refused, and the embedding computes with {active}")
sys.exit("b" in active)
