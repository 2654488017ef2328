# trainable_token_indices on a head that has a bias (Phi): the wrapped head computes without it.
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import PhiConfig, PhiForCausalLM
torch.manual_seed(0)
phi = PhiForCausalLM(PhiConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, pad_token_id=0))
phi.lm_head.bias.data.normal_()  # a new model has zeros there, a trained one has not
before = phi(torch.arange(32)[None]).logits
try:
    lora = LoraConfig(target_modules=["q_proj"], trainable_token_indices={"lm_head": [1, 2]})
    moved = get_peft_model(phi, lora)(torch.arange(32)[None]).logits - before
except (TypeError, AttributeError):  # AttributeError: a head could not be wrapped at all
    sys.exit(125)
print(f"wrapping moved the logits by {moved.abs().max():.2g} of {before.abs().max():.2g}")
sys.exit(moved.abs().max().item() > 1e-3)
