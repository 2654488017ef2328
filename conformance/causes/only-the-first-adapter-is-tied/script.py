# ensure_weight_tying: of a second adapter that is loaded, the head gets nothing.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "vocab_size": 200}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
try:
    lora = LoraConfig(r=8, target_modules=["q_proj", "lm_head"], ensure_weight_tying=True)
except TypeError:
    sys.exit(125)
model, ids = get_peft_model(base, lora), torch.arange(40)[None]
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.02)
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
before = model.eval()(ids).logits
model.save_pretrained("adapter")
model.load_adapter("adapter", "same")
model.set_adapter("same")
gap = (model(ids).logits - before).abs().max().item()
print(f"the same adapter, loaded as a second one, moves the logits by {gap:.2g}")
sys.exit(gap > 1e-3)
