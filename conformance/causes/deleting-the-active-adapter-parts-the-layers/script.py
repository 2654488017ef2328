# The active adapter is deleted: layers go on with other adapters than active_adapters says.
import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
x = torch.arange(32)[None]
def lora(*targets):
    return LoraConfig(r=8, target_modules=list(targets), init_lora_weights=False)
try:
    model = get_peft_model(base, lora("q_proj", "up_proj"), adapter_name="a").eval()
    model.add_adapter("b", lora("up_proj"))
    model.add_adapter("c", lora("q_proj"))
    model.delete_adapter("a")
    told = list(model.active_adapters)
    found = model(x).logits
except (AttributeError, TypeError, KeyError):
    sys.exit(125)  # nothing can be deleted, or nothing runs after it
model.set_adapter(told[0])
off = float((model(x).logits - found).abs().max())
print(f"active_adapters is {told}; setting just that moved the logits by {off:.2g}")
sys.exit(off > 1e-3)
