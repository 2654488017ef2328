# ensure_weight_tying on a model that is not tied: what is put on one layer is put on the other.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora, wrong = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "ensure_weight_tying": True}, []
saves = {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]}
options = {"LoRA on lm_head": {"target_modules": ["lm_head"]}, "a saved embed_tokens": saves}
for name, option in options.items():
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=False, **sizes))
    head, embedding = base.get_output_embeddings(), base.get_input_embeddings()
    try:
        get_peft_model(base, LoraConfig(**option, **lora))
    except TypeError:
        sys.exit(125)
    both = base.get_output_embeddings() is not head and base.get_input_embeddings() is not embedding
    wrong += [name] * both
print(f"both layers of an untied model are wrapped with: {' and '.join(wrong) or 'neither'}")
sys.exit(bool(wrong))
