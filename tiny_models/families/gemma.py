"""The Gemma families: embeddings scaled by the root of the width, norms centred on zero."""

from __future__ import annotations

from tiny_models.families.common import ATTENTION, GATED_MLP, GROUPED
from tiny_models.families.family import Family, Sizes

# Softcapping and the query's scale stay as the real models have them, at tiny width.
_SCALED = {"intermediate_size": 2, "head_dim": 0.5, "query_pre_attn_scalar": 0.5}

GEMMA = (
    Family(
        name="gemma",
        config="GemmaConfig",
        model="GemmaForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(scaled={"intermediate_size": 2, "head_dim": 0.5}, fixed=GROUPED),
        tie_default=True,
    ),
    Family(
        name="gemma2",
        config="Gemma2Config",
        model="Gemma2ForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(scaled=_SCALED, fixed=GROUPED),
        tie_default=True,
    ),
    Family(
        name="gemma3-text",
        config="Gemma3TextConfig",
        model="Gemma3ForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(scaled=_SCALED, fixed=GROUPED),
        tie_default=True,
    ),
)
