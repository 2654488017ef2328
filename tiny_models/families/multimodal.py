"""A vision tower beside a language model that carries the tie: configs inside a config."""

from __future__ import annotations

from collections.abc import Mapping

from tiny_models.families.common import ATTENTION, GATED_MLP, GROUPED
from tiny_models.families.family import Family, Plain, Sizes

SIDE, PATCH = 16, 8  # pixels
PICTURE = (SIDE // PATCH) ** 2
"""Tokens that a picture takes."""

# In every vocabulary and in no text of ours, whatever its size.
_IMAGE: Mapping[str, Plain] = {
    "image_token_index": 8,
    "boi_token_index": 9,
    "eoi_token_index": 10,
}
_VISION: Mapping[str, Plain] = {
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": PATCH,
    "num_hidden_layers": 1,
    "vision_use_head": False,  # as the real ones
}


def _vision(**fixed: Plain) -> Sizes:
    wide = {"intermediate_size": 2.0}
    return Sizes(layers=(), vocab=(), scaled=wide, fixed={**_VISION, **fixed})


_TEXT = {"intermediate_size": 2.0, "head_dim": 0.5}

MULTIMODAL = (
    Family(
        name="gemma3",
        config="Gemma3Config",
        model="Gemma3ForConditionalGeneration",
        embedding="model.language_model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(
            layers=(),
            hidden="",
            vocab=(),
            fixed={**_IMAGE, "mm_tokens_per_image": PICTURE},
            nested={
                "text_config": Sizes(
                    scaled={**_TEXT, "query_pre_attn_scalar": 0.5},
                    fixed=GROUPED,
                ),
                "vision_config": _vision(),
            },
        ),
        tie_default=True,
        embedding_in_file="language_model.model.embed_tokens.weight",
        head_in_file="language_model.lm_head.weight",
        shape="image-text",
        told_of_pictures=True,
    ),
    Family(
        name="paligemma",
        config="PaliGemmaConfig",
        model="PaliGemmaForConditionalGeneration",
        embedding="model.language_model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(
            layers=(),
            fixed={"image_token_index": _IMAGE["image_token_index"]},
            scaled={"projection_dim": 1},
            nested={
                "text_config": Sizes(scaled=_TEXT, fixed={**GROUPED, "model_type": "gemma"}),
                "vision_config": Sizes(
                    layers=(),
                    vocab=(),
                    scaled={"intermediate_size": 2, "projection_dim": 1},
                    fixed={**_VISION, "model_type": "siglip_vision_model"},
                ),
            },
        ),
        tie_default=True,
        embedding_in_file="language_model.model.embed_tokens.weight",
        head_in_file="language_model.lm_head.weight",
        shape="image-text",
        told_of_pictures=True,
    ),
    Family(
        name="llava",  # as those on Qwen: the config inside alone says whether it is tied
        config="LlavaConfig",
        model="LlavaForConditionalGeneration",
        embedding="model.language_model.embed_tokens",
        head="lm_head",
        attention=ATTENTION,
        mlp=GATED_MLP,
        sizes=Sizes(
            layers=(),
            hidden="",
            vocab=(),
            fixed={
                "image_token_index": _IMAGE["image_token_index"],
                "image_seq_length": PICTURE,
                "vision_feature_layer": -1,
                "vision_feature_select_strategy": "full",
            },
            nested={
                "text_config": Sizes(
                    scaled={"intermediate_size": 2}, fixed={**GROUPED, "model_type": "qwen2"}
                ),
                "vision_config": _vision(model_type="siglip_vision_model"),
            },
        ),
        tie_default=False,
        tie_in="text_config",
        embedding_in_file="language_model.model.embed_tokens.weight",
        head_in_file="language_model.lm_head.weight",
        shape="image-text",
    ),
)
