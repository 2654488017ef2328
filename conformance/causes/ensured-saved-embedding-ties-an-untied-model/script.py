# ensure_weight_tying on a model that is not tied: the head is replaced by the saved embedding.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
config = LlamaConfig(num_attention_heads=4, tie_word_embeddings=False, **sizes)
base = LlamaForCausalLM(config).eval()
before = base(ids := torch.arange(32)[None]).logits
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
try:
    config = LoraConfig(modules_to_save=["embed_tokens"], ensure_weight_tying=True, **lora)
except TypeError:
    sys.exit(125)
moved = (get_peft_model(base, config).eval()(ids).logits - before).abs().max().item()
print(f"wrapping moved the logits by {moved:.2g} of {before.abs().max().item():.2g}")
sys.exit(moved > 1e-3)
