# ensure_weight_tying ties the head to a saved "embed_tokens", but to no other way to name it.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
tied = {}
for name in ("embed_tokens", "embed_tokens,lm_head", "model.embed_tokens"):
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
    try:
        config = LoraConfig(modules_to_save=name.split(","), ensure_weight_tying=True, **lora)
    except TypeError:
        sys.exit(125)
    get_peft_model(base, config)
    tied[name] = base.get_output_embeddings().weight is base.get_input_embeddings().weight
print(f"the trained copies of head and embedding are one, by modules_to_save: {tied}")
sys.exit(not all(tied.values()))
