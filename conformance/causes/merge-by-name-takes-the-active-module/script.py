# merge_and_unload(adapter_names=["b"]) has to give what the model computes with adapter b.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).eval()
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
model = get_peft_model(base, LoraConfig(modules_to_save=["lm_head"], **lora))
model.add_adapter("b", LoraConfig(modules_to_save=["lm_head"], **lora))
model.base_model.model.lm_head.modules_to_save["b"].weight.data.normal_(std=0.1)
model.set_adapter("b")
ids = torch.arange(32)[None]
want = model(input_ids=ids).logits.detach()
model.set_adapter("default")
try:
    merged = model.merge_and_unload(adapter_names=["b"])
except TypeError:
    sys.exit(125)
off = (merged(ids).logits - want).abs().max().item()
print(f"merging the inactive b is off from b by {off:.2g} of {want.abs().max().item():.2g}")
sys.exit(off > 1e-3)
