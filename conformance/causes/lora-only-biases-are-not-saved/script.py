# bias="lora_only": the trained biases are not in the file of the adapter.
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import OPTConfig, OPTForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "ffn_dim": 128, "word_embed_proj_dim": 64}
base = OPTForCausalLM(OPTConfig(num_attention_heads=4, num_hidden_layers=1, **sizes)).eval()
base.save_pretrained("base")
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["v_proj", "fc1"]}
model = get_peft_model(base, LoraConfig(bias="lora_only", **lora))
optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
ids = torch.arange(32)[None]
for _ in range(5):
    optimizer.zero_grad()
    model(input_ids=ids, labels=ids.flip(1)).loss.backward()
    optimizer.step()
model.save_pretrained("adapter")
loaded = PeftModel.from_pretrained(OPTForCausalLM.from_pretrained("base"), "adapter").eval()
off = (loaded(ids).logits - model(ids).logits).abs().max().item()
print(f"loading moved the logits by {off:.2g} of {model(ids).logits.abs().max().item():.2g}")
sys.exit(off > 1e-3)
