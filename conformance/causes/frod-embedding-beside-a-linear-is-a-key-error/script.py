# FRoD refuses an embedding in words; named beside a linear layer, it ends in a KeyError.
import sys

import torch
from peft import get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

try:
    from peft import FrodConfig
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
errors = []
for targets in (["embed_tokens"], ["embed_tokens", "q_proj"]):
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
    try:
        get_peft_model(base, FrodConfig(target_modules=targets, progressbar=False))
    except Exception as error:
        errors.append(error)
print("; ".join(f"{type(error).__name__}: {error}" for error in errors))
sys.exit(any(isinstance(error, KeyError) for error in errors))
