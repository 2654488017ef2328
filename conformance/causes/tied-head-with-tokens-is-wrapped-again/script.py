# Tokens of both tied layers by name: the head, which is wrapped for its tie, is wrapped again.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
tokens = {"embed_tokens": [1, 2], "lm_head": [1, 2]}
try:
    lora = LoraConfig(target_modules=["q_proj"], trainable_token_indices=tokens)
    get_peft_model(LlamaForCausalLM(config), lora)(torch.arange(32)[None])
except (TypeError, AttributeError):  # no such option, or not for a Linear layer
    sys.exit(125)
except ValueError as error:
    print(f"the first forward pass ends in ValueError: {error}")
    sys.exit(1)
print("the model computes")
