# trainable_token_indices on a head that has a bias (Phi): the wrapped head computes without it.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import PhiConfig, PhiForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = PhiForCausalLM(PhiConfig(num_attention_heads=4, **sizes)).eval()
base.lm_head.bias.data.normal_()  # a new model has zeros there, a trained one has not
ids = torch.arange(4, 36)[None]
before = base(ids).logits
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
try:
    tokens = {"embed_tokens": [1, 2], "lm_head": [1, 2]}
    model = get_peft_model(base, LoraConfig(trainable_token_indices=tokens, **lora)).eval()
except (TypeError, AttributeError):  # AttributeError: a head could not be wrapped at all
    sys.exit(125)
moved = (model(ids).logits - before).abs().max().item()
print(f"wrapping moved the logits by {moved:.2g} of {before.abs().max().item():.2g}")
sys.exit(moved > 1e-3)
