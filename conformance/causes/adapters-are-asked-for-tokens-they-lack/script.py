# One adapter trains tokens, another does not: it is merged and saved, and asked for tokens.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
model = get_peft_model(base, LoraConfig(target_modules=["q_proj"], trainable_token_indices=[1, 2]))
model.add_adapter("b", LoraConfig(target_modules=["q_proj"]))
try:
    model.merge_adapter(["b"])
    model.save_pretrained("saved")
except KeyError as error:
    sys.exit(print(f"merging or saving b ends in KeyError: {error}") or 1)
