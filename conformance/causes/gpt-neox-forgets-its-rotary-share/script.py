# GPT-NeoX: the rotary share that newer transformers write in rope_parameters is read as a quarter.
import json
import sys

import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
sizes |= {"num_attention_heads": 4, "initializer_range": 0.2}
base = GPTNeoXForCausalLM(GPTNeoXConfig(rotary_pct=1.0, **sizes)).eval()
rope = {"partial_rotary_factor": 1.0, "rope_theta": 10000, "rope_type": "default"}
with open("config.json", "w") as file:
    json.dump({"model_type": "gpt_neox", "rope_parameters": rope, **sizes}, file)
loaded = GPTNeoXForCausalLM(GPTNeoXConfig.from_pretrained(".")).eval()
loaded.load_state_dict(base.state_dict(), strict=False)
ids = torch.arange(32)[None]
off = (base(ids).logits - loaded(ids).logits).abs().max().item()
sys.exit(print(f"with the config that was read the logits are off by {off:.2g}") or off > 1e-3)
