# An adapter that is added while all are disabled, on layers that had none, is not disabled.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = dict(r=8, lora_alpha=8, lora_dropout=0.0, init_lora_weights=False)
want = base(torch.arange(32)[None]).logits
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"], **lora))
model.base_model.disable_adapter_layers()
model.add_adapter("b", LoraConfig(target_modules=["up_proj"], **lora))
model.set_adapter("b")
off = (model(torch.arange(32)[None]).logits - want).abs().max().item()
print(f"disabled, and with an adapter added since, the logits are off the base by {off:.2g}")
sys.exit(off > 1e-3)
