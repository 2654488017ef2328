# trainable_token_indices on a Linear head that is not tied: wrapping fails.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
base = LlamaForCausalLM(LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1))
lora = LoraConfig(target_modules=["q_proj"], trainable_token_indices={"lm_head": [1, 2]})
try:
    get_peft_model(base, lora)
except AttributeError as error:
    print(f"get_peft_model ends in AttributeError: {error}")
    sys.exit(1)
print("the model is wrapped")
