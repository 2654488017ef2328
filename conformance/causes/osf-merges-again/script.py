# merge_adapter() and then merge_and_unload(): OSF adds its delta twice, LoRA once.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

try:
    from peft import OSFConfig
except ImportError:
    sys.exit(125)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
ids, off = torch.arange(32)[None], {}
for config in (LoraConfig(r=8, target_modules=["q_proj"]), OSFConfig(target_modules=["q_proj"])):
    torch.manual_seed(0)
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).eval()
    model = get_peft_model(base, config)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    model.merge_adapter()
    want = model(input_ids=ids).logits.detach()
    off[config.peft_type.value] = (model.merge_and_unload()(ids).logits - want).abs().max().item()
print("merging again moves the logits by", ", ".join(f"{k}: {v:.2g}" for k, v in off.items()))
sys.exit(off["OSF"] > 1e-3)
