# Trained tokens of the embedding with LoRA on the head, which is tied to it: a TypeError.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
lora = LoraConfig(target_modules=["lm_head"], trainable_token_indices={"embed_tokens": [1, 2]})
try:
    get_peft_model(LlamaForCausalLM(config), lora)
except (TypeError, ValueError) as error:  # a ValueError is a refusal that says why
    print(f"get_peft_model ends in {error!r}")
    sys.exit(isinstance(error, TypeError))
print("the model is wrapped")
