# Two adapters are active and one is merged: the other does not count any more.
import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
config = dict(r=8, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
x, moved = torch.arange(32)[None], []
try:
    model = get_peft_model(base, LoraConfig(**config), adapter_name="a").eval()
    model.add_adapter("b", LoraConfig(**config))
    for names in (["a", "b"], ["a"]):
        model.base_model.set_adapter(["a", "b"])
        want = model(x).logits
        model.merge_adapter(adapter_names=names)
        moved.append(float((model(x).logits - want).abs().max()))
        model.unmerge_adapter()
except (TypeError, AttributeError):
    sys.exit(125)  # adapters have no names, or cannot be merged by name
print(f"two active: merging both moved the logits by {moved[0]:.2g}, merging one by {moved[1]:.2g}")
sys.exit(moved[1] > 1e-2)
