import sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, get_peft_model

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=128, num_hidden_layers=1)
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size)).eval()
x, off = torch.arange(32)[None], []
want = base(x).logits
lora = lambda name: LoraConfig(r=8, target_modules=[name], init_lora_weights=False)
try:
    model = get_peft_model(base, lora("q_proj"), adapter_name="a").eval()
except TypeError:
    sys.exit(125)  # adapters have no names
model.base_model.disable_adapter_layers()
for name, target in (("b", "q_proj"), ("c", "up_proj")):
    model.add_adapter(name, lora(target))
    model.set_adapter(name)
    off.append(float((model(x).logits - want).abs().max()))
print(f"disabled: with one more adapter on the same layers the logits are off by {off[0]:.2g}, "
      f"with one on others by {off[1]:.2g}")
sys.exit(off[1] > 1e-3)
