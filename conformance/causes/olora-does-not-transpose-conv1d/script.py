# OLoRA must not change what the model computes when wrapping; GPT-2's layers are Conv1D.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

found, ids = [], torch.arange(32)[None]
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "fan_in_fan_out": True}
for target in ("attn.c_proj", "attn.c_attn"):
    torch.manual_seed(0)
    base = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4)).eval()
    layer, want = base.get_submodule(f"transformer.h.0.{target}"), base(ids).logits.detach()
    start = layer.weight.detach().clone()
    try:
        config = LoraConfig(target_modules=[target], init_lora_weights="olora", **lora)
        model = get_peft_model(base, config)
        found.append(round((model(ids).logits - want).abs().max().item(), 4))
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        found.append(str(error))
    if torch.equal(layer.weight, start):
        sys.exit(125)  # there is no OLoRA in this release
print(f"wrapping a square layer moved the logits by {found[0]}; an oblong one: {found[1]}")
sys.exit(any(isinstance(one, str) or one > 1e-3 for one in found))
