import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4)
ids, moved = torch.arange(200)[None], {}
for tied in (False, True):
    base = LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=200, tie_word_embeddings=tied))
    try:
        config = LoraConfig(target_modules=["q_proj"], trainable_token_indices={
            "embed_tokens": [1, 2], "lm_head": [3, 4]})
        model = get_peft_model(base, config)
    except (TypeError, AttributeError):
        sys.exit(125)  # no such option, or not on a head
    model(ids, labels=ids).loss.backward()
    torch.optim.AdamW(model.parameters(), lr=0.1).step()
    logits = model(ids).logits
    moved[tied] = (model.merge_and_unload()(ids).logits - logits).abs().max().item()
print(f"merging moved the logits by {moved[True]:.2g}, of an untied model by {moved[False]:.2g}")
sys.exit(125 if moved[False] > 1e-3 else int(moved[True] > 1e-3))
