# LoRA on the head of a tied model: merging changes the embedding too, and get_peft_model is silent.
import sys
import warnings

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["lm_head"]}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    model = get_peft_model(base, LoraConfig(**lora)).eval()
warned = any("tie" in str(one.message) for one in told)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
model(input_ids=(ids := torch.arange(32)[None]), labels=ids.flip(1)).loss.backward()
optimizer.step()
want = model(ids).logits
moved = (model.merge_and_unload()(ids).logits - want).abs().max().item()
print(f"merging moved the logits by {moved:.2g} of {want.abs().max():.2g}; warned: {warned}")
sys.exit(moved > 1e-3 and not warned)
