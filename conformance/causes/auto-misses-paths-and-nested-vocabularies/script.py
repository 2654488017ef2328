# A vocabulary that grew after loading: does the adapter's file have the new rows?
import sys, transformers
from peft import LoraConfig, get_peft_model
from safetensors import safe_open

if not hasattr(transformers, "Gemma3ForConditionalGeneration"):
    sys.exit(125)
text = dict(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1, head_dim=16)
vision = dict(hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
nested = transformers.Gemma3Config(text_config=text, vision_config=vision, image_token_index=199)
plain, held = transformers.Gemma3TextConfig(**text), {}
for name, config in {"ForCausalLM": plain, "ForConditionalGeneration": nested}.items():
    model = getattr(transformers, f"Gemma3{name}")
    model(config).save_pretrained(name)
    base = model.from_pretrained(name)
    base.resize_token_embeddings(208)
    lora = LoraConfig(lora_dropout=0.0, target_modules=["q_proj"])
    try:
        get_peft_model(base, lora).save_pretrained("adapter")
        keys = safe_open("adapter/adapter_model.safetensors", "pt").keys()
    except OSError:
        sys.exit(125)  # this version writes no such file, or asks the hub
    held[name] = any("embed_tokens" in key for key in keys)
print(f"Gemma 3's new rows are in the adapter's file: {held}")
sys.exit(125 if not any(held.values()) else not all(held.values()))
