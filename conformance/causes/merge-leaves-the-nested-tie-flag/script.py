# Gemma 3 with a vision tower, modules_to_save=["lm_head"], merged: what do its two tie flags say?
import sys

from peft import LoraConfig, get_peft_model

try:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration
except ImportError:
    sys.exit(125)
sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
text = {"vocab_size": 200, "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 16}
vision = {"num_attention_heads": 4, "image_size": 16, "patch_size": 8, "vision_use_head": False}
tokens = {"image_token_index": 3, "boi_token_index": 4, "eoi_token_index": 5}
parts = {"text_config": {**text, **sizes}, "vision_config": {**vision, **sizes}}
base = Gemma3ForConditionalGeneration(Gemma3Config(**parts, mm_tokens_per_image=4, **tokens))
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"]}
merged = get_peft_model(base, LoraConfig(modules_to_save=["lm_head"], **lora)).merge_and_unload()
shared = merged.get_output_embeddings().weight is merged.get_input_embeddings().weight
flags = [part.tie_word_embeddings for part in (merged.config, merged.config.text_config)]
print(f"one tensor: {shared}, tie_word_embeddings: {flags[0]}, in text_config: {flags[1]}")
sys.exit(125 if flags[0] != shared else flags[1] != shared)
