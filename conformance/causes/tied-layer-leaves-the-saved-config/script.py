# ensure_weight_tying on GPT-2's lm_head: the saved config names wte alone; the head's LoRA is lost.
import copy
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(0)
base = GPT2LMHeadModel(GPT2Config(n_embd=64, n_layer=1, n_head=4, vocab_size=200)).eval()
fresh, ids = copy.deepcopy(base), torch.arange(40)[None]
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["lm_head"]}
try:
    model = get_peft_model(base, LoraConfig(ensure_weight_tying=True, **lora))
except TypeError:
    sys.exit(125)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
for _ in range(3):
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
model.save_pretrained("adapter")
gap = model.eval()(ids).logits - PeftModel.from_pretrained(fresh, "adapter")(ids).logits
print(f"the reloaded adapter moves the logits by {gap.abs().max():.2g}")
sys.exit(gap.abs().max().item() > 1e-3)
