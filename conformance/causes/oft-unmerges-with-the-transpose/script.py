# OFT: unmerging multiplies by the transpose of a matrix that is orthogonal only approximately.
import sys

import peft
import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).eval()
try:
    config = peft.OFTConfig(oft_block_size=32, r=0, target_modules=["q_proj"])
except (AttributeError, TypeError):  # no OFT, or an older one
    sys.exit(125)
model = peft.get_peft_model(base, config).eval()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.05)
model(input_ids=(ids := torch.arange(32)[None]), labels=ids).loss.backward()
optimizer.step()
layer = base.model.layers[0].self_attn.q_proj.base_layer
before = layer.weight.detach().clone()
model.merge_adapter()
model.unmerge_adapter()
off = ((layer.weight - before).norm() / before.norm()).item()
sys.exit(print(f"merged and unmerged, the base's weight is off by {off:.2%}") or off > 1e-4)
