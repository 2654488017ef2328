# disable_adapter() switches LoRA off, but not the trained copy of modules_to_save.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
config = LlamaConfig(num_attention_heads=4, tie_word_embeddings=False, **sizes)
base = LlamaForCausalLM(config).eval()
before = base(ids := torch.arange(32)[None]).logits.detach()
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(modules_to_save=["lm_head"], **lora)).eval()
trained = [p for n, p in model.named_parameters() if p.requires_grad and "original_module" not in n]
optimizer = torch.optim.AdamW(trained, lr=1e-2)
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
with model.disable_adapter():
    off = (model(ids).logits - before).abs().max().item()
print(f"with disable_adapter() the logits are off the base by {off:.2g}")
sys.exit(off > 1e-3)
