# LoRA on lm_head that PEFT 0.18 saved with ensure_weight_tying: loading ties the embedding to it.
import json, sys, torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel
try:
    LoraConfig(ensure_weight_tying=True)
except TypeError:
    sys.exit(125)
torch.manual_seed(0)
config = LlamaConfig(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1,
                     num_attention_heads=4, tie_word_embeddings=True)
base, x = LlamaForCausalLM(config).eval(), torch.arange(10)[None]
a, b = torch.randn(8, 64) / 8, torch.randn(100, 8) / 8
# what PEFT 0.18 saved: it did not tie target_modules, and trained the head alone
saved = {"peft_type": "LORA", "peft_version": "0.18.1", "r": 8, "lora_alpha": 8,
         "target_modules": ["lm_head"], "ensure_weight_tying": True}
json.dump(saved, open("adapter_config.json", "w"))
keys = [f"base_model.model.lm_head.lora_{part}.weight" for part in "AB"]
save_file(dict(zip(keys, (a, b))), "adapter_model.safetensors")
with torch.no_grad():
    trained = base(x).logits + base.model(x)[0] @ (b @ a).T
    off = (PeftModel.from_pretrained(base, ".")(x).logits - trained).abs().max().item()
print(f"logits of the loaded adapter are off by {off:.2g} of {trained.abs().max().item():.2g}")
sys.exit(off > 1e-3)
