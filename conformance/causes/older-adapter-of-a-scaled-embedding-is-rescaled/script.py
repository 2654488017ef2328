# An adapter of Gemma 3's embedding that PEFT 0.17 saved computes something else now.
import json, sys, torch
from safetensors.torch import save_file
from peft import PeftModel
try:
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig
except ImportError:
    sys.exit(125)

torch.manual_seed(0)
size = dict(vocab_size=100, hidden_size=64, intermediate_size=64, num_hidden_layers=1, head_dim=16)
config = Gemma3TextConfig(num_attention_heads=4, num_key_value_heads=4, **size)
base, x = Gemma3ForCausalLM(config).eval(), torch.arange(10)[None]
a, b = torch.randn(8, 100) / 8, torch.randn(64, 8) / 8
# what PEFT 0.17 saved: its LoRA was added to what the embedding had scaled
saved = {"peft_type": "LORA", "r": 8, "lora_alpha": 8, "target_modules": ["embed_tokens"]}
json.dump(saved, open("adapter_config.json", "w"))
keys = [f"base_model.model.model.embed_tokens.lora_embedding_{part}" for part in "AB"]
save_file(dict(zip(keys, (a, b))), "adapter_model.safetensors")
with torch.no_grad():
    trained = base(inputs_embeds=base.model.embed_tokens(x) + (b @ a).T[x]).logits
    off = (PeftModel.from_pretrained(base, ".")(x).logits - trained).abs().max().item()
print(f"logits of the loaded adapter are off by {off:.2g} of {trained.abs().max().item():.2g}")
sys.exit(off > 1e-3)
