# Adapters on one layer of a tied model: merging changes the other too; does get_peft_model warn?
import sys
import warnings

import peft
import torch
from transformers import LlamaConfig, LlamaForCausalLM

sizes = {"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1}
lora = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "init_lora_weights": False}
tokens, ids, silent = {"token_indices": [1, 2], "init_weights": False}, torch.arange(32)[None], []
for kind, name in (("Lora", "lm_head"), ("Lora", "embed_tokens"), ("TrainableTokens", "lm_head")):
    torch.manual_seed(0)
    base = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, tie_word_embeddings=True, **sizes))
    options = {"target_modules": [name], **(lora if kind == "Lora" else tokens)}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            model = peft.get_peft_model(base, getattr(peft, f"{kind}Config")(**options)).eval()
            off = model(ids).logits - model.merge_and_unload()(ids).logits
        except AttributeError:  # not in this version
            continue
    warned = any("tie" in str(one.message) for one in told)
    silent += [f"{kind}Config on {name}"] * (off.abs().max().item() > 1e-3 and not warned)
sys.exit(print(f"merging changed the other layer and nobody warned: {silent}") or bool(silent))
