"""T5 and UMT5: one matrix, ``shared``, for encoder, decoder and (when asked) head."""

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
_SIZES = Sizes(
    layers=("num_layers", "num_decoder_layers"),
    hidden="d_model",
    scaled={"d_kv": 0.5, "d_ff": 2},
    fixed=_FIXED,
)
_GATED = Sizes(
    layers=_SIZES.layers,
    hidden=_SIZES.hidden,
    scaled=_SIZES.scaled,
    fixed={**_FIXED, "feed_forward_proj": "gated-gelu"},
)
_ATTENTION = ("q", "k", "v", "o")
_SIDES = ("encoder.embed_tokens", "decoder.embed_tokens")

T5_LIKE = (
    Family(
        name="t5",
        config="T5Config",
        model="T5ForConditionalGeneration",
        embedding="shared",
        head="lm_head",
        attention=_ATTENTION,
        mlp=("wi", "wo"),
        sizes=_SIZES,
        tie_default=True,
        shape="encoder-decoder",
        copies=_SIDES,
    ),
    Family(
        name="t5-gated",  # as T5 1.1 and Flan-T5
        config="T5Config",
        model="T5ForConditionalGeneration",
        embedding="shared",
        head="lm_head",
        attention=_ATTENTION,
        mlp=("wi_0", "wi_1", "wo"),
        sizes=_GATED,
        tie_default=True,
        shape="encoder-decoder",
        copies=_SIDES,
    ),
    Family(
        name="umt5",
        config="UMT5Config",
        model="UMT5ForConditionalGeneration",
        embedding="shared",
        head="lm_head",
        attention=_ATTENTION,
        mlp=("wi_0", "wi_1", "wo"),
        sizes=_GATED,
        tie_default=True,
        shape="encoder-decoder",
        copies=_SIDES,
    ),
    Family(
        name="t5-encoder",
        config="T5Config",
        model="T5EncoderModel",
        embedding="shared",
        head="",
        attention=_ATTENTION,
        mlp=("wi", "wo"),
        sizes=_SIZES,
        tie_default=True,
        shape="encoder",
        copies=_SIDES[:1],
        encoder_of="t5",
    ),
    Family(
        name="umt5-encoder",  # the text encoder of Wan 2.2
        config="UMT5Config",
        model="UMT5EncoderModel",
        embedding="shared",
        head="",
        attention=_ATTENTION,
        mlp=("wi_0", "wi_1", "wo"),
        sizes=_GATED,
        tie_default=True,
        shape="encoder",
        copies=_SIDES[:1],
        encoder_of="umt5",
    ),
)
