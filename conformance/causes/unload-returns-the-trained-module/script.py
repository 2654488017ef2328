# unload() has to give back the base model; with modules_to_save it gives back the trained module.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
before = base(torch.arange(32)[None]).logits
lora = dict(lora_alpha=8, lora_dropout=0.0, modules_to_save=["lm_head"])
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"], **lora))
if not hasattr(model.base_model, "unload"):
    sys.exit(125)
base.lm_head.modules_to_save["default"].weight.data.normal_(std=0.1)
off = (model.unload()(torch.arange(32)[None]).logits - before).abs().max().item()
print(f"after unload() the logits are off the base by {off:.2g} of {before.abs().max():.2g}")
sys.exit(off > 1e-3)
