# DoRA on an embedding: merging adds the delta of LoRA alone, without the magnitude of DoRA.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=False, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["embed_tokens"]}
try:
    model = get_peft_model(base, LoraConfig(use_dora=True, **lora)).eval()
except (TypeError, ValueError, AttributeError):  # no DoRA, or not for an embedding
    sys.exit(125)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
model(input_ids=(ids := torch.arange(32)[None]), labels=ids).loss.backward()
optimizer.step()
want = model(ids).logits
moved = (model.merge_and_unload()(ids).logits - want).abs().max().item()
print(f"merging moved the logits by {moved:.2g} of {want.abs().max():.2g}")
sys.exit(moved > 1e-3)
