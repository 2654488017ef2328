# ruff: noqa: INP001, T201  a script for people to run, no part of a package
"""What axolotl's default merge drops: needs torch, transformers, peft and axolotl alone.

Prints, for each adapter, how far the logits of the merged model are from those of the trained one,
and how far those of the adapter loaded onto its base are.
"""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from axolotl.cli.utils.lora_merge import merge_lora_sharded_efficient
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

IDS = torch.tensor([[2, 0, 1, 23, 5, 2, 7]])
SIZES: dict[str, Any] = {
    "vocab_size": 24,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "attention_bias": True,
}
ADAPTERS: dict[str, tuple[bool, dict[str, Any]]] = {
    "attention alone": (False, {"target_modules": ["q_proj"]}),
    "LoRA on the embedding": (False, {"target_modules": ["q_proj", "embed_tokens"]}),
    "trained tokens": (False, {"target_modules": ["q_proj"], "trainable_token_indices": [0]}),
    "trained biases": (False, {"target_modules": ["q_proj"], "bias": "all"}),
    "LoRA on a tied head": (True, {"target_modules": ["q_proj", "lm_head"]}),
    "saved tied head": (True, {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]}),
}


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    """The logits of a model in eval mode."""
    found: torch.Tensor = model.eval()(input_ids=IDS).logits
    return found


def main() -> None:
    """Train each adapter (give it values), merge it, and compare."""
    torch.manual_seed(0)
    for name, (tied, adapter) in ADAPTERS.items():
        base, lora, out = (tempfile.mkdtemp() for _ in range(3))
        LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=tied)).save_pretrained(base)
        load = AutoModelForCausalLM.from_pretrained
        config = LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=2, **adapter)
        model = get_peft_model(load(base), config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter))
        model.save_pretrained(lora)
        merge_lora_sharded_efficient(base, lora, out)
        trained = logits(model)
        merged = (logits(load(out)) - trained).abs().max()
        loaded = (logits(PeftModel.from_pretrained(load(base), lora)) - trained).abs().max()
        print(f"{name}: merged {merged:.2g}, loaded {loaded:.2g}")


if __name__ == "__main__":
    main()
