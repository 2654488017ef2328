# merge_adapter() and then unload() has to give back the base model, as unload() alone does.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).eval()
ids = torch.arange(32)[None]
before = base(ids).logits.detach()
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj", "v_proj"]}
model = get_peft_model(base, LoraConfig(**lora))
for name, parameter in model.named_parameters():
    if "lora_" in name:
        parameter.data.normal_(std=0.1)
if not hasattr(model.base_model, "unload"):
    sys.exit(125)
trained = (model(input_ids=ids).logits - before).abs().max().item()
model.merge_adapter()
off = (model.unload()(ids).logits - before).abs().max().item()
print(f"the adapter moves the logits by {trained:.2g}, unload() leaves them off by {off:.2g}")
sys.exit(off > 1e-3)
