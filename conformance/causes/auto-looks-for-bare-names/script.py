# LoRA on the embedding, by its name and by its path: is the embedding's weight in both files?
import sys, tempfile
from pathlib import Path
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1}
held = {}
for target in ("embed_tokens", "model.embed_tokens"):
    base = LlamaForCausalLM(LlamaConfig(tie_word_embeddings=False, **sizes))
    model = get_peft_model(base, LoraConfig(target_modules=["q_proj", target]))
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        file = Path(folder, "adapter_model.safetensors")
        if not file.exists():
            sys.exit(125)
        keys = safe_open(file, "pt").keys()
    held[target] = any(key.endswith("embed_tokens.base_layer.weight") for key in keys)
print(held)
sys.exit(len({*held.values()}) > 1 and 1 or 125 * (not any(held.values())))
