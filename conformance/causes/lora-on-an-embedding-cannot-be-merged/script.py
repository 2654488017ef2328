# LoRA on an embedding: disabling, merging or safely merging it ends in an AttributeError.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["embed_tokens"]}
failed = []
for safe in ({}, {"safe_merge": True}):
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes))
    model = get_peft_model(base, LoraConfig(**lora))
    try:
        with model.disable_adapter():
            model(torch.arange(32)[None])
        model.merge_and_unload(**safe)
    except TypeError:  # not yet an option
        continue
    except AttributeError as error:
        failed.append(f"{'safe_merge: ' * bool(safe)}AttributeError: {error}")
print("; ".join(failed) or "LoRA is disabled and merged")
sys.exit(bool(failed))
