# ensure_weight_tying: a regex in target_modules that has the whole path does not reach the head.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
reached = {}
for targets in (["model.embed_tokens"], r"model\.embed_tokens"):
    base = LlamaForCausalLM(config)
    get_peft_model(base, LoraConfig(target_modules=targets, ensure_weight_tying=True))
    reached[type(targets).__name__] = hasattr(base.lm_head, "lora_A")
print(f"LoRA on model.embed_tokens reaches the tied lm_head, by list and by regex: {reached}")
sys.exit(not reached["str"] if reached["list"] else 125)
