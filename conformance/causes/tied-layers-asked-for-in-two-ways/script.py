# ensure_weight_tying, and the tied layers are named in two lists: does the error say so?
import sys

from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
requests = [
    {"target_modules": ["lm_head"], "modules_to_save": ["embed_tokens"]},
    {"target_modules": ["embed_tokens"], "modules_to_save": ["lm_head"]},
    {"target_modules": ["lm_head"], "trainable_token_indices": {"embed_tokens": [1, 2]}},
]
said = []
for request in requests:
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
    if "ensure_weight_tying" not in LoraConfig.__dataclass_fields__:
        sys.exit(125)
    config = LoraConfig(r=8, lora_alpha=8, ensure_weight_tying=True, **request)
    try:
        get_peft_model(base, config)
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        said.append(str(error))
unclear = [error for error in said if "ensure_weight_tying" not in error]
print(f"{len(unclear)} of 3 errors do not name the conflict, the first of all is: {said[:1]}")
sys.exit(len(unclear) > 0)
