# TrainableTokensConfig on a tied model: a second adapter wraps the head again, and forward fails.
import peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(peft, "TrainableTokensConfig"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
tokens = dict(token_indices=[1, 2], target_modules=["embed_tokens"])
model = peft.get_peft_model(LlamaForCausalLM(config), peft.TrainableTokensConfig(**tokens))
for name, parameter in model.named_parameters():
    parameter.data += parameter.requires_grad
before = model(torch.arange(32)[None]).logits
try:
    model.add_adapter("b", peft.TrainableTokensConfig(**tokens))
    after = model(torch.arange(32)[None]).logits
except (AttributeError, ValueError) as error:
    print(f"a second adapter: {error}")
    sys.exit(1)
changed = float((before - after).abs().max()) > 1e-3
print(f"a second adapter: the model computes {'something else' if changed else 'the same'}")
sys.exit(changed)
