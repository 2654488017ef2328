# transformers 4: a tied matrix is read under one of its names, and others in the file are dropped.
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
config = LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes)
LlamaForCausalLM(config).save_pretrained("base", safe_serialization=True)
file = load_file("base/model.safetensors")
both = {"lm_head.weight": torch.randn(200, 64), "model.embed_tokens.weight": torch.randn(200, 64)}
lost = []
for names in (["lm_head.weight"], ["lm_head.weight", "model.embed_tokens.weight"]):
    file.pop("model.embed_tokens.weight", None)
    file.update({name: both[name] for name in names})
    save_file(file, "base/model.safetensors", {"format": "pt"})
    model, info = LlamaForCausalLM.from_pretrained("base", output_loading_info=True)
    loaded = {name: model.get_parameter(name) for name in names}
    kept = all(not one.is_meta and torch.equal(one, both[name]) for name, one in loaded.items())
    lost += [names] * (not kept and not info["missing_keys"])
print(f"lost without a word where the file holds: {lost or 'nothing'}")
sys.exit(bool(lost))
