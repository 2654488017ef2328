import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4)
reached = {}
for targets in (["model.embed_tokens"], r"model\.embed_tokens"):
    base = LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=200, tie_word_embeddings=True))
    try:
        config = LoraConfig(target_modules=targets, ensure_weight_tying=True)
    except TypeError:
        sys.exit(125)  # no such option
    get_peft_model(base, config)
    reached[type(targets).__name__] = hasattr(base.lm_head, "lora_A")
print(f"LoRA on model.embed_tokens reaches the tied lm_head, by list and by regex: {reached}")
sys.exit(int(not reached["str"]) if reached["list"] else 125)
