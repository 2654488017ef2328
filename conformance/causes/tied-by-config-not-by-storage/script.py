import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

torch.manual_seed(0)
sizes = dict(vocab_size=100, d_model=64, d_kv=16, d_ff=128, num_layers=1, num_heads=4)
model = T5ForConditionalGeneration(T5Config(**sizes, tie_word_embeddings=False)).eval()
# as in the checkpoints of T5 1.1 and Flan-T5, the head is another matrix than the embedding
model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
ids = torch.tensor([[3, 5, 7]])
before = model(input_ids=ids, decoder_input_ids=ids).logits
try:
    config = LoraConfig(r=8, target_modules=["q", "v"], trainable_token_indices=[5])
except TypeError:
    sys.exit(125)
wrapped = get_peft_model(model, config).eval()
moved = (wrapped(input_ids=ids, decoder_input_ids=ids).logits - before).abs().max().item()
print(f"wrapping, before any training, moved the logits by {moved:.2g} of {before.abs().max():.2g}")
sys.exit(moved > 1e-3)
