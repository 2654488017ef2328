"""Older decoders with layer norms and biases, each with its own names for everything."""

from __future__ import annotations

from collections.abc import Mapping

from tiny_models.families.common import POSITIONS, TOKENS
from tiny_models.families.family import Family, Plain, Sizes

_NO_DROPOUT: Mapping[str, Plain] = {**TOKENS, "attention_dropout": 0.0, "hidden_dropout": 0.0}
_FUSED = ("query_key_value", "dense")
_FOURFOLD = ("dense_h_to_4h", "dense_4h_to_h")

GPT_LIKE = (
    Family(
        name="gpt2",  # its linear modules are Conv1D: weights stored transposed
        config="GPT2Config",
        model="GPT2LMHeadModel",
        embedding="transformer.wte",
        head="lm_head",
        attention=("c_attn",),
        mlp=("c_fc", "c_proj"),  # the attention's output projection is called c_proj as well
        sizes=Sizes(
            layers=("n_layer",),
            hidden="n_embd",
            fixed={
                **TOKENS,
                "n_head": 2,
                "n_positions": POSITIONS,
                "resid_pdrop": 0.0,
                "embd_pdrop": 0.0,
                "attn_pdrop": 0.0,
            },
        ),
        tie_default=True,
    ),
    Family(
        name="gpt-neox",
        config="GPTNeoXConfig",
        model="GPTNeoXForCausalLM",
        embedding="gpt_neox.embed_in",
        head="lm_head",  # embed_out on transformers 4: compat.live_path
        attention=_FUSED,
        mlp=_FOURFOLD,
        sizes=Sizes(
            scaled={"intermediate_size": 4},
            fixed={
                **_NO_DROPOUT,
                "num_attention_heads": 2,
                "max_position_embeddings": POSITIONS,
                "rotary_pct": 0.5,  # the default quarter of a tiny head is not a pair
            },
        ),
        tie_default=False,
        head_in_file="embed_out.weight",
    ),
    Family(
        name="bloom",
        config="BloomConfig",
        model="BloomForCausalLM",
        embedding="transformer.word_embeddings",
        head="lm_head",
        attention=_FUSED,
        mlp=_FOURFOLD,
        sizes=Sizes(layers=("n_layer",), fixed={**_NO_DROPOUT, "n_head": 2}),
        tie_default=True,
    ),
    Family(
        name="falcon",
        config="FalconConfig",
        model="FalconForCausalLM",
        embedding="transformer.word_embeddings",
        head="lm_head",
        attention=_FUSED,
        mlp=_FOURFOLD,
        sizes=Sizes(fixed={**_NO_DROPOUT, "num_attention_heads": 2}),
        tie_default=True,
    ),
)
