# TrainableTokensConfig on a tied model: a second adapter, or both layers, and forward fails.
import sys

import torch
from peft import get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

try:
    from peft import TrainableTokensConfig
except ImportError:
    sys.exit(125)
sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
errors = []
for targets, adapters in ((["embed_tokens"], "ab"), (["embed_tokens", "lm_head"], "a")):
    config = LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes)
    tokens = {"target_modules": targets, "token_indices": [1, 2]}
    model = get_peft_model(LlamaForCausalLM(config), TrainableTokensConfig(**tokens), "a")
    try:
        for name in adapters[1:]:
            model.add_adapter(name, TrainableTokensConfig(**tokens))
            model.set_adapter(name)
        model(torch.arange(32)[None])
    except (AttributeError, ValueError) as error:
        errors.append(f"{len(adapters)} adapter(s) on {' and '.join(targets)}: {error}")
sys.exit(print("; ".join(errors) or "forward passes end well") or len(errors) > 0)
