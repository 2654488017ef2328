# trainable_token_indices on both layers of a tied model: the first forward pass ends in an error.
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
tokens = {"embed_tokens": [1, 2], "lm_head": [1, 2]}
try:
    model = get_peft_model(base, LoraConfig(trainable_token_indices=tokens, **lora))
except (TypeError, AttributeError):  # no such option, or not for a Linear layer
    sys.exit(125)
try:
    model(torch.arange(32)[None])
except ValueError as error:
    sys.exit(print(f"the first forward pass ends in ValueError: {error}") or 1)
print("the model computes")
