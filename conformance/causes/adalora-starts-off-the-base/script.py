# AdaLoRA, wrapped and not trained: are the logits those of the base?
import sys, torch
from peft import AdaLoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).eval()
ids = torch.arange(32)[None]
before = base(ids).logits
adalora = {"init_r": 8, "target_r": 4, "total_step": 100, "lora_alpha": 32, "lora_dropout": 0.1}
model = get_peft_model(base, AdaLoraConfig(target_modules=["q_proj", "v_proj"], **adalora)).eval()
off = (model(ids).logits - before).abs().max().item()
print(f"wrapping moved the logits by {off:.2g} of {before.abs().max().item():.2g}")
sys.exit(off > 1e-4)
