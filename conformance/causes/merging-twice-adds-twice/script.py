# merge_adapter() on a merged model adds the adapter to its weights again.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj", "v_proj"]}
model = get_peft_model(base, LoraConfig(**lora)).eval()
ids = torch.arange(32)[None]
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
for _ in range(5):
    optimizer.zero_grad()
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
model.merge_adapter()
want = model(ids).logits
model.merge_adapter()
off = (model(ids).logits - want).abs().max().item()
print(f"merging again moved the logits by {off:.2g} of {want.abs().max().item():.2g}")
sys.exit(off > 1e-3)
