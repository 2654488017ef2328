# The active adapter is deleted: the one that takes over computes without its modules_to_save.
import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
x = torch.arange(32)[None]
try:
    model = get_peft_model(base, LoraConfig(target_modules=["q_proj"]), adapter_name="a").eval()
    model.add_adapter("b", LoraConfig(target_modules=["q_proj"], modules_to_save=["lm_head"]))
    model.set_adapter("b")
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    model(x, labels=x).loss.backward()
    optimizer.step()
    want = model(x).logits
    model.set_adapter("a")
    model.delete_adapter("a")
    off = float((model(x).logits - want).abs().max())
except (AttributeError, TypeError, KeyError, ValueError):
    sys.exit(125)  # nothing can be deleted, or nothing runs after it
print(f"active_adapters is {model.active_adapters}; the logits are off by {off:.2g} of b's")
sys.exit(off > 1e-3)
