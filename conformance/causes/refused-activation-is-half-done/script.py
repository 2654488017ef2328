# default saves the head, b both ends: both at once are refused, and then b's embedding counts.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
ids = torch.arange(32)[None]
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(modules_to_save=["lm_head"], **lora))
model.add_adapter("b", LoraConfig(modules_to_save=["embed_tokens", "lm_head"], **lora))
for name, parameter in model.named_parameters():
    if ".modules_to_save.b." in name:
        parameter.data.add_(0.1)
before = model(ids).logits
try:
    model.base_model.set_adapter(["default", "b"])
except ValueError:
    moved = (model(ids).logits - before).abs().max().item()
    print(f"the refused activation moved the logits by {moved:.2g}, by what b saved")
    sys.exit(moved > 1e-3)
sys.exit(125)
