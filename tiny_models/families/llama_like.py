"""Families that name their parts as Llama does, from untied-by-default checkpoints."""

from __future__ import annotations

from tiny_models.families.common import ATTENTION, GATED_MLP, GROUPED
from tiny_models.families.family import Family, Sizes

LLAMA_LIKE = (
    Family(
        name="llama",
        config="LlamaConfig",
        model="LlamaForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(scaled={"intermediate_size": 2}, fixed=GROUPED),
        tie_default=False,
    ),
    Family(
        name="mistral",
        config="MistralConfig",
        model="MistralForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(scaled={"intermediate_size": 2, "head_dim": 0.5}, fixed=GROUPED),
        tie_default=False,
    ),
    Family(
        name="qwen2",
        config="Qwen2Config",
        model="Qwen2ForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(scaled={"intermediate_size": 2}, fixed=GROUPED),
        tie_default=False,
    ),
    Family(
        name="qwen3",
        config="Qwen3Config",
        model="Qwen3ForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(scaled={"intermediate_size": 2, "head_dim": 0.5}, fixed=GROUPED),
        tie_default=False,
    ),
    Family(
        name="phi3",
        config="Phi3Config",
        model="Phi3ForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=("qkv_proj", "o_proj"),
        mlp=("gate_up_proj", "down_proj"),
        sizes=Sizes(scaled={"intermediate_size": 2}, fixed=GROUPED),
        tie_default=False,
    ),
)
