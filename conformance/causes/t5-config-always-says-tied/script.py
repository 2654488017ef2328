# T5 with a head of its own (T5 1.1, Flan-T5): after saving and loading the config says tied.
import sys, torch
from transformers import T5Config, T5ForConditionalGeneration

torch.manual_seed(0)
sizes = dict(vocab_size=100, d_model=64, d_kv=16, d_ff=128, num_layers=1, num_heads=4)
model = T5ForConditionalGeneration(T5Config(tie_word_embeddings=False, **sizes))
model.lm_head.weight = torch.nn.Parameter(torch.randn(100, 64))  # as in these checkpoints
model.config.tie_word_embeddings = False
model.save_pretrained("saved")
loaded = T5ForConditionalGeneration.from_pretrained("saved")
apart = (loaded.lm_head.weight - loaded.shared.weight).abs().max().item()
said = loaded.config.tie_word_embeddings
print(f"head and embedding differ by {apart:.2g}, and the config says tie_word_embeddings={said}")
sys.exit(said is True and apart > 1e-3)
