import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4)
base = LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=200, tie_word_embeddings=True))
try:
    config = LoraConfig(target_modules=["embed_tokens"], ensure_weight_tying=True)
except TypeError:
    sys.exit(125)  # no such option
model, ids = get_peft_model(base, config), torch.arange(200)[None]
if not hasattr(base.lm_head, "lora_A"):
    sys.exit(125)  # it does not tie LoRA yet
model(ids, labels=ids).loss.backward()
torch.optim.AdamW(model.parameters(), lr=1e-2).step()
weight, delta = base.lm_head.weight.clone(), base.model.embed_tokens.get_delta_weight("default")
logits, merged = model(ids).logits, model.merge_and_unload()
times = (merged.lm_head.weight - weight).norm() / delta.norm()
moved = (merged(ids).logits - logits).abs().max()
print(f"merging added the delta {times:.2f} times and moved the logits by {moved:.2g}")
sys.exit(int(moved > 1e-3))
