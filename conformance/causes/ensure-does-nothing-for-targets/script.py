# ensure_weight_tying: LoRA on lm_head leaves the embedding that is tied to it without.
import sys
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if not hasattr(LoraConfig, "ensure_weight_tying"):
    sys.exit(125)
config = LlamaConfig(vocab_size=200, hidden_size=64, num_hidden_layers=1, tie_word_embeddings=True)
base = LlamaForCausalLM(config)
get_peft_model(base, LoraConfig(target_modules=["lm_head"], ensure_weight_tying=True))
layers = {"lm_head": base.get_output_embeddings(), "embed_tokens": base.get_input_embeddings()}
with_lora = [name for name, layer in layers.items() if hasattr(layer, "lora_A")]
print(f"of the tied layers {' and '.join(with_lora)} got LoRA")
sys.exit(len(with_lora) < 2)
