# A vocabulary that grew after loading: does the adapter's file have the new rows?
import sys, transformers
from peft import LoraConfig, get_peft_model
from safetensors import safe_open

if not hasattr(transformers, "Gemma3ForConditionalGeneration"):
    sys.exit(125)
text = dict(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1, head_dim=16)
vision = dict(hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
nested = transformers.Gemma3Config(text_config=text, vision_config=vision, image_token_index=199)
held = {}
for model, config in (
    (transformers.Gemma3ForCausalLM, transformers.Gemma3TextConfig(**text)),
    (transformers.Gemma3ForConditionalGeneration, nested),
):
    model(config).save_pretrained(model.__name__)
    base = model.from_pretrained(model.__name__)
    base.resize_token_embeddings(208)
    get_peft_model(base, LoraConfig(target_modules=["q_proj"])).save_pretrained("adapter")
    keys = safe_open("adapter/adapter_model.safetensors", "pt").keys()
    held[model.__name__] = any("embed_tokens" in key for key in keys)
print(f"new rows are in the adapter's file: {held}")
sys.exit(125 if not any(held.values()) else not all(held.values()))
