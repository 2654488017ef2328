# modules_to_save: the base's own module trains beside its copy, and with it what is tied to it.
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
base.save_pretrained("base")
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(modules_to_save=["lm_head"], **lora)).eval()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
ids = torch.arange(32)[None]
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
model.save_pretrained("adapter")
loaded = PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained("base"), "adapter").eval()
off = (loaded(ids).logits - model(ids).logits).abs().max().item()
print(f"trained, saved and loaded, the logits are off by {off:.2g}")
sys.exit(off > 1e-3)
