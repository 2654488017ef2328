# PEFT warns of a tied target by comparing module paths with names: lm_head, but not embed_tokens.
import sys
import warnings

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora, warned, ids = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0}, {}, torch.arange(32)[None]
for target in ("lm_head", "embed_tokens"):
    torch.manual_seed(0)
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = get_peft_model(base, LoraConfig(target_modules=[target], **lora)).eval()
    warned[target] = any("tie" in str(one.message) for one in told)
if not warned["lm_head"]:
    sys.exit(125)  # no warning of ties at all
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
model(input_ids=ids, labels=ids.flip(1)).loss.backward()
optimizer.step()
moved = model(ids).logits - model.merge_and_unload()(ids).logits
print(f"merging embed_tokens moved the logits by {moved.abs().max().item():.2g}; warned: {warned}")
sys.exit(moved.abs().max().item() > 1e-3 and not warned["embed_tokens"])
