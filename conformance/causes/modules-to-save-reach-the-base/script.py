# modules_to_save on one of two tied layers: one step, and the model is not the base when disabled.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
config = LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes)
base, ids = LlamaForCausalLM(config).eval(), torch.arange(32)[None]
before = base(ids).logits.detach()
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(modules_to_save=["lm_head"], **lora)).eval()
train = {name for name, one in model.named_parameters() if one.requires_grad and "lora" not in name}
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
with model.disable_adapter():
    off = (model(ids).logits - before).abs().max().item()
print(f"disabled, the logits are off the base by {off:.2g}; beside LoRA {len(train)} tensors train")
sys.exit(off > 1e-3)
