# disable_adapter() switches LoRA off, but not the trained copy of modules_to_save.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
before = base(torch.arange(32)[None]).logits
lora = dict(lora_alpha=8, lora_dropout=0.0, modules_to_save=["lm_head"])
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"], **lora))
base.lm_head.modules_to_save["default"].weight.data.normal_(std=0.1)
with model.disable_adapter():
    off = (model(torch.arange(32)[None]).logits - before).abs().max().item()
print(f"with disable_adapter() the logits are off the base by {off:.2g}")
sys.exit(off > 1e-3)
