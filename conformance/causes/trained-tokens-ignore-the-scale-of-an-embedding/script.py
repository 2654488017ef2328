# trainable_token_indices on Gemma 3's embedding: all that it looks up comes unscaled.
import sys

import torch
from peft import LoraConfig, get_peft_model

try:
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
heads = {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 16}
base = Gemma3ForCausalLM(Gemma3TextConfig(pad_token_id=0, **heads, **sizes)).eval()
ids = torch.arange(4, 36)[None]
before = base(ids).logits
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
try:
    config = LoraConfig(trainable_token_indices={"embed_tokens": [1, 2]}, **lora)
except TypeError:
    sys.exit(125)
moved = (get_peft_model(base, config).eval()(ids).logits - before).abs().max().item()
print(f"wrapping moved the logits by {moved:.2g} of {before.abs().max().item():.2g}")
sys.exit(moved > 1e-3)
