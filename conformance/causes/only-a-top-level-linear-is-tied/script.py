# ensure_weight_tying on T5: the tied embeddings of encoder and decoder get adapters of their own.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

torch.manual_seed(0)
sizes = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 1, "num_heads": 4}
base = T5ForConditionalGeneration(T5Config(vocab_size=200, decoder_start_token_id=0, **sizes))
try:
    lora = LoraConfig(r=8, target_modules=["lm_head"], ensure_weight_tying=True)
    model = get_peft_model(base, lora).base_model.model
    model.shared.lora_embedding_B, model.encoder.embed_tokens.lora_embedding_B
except (TypeError, AttributeError):  # before 0.19 it does not tie what target_modules names
    sys.exit(125)
ids = torch.arange(40)[None]
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
for _ in range(3):
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
one, other = (m.get_delta_weight("default") for m in (model.shared, model.encoder.embed_tokens))
gap = (one - other).abs().max().item()
print(f"after training the tied adapters differ by {gap:.2g} of {one.abs().max().item():.2g}")
sys.exit(gap > 1e-3)
