# TrainableTokensConfig on both layers of a tied model: two adapters, merged one over the other.
import sys

import peft
import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
both, ids = ["embed_tokens", "lm_head"], torch.arange(32)[None]
try:
    tokens = peft.TrainableTokensConfig(token_indices=[1, 2], target_modules=both)
    model = peft.get_peft_model(base, tokens).eval()
    model(input_ids=ids, labels=ids).loss.backward()
except (AttributeError, ValueError):  # not here, not for a Linear layer, not for two tied layers
    sys.exit(125)
torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2).step()
moved = model(ids).logits - model.merge_and_unload()(ids).logits
print(f"merging moved the logits by {moved.abs().max().item():.2g}")
sys.exit(moved.abs().max().item() > 1e-3)
