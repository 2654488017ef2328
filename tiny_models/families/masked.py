"""Encoders that fill gaps: the head's decoder shares the embedding's matrix and a second bias."""

from __future__ import annotations

from collections.abc import Mapping

from tiny_models.families.common import POSITIONS, TOKENS
from tiny_models.families.family import Family, Plain, Sizes

_FIXED: Mapping[str, Plain] = {
    **TOKENS,
    "num_attention_heads": 2,
    "max_position_embeddings": POSITIONS,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
_SIZES = Sizes(scaled={"intermediate_size": 2}, fixed=_FIXED)
_ATTENTION = ("query", "key", "value")

MASKED = (
    Family(
        name="bert",
        config="BertConfig",
        model="BertForMaskedLM",
        embedding="bert.embeddings.word_embeddings",
        head="cls.predictions.decoder",
        attention=_ATTENTION,
        mlp=("dense",),  # the attention's output projection and the head's are called so as well
        sizes=_SIZES,
        tie_default=True,
        shape="masked",
        biases=("cls.predictions.bias", "cls.predictions.decoder.bias"),
    ),
    Family(
        name="roberta",
        config="RobertaConfig",
        model="RobertaForMaskedLM",
        embedding="roberta.embeddings.word_embeddings",
        head="lm_head.decoder",
        attention=_ATTENTION,
        mlp=("dense",),
        sizes=_SIZES,
        tie_default=True,
        shape="masked",
        biases=("lm_head.bias", "lm_head.decoder.bias"),
    ),
    Family(
        name="albert",  # every layer is one; embedding and head are narrower than the body
        config="AlbertConfig",
        model="AlbertForMaskedLM",
        embedding="albert.embeddings.word_embeddings",
        head="predictions.decoder",
        attention=_ATTENTION,
        mlp=("ffn", "ffn_output"),
        sizes=Sizes(scaled={"intermediate_size": 2, "embedding_size": 0.5}, fixed=_FIXED),
        tie_default=True,
        shape="masked",
        biases=("predictions.bias", "predictions.decoder.bias"),
    ),
)
