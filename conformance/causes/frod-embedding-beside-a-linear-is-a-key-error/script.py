# FRoD refuses an embedding in words; named beside a linear layer, it ends in a KeyError.
import peft, sys
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(peft, "FrodConfig"):
    sys.exit(125)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
frod = peft.FrodConfig(target_modules=["embed_tokens", "q_proj"], progressbar=False)
try:
    peft.get_peft_model(base, frod)
    said = "the model is wrapped"
except (KeyError, TypeError, ValueError) as error:
    said = f"get_peft_model ends in {error!r}"
print(said)
sys.exit("KeyError" in said)
