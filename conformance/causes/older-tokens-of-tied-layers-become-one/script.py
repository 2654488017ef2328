# Tokens that PEFT 0.18 trained apart on embedding and head of a tied model become one at load.
import copy, json, sys, torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM
from peft import LoraConfig, PeftModel
if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
torch.manual_seed(0)
config = LlamaConfig(vocab_size=100, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
base, x = LlamaForCausalLM(config).eval(), torch.arange(10)[None]
saved = {"peft_type": "LORA", "peft_version": "0.18.1", "target_modules": ["q_proj"],
         "trainable_token_indices": {"embed_tokens": [1, 2], "lm_head": [1, 2]}}
json.dump(saved, open("adapter_config.json", "w"))
rows = {key: torch.randn(2, 64) for key in ("model.embed_tokens", "lm_head")}
save_file({f"base_model.model.{key}.token_adapter.trainable_tokens_delta": rows[key]
           for key in rows}, "adapter_model.safetensors")
trained = copy.deepcopy(base)
trained.lm_head.weight = torch.nn.Parameter(base.lm_head.weight.clone())
for key in rows:
    trained.get_submodule(key).weight.data[[1, 2]] = rows[key]
try:
    off = (PeftModel.from_pretrained(base, ".")(x).logits - trained(x).logits).abs().max().item()
except (AttributeError, ValueError):
    sys.exit(125)  # this version trains no tokens of a head
sys.exit(print(f"logits of the loaded adapter are off by {off:.2g}") or off > 1e-3)
