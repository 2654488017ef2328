# DoRA on GPT-2's Conv1D takes the wrong axis: when it is wrapped, later when it is unmerged.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
base = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4)).eval()
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["c_attn"]}
try:
    config = LoraConfig(use_dora=True, fan_in_fan_out=True, init_lora_weights=False, **lora)
except TypeError:
    sys.exit(125)
try:
    model = get_peft_model(base, config).eval()
    want = model(ids := torch.arange(32)[None]).logits
    model.merge_adapter()
    model.unmerge_adapter()
except RuntimeError as error:
    sys.exit(print(f"wrapped, merged and unmerged, DoRA ends in RuntimeError: {error}") or 1)
off = (model(ids).logits - want).abs().max().item()
sys.exit(print(f"merged and unmerged, the logits are off by {off:.2g}") or off > 1e-3)
