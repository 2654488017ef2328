# TrainableTokensConfig on both layers of a tied model: two adapters, merged one over the other.
import peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
both = ["embed_tokens", "lm_head"]
try:
    tokens = peft.TrainableTokensConfig(token_indices=[1, 2], target_modules=both)
    model = peft.get_peft_model(LlamaForCausalLM(config), tokens)
    model(torch.arange(32)[None])
except (AttributeError, ValueError):  # not here, not for a Linear layer, not for two tied layers
    sys.exit(125)
trained = [name for name, _ in model.named_parameters() if "tokens_delta" in name]
print(f"trained copies of the rows of the one weight: {len(trained)}")
sys.exit(len(trained) > 1)
