# modules_to_save on a tied model: merging unties the layers, and the config still says tied.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(modules_to_save=["embed_tokens", "lm_head"], **lora))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
ids = torch.arange(32)[None]
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
merged = model.merge_and_unload()
apart = (merged.lm_head.weight - merged.model.embed_tokens.weight).abs().max().item()
says = merged.config.tie_word_embeddings
print(f"merged head and embedding differ by {apart:.2g}, the config says tied: {says}")
sys.exit(bool(says) and apart > 1e-3)
