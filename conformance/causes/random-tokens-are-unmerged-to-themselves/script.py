# Trainable tokens that begin at random, merged and unmerged: is the base's embedding what it was?
import peft, sys, torch
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(peft, "TrainableTokensConfig"):
    sys.exit(125)
torch.manual_seed(0)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
was = base.model.embed_tokens.weight.detach().clone()
config = peft.TrainableTokensConfig(token_indices=[1, 2], init_weights=False)
model = peft.get_peft_model(base, config)
model.merge_adapter()
model.unmerge_adapter()
off = (base.model.embed_tokens.get_base_layer().weight - was).abs().max().item()
print(f"merged and unmerged, the embedding is off by {off:.2g}")
sys.exit(off > 1e-3)
