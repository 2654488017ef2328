# trainable_token_indices on the head, a Linear: wrapping asks it for embedding_dim.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=False, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
try:
    config = LoraConfig(trainable_token_indices={"lm_head": [1, 2]}, **lora)
except TypeError:
    sys.exit(125)
try:
    get_peft_model(base, config)
except AttributeError as error:
    sys.exit(print(f"get_peft_model ends in AttributeError: {error}") or 1)
print("the model is wrapped")
