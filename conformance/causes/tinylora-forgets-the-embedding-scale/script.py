# TinyLoRA on Gemma 3's embedding, which multiplies what it looks up by sqrt(hidden_size).
import sys

import torch
from peft import get_peft_model

try:
    from peft import TinyLoraConfig
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig
except ImportError:
    sys.exit(125)
torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
config = Gemma3TextConfig(tie_word_embeddings=False, **sizes)
base = Gemma3ForCausalLM(config).eval()
model = get_peft_model(base, TinyLoraConfig(r=8, u=8, target_modules=["embed_tokens"]))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
ids = torch.arange(3, 35)[None]
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
want = model(input_ids=ids).logits.detach()
off = (model.merge_and_unload()(ids).logits - want).abs().max().item()
print(f"merging moves the logits by {off:.2g} of {want.abs().max().item():.2g}")
sys.exit(off > 1e-3)
