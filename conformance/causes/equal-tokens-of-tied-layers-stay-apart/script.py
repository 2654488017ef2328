# The same tokens trained on both tied layers: two adapters, and merging puts one over the other.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
tokens = {"embed_tokens": [1, 2], "lm_head": [1, 2]}
try:
    lora = LoraConfig(target_modules=["q_proj"], trainable_token_indices=tokens)
    model = get_peft_model(LlamaForCausalLM(config), lora)
    model(torch.arange(32)[None])
except (TypeError, AttributeError, ValueError):  # no such option, not for a Linear layer, or twice
    sys.exit(125)
trained = [name for name, _ in model.named_parameters() if "tokens_delta" in name]
print(f"trained copies of the rows of the one weight: {len(trained)}")
sys.exit(len(trained) > 1)
