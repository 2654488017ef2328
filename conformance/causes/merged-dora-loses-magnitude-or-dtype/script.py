# Merging DoRA: an embedding loses its magnitude, a bfloat16 model its dtype.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
wrong, ids = {}, torch.arange(32)[None]
for name, dtype, rounding in (("embed_tokens", None, 1e-3), ("q_proj", torch.bfloat16, 0.1)):
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **sizes)).to(dtype)
    lora = {"r": 8, "lora_dropout": 0.0, "target_modules": [name]}
    try:
        model = get_peft_model(base, LoraConfig(use_dora=True, **lora)).eval()
    except (TypeError, ValueError, AttributeError):  # no DoRA, or not for an embedding
        continue
    for parameter in (p for n, p in model.named_parameters() if "magnitude" in n):
        parameter.data[..., ::2] *= 2  # as if it were trained
    want = model(ids).logits
    try:
        off = (model.merge_and_unload()(ids).logits - want).abs().max().item()
        wrong[name] = f"off by {off:.2g}" if off > rounding else ""
    except RuntimeError as error:
        wrong[name] = str(error)
sys.exit(print(f"merged: {wrong}") or (any(wrong.values()) if wrong else 125))
