# One config trains tokens of a tied embedding and puts LoRA on the head: merging leaves a wrapper.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "trainable_token_indices"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
lora = LoraConfig(target_modules=["lm_head"], trainable_token_indices={"embed_tokens": [1, 2]})
try:
    merged = get_peft_model(LlamaForCausalLM(config), lora).merge_and_unload()
    print(f"the merged lm_head is a {type(merged.lm_head).__name__}")
    sys.exit(type(merged.lm_head).__name__ != "Linear")
except (TypeError, ValueError) as error:
    print(f"refused: {error}")
