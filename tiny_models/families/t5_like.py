"""T5 and what was made after it: one matrix, ``shared``, for both sides and (when asked) head."""

from __future__ import annotations

from collections.abc import Mapping

from tiny_models.families.common import TOKENS
from tiny_models.families.family import Family, Plain, Sizes

_FIXED: Mapping[str, Plain] = {
    **TOKENS,
    "num_heads": 2,
    "relative_attention_num_buckets": 8,
    "dropout_rate": 0.0,
    "decoder_start_token_id": 1,
}
_NOTHING: Mapping[str, Plain] = {}
_SIDES = ("encoder.embed_tokens", "decoder.embed_tokens")


def _t5_like(
    name: str,
    config: str,
    model: str,
    *,
    gated: bool = False,
    encoder_of: str = "",
    more: Mapping[str, Plain] = _NOTHING,
) -> Family:
    fixed = {**_FIXED, **more} | ({"feed_forward_proj": "gated-gelu"} if gated else {})
    return Family(
        name=name,
        config=config,
        model=model,
        embedding="shared",
        head="" if encoder_of else "lm_head",
        attention=("q", "k", "v", "o"),
        mlp=("wi_0", "wi_1", "wo") if gated else ("wi", "wo"),
        sizes=Sizes(
            layers=("num_layers", "num_decoder_layers"),
            hidden="d_model",
            scaled={"d_kv": 0.5, "d_ff": 2},
            fixed=fixed,
        ),
        tie_default=True,
        shape="encoder" if encoder_of else "encoder-decoder",
        copies=_SIDES[:1] if encoder_of else _SIDES,
        encoder_of=encoder_of,
    )


T5_LIKE = (
    _t5_like("t5", "T5Config", "T5ForConditionalGeneration"),
    # as T5 1.1 and Flan-T5
    _t5_like("t5-gated", "T5Config", "T5ForConditionalGeneration", gated=True),
    _t5_like("umt5", "UMT5Config", "UMT5ForConditionalGeneration", gated=True),
    _t5_like("mt5", "MT5Config", "MT5ForConditionalGeneration", gated=True),
    # its encoder looks at blocks of three tokens, so that seven are several
    _t5_like(
        "longt5",
        "LongT5Config",
        "LongT5ForConditionalGeneration",
        gated=True,
        more={"local_radius": 2},
    ),
    _t5_like("t5-encoder", "T5Config", "T5EncoderModel", encoder_of="t5"),
    # the text encoder of Wan 2.2
    _t5_like("umt5-encoder", "UMT5Config", "UMT5EncoderModel", gated=True, encoder_of="umt5"),
)
