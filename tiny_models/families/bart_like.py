"""Bart and what was made after it: one matrix for encoder, decoder and head; and Whisper."""

from __future__ import annotations

from collections.abc import Mapping

from tiny_models.families.common import POSITIONS, TOKENS
from tiny_models.families.family import Family, Plain, Sizes

_FIXED: Mapping[str, Plain] = {
    **TOKENS,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "decoder_start_token_id": 2,
}
_LAYERS = ("encoder_layers", "decoder_layers")
_FOURFOLD = {"encoder_ffn_dim": 2.0, "decoder_ffn_dim": 2.0}
_ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")
_SIDES = ("model.encoder.embed_tokens", "model.decoder.embed_tokens")
_SIZES = Sizes(
    layers=_LAYERS,
    hidden="d_model",
    scaled=_FOURFOLD,
    fixed={**_FIXED, "max_position_embeddings": POSITIONS, "forced_eos_token_id": None},
)


def _bart_like(name: str, config: str, model: str, sizes: Sizes = _SIZES) -> Family:
    return Family(
        name=name,
        config=config,
        model=model,
        embedding="model.shared",
        head="lm_head",
        attention=_ATTENTION,
        mlp=("fc1", "fc2"),
        sizes=sizes,
        tie_default=True,
        shape="encoder-decoder",
        copies=_SIDES,
    )


BART_LIKE = (
    _bart_like("bart", "BartConfig", "BartForConditionalGeneration"),
    _bart_like("mbart", "MBartConfig", "MBartForConditionalGeneration"),
    _bart_like(
        "marian",
        "MarianConfig",
        "MarianMTModel",
        Sizes(
            layers=_LAYERS,
            hidden="d_model",
            vocab=("vocab_size", "decoder_vocab_size"),
            scaled=_FOURFOLD,
            fixed=_SIZES.fixed,
        ),
    ),
    _bart_like("pegasus", "PegasusConfig", "PegasusForConditionalGeneration"),
    Family(
        name="whisper",
        config="WhisperConfig",
        model="WhisperForConditionalGeneration",
        embedding="model.decoder.embed_tokens",
        head="proj_out",
        attention=_ATTENTION,
        mlp=("fc1", "fc2"),
        sizes=Sizes(
            layers=_LAYERS,
            hidden="d_model",
            scaled=_FOURFOLD,
            fixed={
                **_FIXED,
                "num_mel_bins": 8,
                "max_source_positions": 8,
                "max_target_positions": POSITIONS,
                "suppress_tokens": None,
                "begin_suppress_tokens": None,
            },
        ),
        tie_default=True,
        shape="speech",
    ),
)
