# The same tokens trained on both tied layers: two adapters, and merging puts one over the other.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
ids, tokens = torch.arange(32)[None], {"embed_tokens": [1, 2], "lm_head": [1, 2]}
try:
    model = get_peft_model(base, LoraConfig(trainable_token_indices=tokens, **lora)).eval()
except (TypeError, AttributeError):  # no such option, or not for a Linear layer
    sys.exit(125)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
try:
    model(input_ids=ids, labels=ids).loss.backward()
except ValueError as error:  # the head is wrapped twice
    sys.exit(print(f"the first forward pass ends in ValueError: {error}") or 1)
optimizer.step()
moved = model(ids).logits - model.merge_and_unload()(ids).logits
print(f"merging moved the logits by {moved.abs().max().item():.2g}")
sys.exit(moved.abs().max().item() > 1e-3)
