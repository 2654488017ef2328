# AdaLoRA's ranknum is moved to the base's dtype (here) or device (any GPU), which lets it train.
import copy

import torch
from peft import AdaLoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
config = LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=1, vocab_size=200)
base = LlamaForCausalLM(config).to(torch.float64)
fresh, ids = copy.deepcopy(base), torch.arange(40)[None]
lora = {"init_r": 8, "target_r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "total_step": 100,
        "target_modules": ["q_proj", "v_proj", "o_proj", "up_proj", "down_proj"]}
try:
    model = get_peft_model(base, AdaLoraConfig(**lora))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(50):
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
except (TypeError, RuntimeError):  # up to 0.7, AdaLoRA is made or computes in float32 alone
    raise SystemExit(125) from None
model.eval().save_pretrained("adapter")
gap = model(ids).logits - PeftModel.from_pretrained(fresh, "adapter").eval()(ids).logits
print(f"the reloaded adapter moves the logits by {gap.abs().max().item():.2g}")
raise SystemExit(gap.abs().max().item() > 1e-3)
