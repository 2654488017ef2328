# TrainableTokensConfig on a tied model: a second adapter wraps the head again, and forward fails.
import peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(peft, "TrainableTokensConfig"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
tokens = dict(token_indices=[1, 2], target_modules=["embed_tokens"], init_weights=False)
model = peft.get_peft_model(LlamaForCausalLM(config), peft.TrainableTokensConfig(**tokens))
before = model(torch.arange(32)[None]).logits
try:
    model.add_adapter("b", peft.TrainableTokensConfig(**tokens))
    told = float((model(torch.arange(32)[None]).logits - before).abs().max())
except (AttributeError, ValueError) as error:
    told = error
print(f"a second adapter is added, with another active, and logits differ by {told}")
sys.exit(told != 0)
