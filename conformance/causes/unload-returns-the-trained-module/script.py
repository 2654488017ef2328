# unload() has to give back the base model; with modules_to_save it gives back the trained module.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).eval()
ids = torch.arange(32)[None]
before = base(ids).logits.detach()
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(modules_to_save=["lm_head"], **lora))
if not hasattr(model.base_model, "unload"):
    sys.exit(125)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
moved = (model(input_ids=ids).logits - before).abs().max().item()
off = (model.unload()(ids).logits - before).abs().max().item()
print(
    f"one step moved the logits by {moved:.2g}, after unload() they are off the base by {off:.2g}"
)
sys.exit(off > 1e-3)
