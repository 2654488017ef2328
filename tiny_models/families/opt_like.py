"""Decoders whose feed-forward is called fc1 and fc2: biases everywhere, even on Phi's head."""

from __future__ import annotations

from collections.abc import Mapping

from tiny_models.families.common import POSITIONS, TOKENS
from tiny_models.families.family import Family, Plain, Sizes

_OPT: Mapping[str, Plain] = {
    **TOKENS,
    "num_attention_heads": 2,
    "max_position_embeddings": POSITIONS,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "layerdrop": 0.0,
}

OPT_LIKE = (
    Family(
        name="opt",
        config="OPTConfig",
        model="OPTForCausalLM",
        embedding="model.decoder.embed_tokens",
        head="lm_head",
        attention=("q_proj", "k_proj", "v_proj", "out_proj"),
        mlp=("fc1", "fc2"),
        sizes=Sizes(scaled={"ffn_dim": 2, "word_embed_proj_dim": 1}, fixed=_OPT),
        tie_default=True,
    ),
    Family(
        name="opt-proj",  # as opt-350m: embedding and head narrower than the body
        config="OPTConfig",
        model="OPTForCausalLM",
        embedding="model.decoder.embed_tokens",
        head="lm_head",
        attention=("q_proj", "k_proj", "v_proj", "out_proj"),
        mlp=("fc1", "fc2"),
        sizes=Sizes(scaled={"ffn_dim": 2, "word_embed_proj_dim": 0.5}, fixed=_OPT),
        tie_default=True,
    ),
    Family(
        name="phi",  # its head has a bias
        config="PhiConfig",
        model="PhiForCausalLM",
        embedding="model.embed_tokens",
        head="lm_head",
        attention=("q_proj", "k_proj", "v_proj", "dense"),
        mlp=("fc1", "fc2"),
        sizes=Sizes(
            scaled={"intermediate_size": 2},
            fixed={
                **TOKENS,
                "num_attention_heads": 2,
                "max_position_embeddings": POSITIONS,
                "partial_rotary_factor": 0.5,
                "resid_pdrop": 0.0,
                "embd_pdrop": 0.0,
                "attention_dropout": 0.0,
            },
        ),
        tie_default=False,
    ),
)
