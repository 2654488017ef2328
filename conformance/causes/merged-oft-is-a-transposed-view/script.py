# OFT and BOFT: the merged weight is a transposed view, which safetensors cannot save.
import sys

import peft
import torch
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
options = {"OFT": {"r": 8}, "BOFT": {"boft_block_size": 4}}
found = {}
for name, option in options.items():
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
    try:
        config = getattr(peft, f"{name}Config")(target_modules=["lm_head"], **option)
        model = peft.get_peft_model(base, config)
    except (AttributeError, TypeError, ValueError):  # not in this version, or asks for more
        continue
    try:
        model.merge_and_unload().save_pretrained("merged", safe_serialization=True)
        found[name] = "saved"
    except (RuntimeError, ValueError) as error:
        found[name] = str(error).partition(".")[0]
print(f"merged into a tied head and saved: {found}")
sys.exit(any(one != "saved" for one in found.values()) if found else 125)
