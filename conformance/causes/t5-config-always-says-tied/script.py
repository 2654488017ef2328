import sys

import torch
from transformers import T5Config, T5ForConditionalGeneration

torch.manual_seed(0)
sizes = dict(vocab_size=100, d_model=64, d_kv=16, d_ff=128, num_layers=1, num_heads=4)
model = T5ForConditionalGeneration(T5Config(**sizes, tie_word_embeddings=False))
# as in the checkpoints of T5 1.1 and Flan-T5, the head is another matrix than the embedding
model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
model.config.tie_word_embeddings = False
model.save_pretrained("saved")
loaded = T5ForConditionalGeneration.from_pretrained("saved")
apart = (loaded.lm_head.weight - loaded.shared.weight).abs().max().item()
said = loaded.config.tie_word_embeddings
print(f"head and embedding differ by {apart:.2g}, and the config says tie_word_embeddings={said}")
sys.exit(said is True and apart > 1e-3)
