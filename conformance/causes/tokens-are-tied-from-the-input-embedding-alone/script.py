import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import T5Config, T5ForConditionalGeneration

torch.manual_seed(0)
sizes = dict(vocab_size=100, d_model=64, d_kv=16, d_ff=128, num_layers=1, num_heads=4)
base = T5ForConditionalGeneration(T5Config(**sizes))
try:
    config = LoraConfig(target_modules=["q"], trainable_token_indices={"embed_tokens": [5]})
except TypeError:
    sys.exit(125)
model = get_peft_model(base, config)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
ids = torch.tensor([[3, 5, 7]])
for _ in range(5):
    model(input_ids=ids, decoder_input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
want = model.eval()(input_ids=ids, decoder_input_ids=ids).logits
got = model.merge_and_unload()(input_ids=ids, decoder_input_ids=ids).logits
moved = (got - want).abs().max().item()
print(f"merging moved the logits by {moved:.2g} of {want.abs().max():.2g}")
sys.exit(moved > 1e-3)
