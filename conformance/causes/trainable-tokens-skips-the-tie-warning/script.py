# TrainableTokensConfig on the head of a tied model: merging changes the embedding, nobody warns.
import sys
import warnings

import peft
import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    try:
        tokens = peft.TrainableTokensConfig(token_indices=[1, 2], target_modules=["lm_head"])
        model = peft.get_peft_model(base, tokens).eval()
    except AttributeError:  # not here, or not for a Linear layer
        sys.exit(125)
warned = any("tie" in str(one.message) for one in told)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
model(input_ids=(ids := torch.arange(32)[None]), labels=ids).loss.backward()
optimizer.step()
moved = model(ids).logits - model.merge_and_unload()(ids).logits
print(f"merging moved the logits by {moved.abs().max().item():.2g}; warned: {warned}")
sys.exit(moved.abs().max().item() > 1e-3 and not warned)
