# AdaLoRA's ranknum is moved to the base's dtype (here) or device (any GPU), which lets it train.
import sys, torch
from peft import AdaLoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1)
lora = dict(init_r=8, target_r=8, lora_alpha=8, lora_dropout=0.1, total_step=100)
base = LlamaForCausalLM(config).to(torch.float64)
model = get_peft_model(base, AdaLoraConfig(target_modules=["q_proj", "v_proj"], **lora))
ranks = [p.requires_grad for name, p in model.named_parameters() if "ranknum" in name]
print(f"{sum(ranks)} of {len(ranks)} tensors of ranknum, which counts ranks, train")
sys.exit(any(ranks))
