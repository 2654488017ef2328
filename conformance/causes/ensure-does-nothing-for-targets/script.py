# ensure_weight_tying with LoRA on the head of a tied model: the embedding gets no adapter.
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["lm_head"]}
try:
    config = LoraConfig(ensure_weight_tying=True, **lora)
except TypeError:
    sys.exit(125)
model = get_peft_model(base, config)
layers = {"lm_head": base.get_output_embeddings(), "embed_tokens": base.get_input_embeddings()}
with_lora = [name for name, layer in layers.items() if hasattr(layer, "lora_A")]
print(f"of the tied layers {' and '.join(with_lora)} got LoRA")
sys.exit(len(with_lora) < 2)
