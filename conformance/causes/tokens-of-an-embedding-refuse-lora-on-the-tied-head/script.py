# Tokens of the embedding and LoRA on the head: on a tied model wrapping ends in a TypeError.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["lm_head"]}
for tied in (False, True):
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=tied, **sizes))
    try:
        config = LoraConfig(trainable_token_indices={"embed_tokens": [1, 2]}, **lora)
    except TypeError:
        sys.exit(125)
    try:
        get_peft_model(base, config)
    except TypeError as error:
        sys.exit(print(f"tied: {tied}, get_peft_model ends in TypeError: {error}") or 1)
print("tied and untied models are wrapped")
