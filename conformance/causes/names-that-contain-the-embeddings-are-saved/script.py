# BLOOM's embedding is saved beside the adapter: so is word_embeddings_layernorm, by its name.
import sys
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from transformers import BloomConfig, BloomForCausalLM
base = BloomForCausalLM(BloomConfig(vocab_size=200, hidden_size=64, n_layer=1, n_head=4))
lora = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=["query_key_value"])
model = get_peft_model(base, lora)
try:
    model.save_pretrained("adapter", save_embedding_layers=True, safe_serialization=True)
    keys = safe_open("adapter/adapter_model.safetensors", "pt").keys()
except (TypeError, FileNotFoundError):
    sys.exit(125)  # embeddings, or such a file, cannot be asked for
found = [key for key in keys if "layernorm" in key]
sys.exit(print(f"nobody asked for {found}") or bool(found))
