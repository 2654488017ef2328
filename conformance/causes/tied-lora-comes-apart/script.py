# ensure_weight_tying: over a model in bfloat16, the adapters of embedding and head are not tied.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "vocab_size": 200}
config = LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes)
base = LlamaForCausalLM(config).to(torch.bfloat16)
try:
    lora = LoraConfig(r=8, target_modules=["lm_head"], ensure_weight_tying=True)
    embedding = get_peft_model(base, lora).get_input_embeddings().lora_embedding_A["default"]
except (TypeError, AttributeError):  # before 0.19 it does not tie what target_modules names
    sys.exit(125)
head = base.lm_head.lora_B["default"].weight
optimizer = torch.optim.AdamW([p for p in base.parameters() if p.requires_grad], lr=0.01)
for _ in range(2):
    ids = torch.arange(40)[None]
    base(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
gap = (embedding - head.T).abs().max().item()
print(f"after two steps the tied factors differ by {gap:.2g} of {head.abs().max().item():.2g}")
sys.exit(gap > 1e-3)
