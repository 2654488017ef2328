# Does the adapter's file have an embedding named by its path, and new rows of a nested config?
import sys, transformers
from peft import LoraConfig, get_peft_model
from safetensors import safe_open

def held(base, *names):
    lora = LoraConfig(lora_alpha=8, lora_dropout=0.0, target_modules=[*names])
    try:
        get_peft_model(base, lora).save_pretrained("adapter")
        keys = safe_open("adapter/adapter_model.safetensors", "pt").keys()
    except OSError:
        sys.exit(125)  # this version writes no such file, or asks the hub
    return any("embed_tokens" in key and "lora" not in key for key in keys)
text = dict(vocab_size=200, hidden_size=64, intermediate_size=64, num_hidden_layers=1, head_dim=16)
llama = [transformers.LlamaForCausalLM(transformers.LlamaConfig(**text)) for _ in range(2)]
found = {"by name": held(llama[0], "embed_tokens"), "by path": held(llama[1], "model.embed_tokens")}
if hasattr(transformers, "Gemma3ForConditionalGeneration"):
    vision = dict(hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    nested = transformers.Gemma3Config(text_config=text, vision_config=vision)
    transformers.Gemma3ForConditionalGeneration(nested).save_pretrained("base")
    base = transformers.Gemma3ForConditionalGeneration.from_pretrained("base")
    base.resize_token_embeddings(208)
    found["nested"] = held(base, "q_proj")
sys.exit(print(f"in the file: {found}") or found.pop("by name") and not all(found.values()))
