# ensure_weight_tying with the head of a tied model in modules_to_save: wrapping fails.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
lora = dict(target_modules=["q_proj"], modules_to_save=["lm_head"], ensure_weight_tying=True)
try:
    get_peft_model(LlamaForCausalLM(config), LoraConfig(**lora))
except AttributeError as error:
    print(f"get_peft_model ends in AttributeError: {error}")
    sys.exit(1)
print("the model is wrapped")
