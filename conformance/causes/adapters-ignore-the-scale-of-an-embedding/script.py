# Gemma 3's embedding scales what it looks up: adapters on it compute as if it did not.
import sys

import torch
from peft import LoraConfig, get_peft_model

try:
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig
except ImportError:
    sys.exit(125)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
heads = {"num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 16, "pad_token_id": 0}
moved, ids = {}, torch.arange(4, 36)[None]
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "init_lora_weights": False}
tokens = {"target_modules": ["q_proj"], "trainable_token_indices": {"embed_tokens": [4, 5]}}
for place, option in {"LoRA": {"target_modules": ["embed_tokens"]}, "tokens": tokens}.items():
    torch.manual_seed(0)
    base = Gemma3ForCausalLM(Gemma3TextConfig(tie_word_embeddings=False, **heads, **sizes))
    try:
        model = get_peft_model(base, LoraConfig(**option, **lora)).eval()
        moved[place] = (model(ids).logits - model.merge_and_unload()(ids).logits).abs().max().item()
    except (TypeError, AttributeError):  # no trainable tokens; an embedding could not be merged
        continue
print(f"merging moved the logits by {moved}")
sys.exit(max(moved.values()) > 1e-3 if moved else 125)
