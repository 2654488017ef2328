# ensure_weight_tying, and the tied layers are named in two lists: does the error say so?
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
lists = dict(target_modules=["lm_head"], modules_to_save=["embed_tokens"])
try:
    get_peft_model(LlamaForCausalLM(config), LoraConfig(ensure_weight_tying=True, **lists))
except (AttributeError, RuntimeError, TypeError, ValueError) as error:
    print(f"get_peft_model ends in {error!r}")
    sys.exit("ensure_weight_tying" not in str(error))
print("the model is wrapped")
