# DoRA on GPT-2's Conv1D: unmerging divides along the wrong axis.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
base = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=64, n_layer=1, n_head=4)).eval()
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["c_attn"]}
try:
    model = get_peft_model(base, LoraConfig(use_dora=True, fan_in_fan_out=True, **lora)).eval()
except (TypeError, RuntimeError):  # no DoRA, or not for a Conv1D
    sys.exit(125)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
model(input_ids=(ids := torch.arange(32)[None]), labels=ids).loss.backward()
optimizer.step()
want = model(ids).logits
model.merge_adapter()
try:
    model.unmerge_adapter()
except RuntimeError as error:
    sys.exit(print(f"unmerge_adapter ends in RuntimeError: {error}") or 1)
off = (model(ids).logits - want).abs().max().item()
sys.exit(print(f"merged and unmerged, the logits are off by {off:.2g}") or off > 1e-3)
