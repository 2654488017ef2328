# One config trains tokens of a tied embedding and puts LoRA on the head.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
ids = torch.arange(32)[None]
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["lm_head"]}
if "trainable_token_indices" not in LoraConfig.__dataclass_fields__:
    sys.exit(125)
try:
    tokens = {"embed_tokens": [1, 2]}
    model = get_peft_model(base, LoraConfig(trainable_token_indices=tokens, **lora))
except (TypeError, ValueError) as error:
    sys.exit(print(f"refused: {error}"))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
moved = (model(ids).logits - (merged := model.merge_and_unload())(ids).logits).abs().max().item()
print(f"merge moved the logits by {moved:.2g}, the head is a {type(merged.lm_head).__name__}")
sys.exit(moved > 1e-3)
