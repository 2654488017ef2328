"""Published architectures with adapters of trainers: the verdict is that of the grid.

Each architecture meets one adapter here and all of them in ``python tests/support/own_pairs.py``.
"""

from __future__ import annotations

import pytest
from own_pairs import ADAPTERS, CONFIGS, verdicts

from conformance.kinds.user_config.downscale import Shrinking
from conformance.kinds.user_config.model import read_model
from tiny_models.families import FAMILIES

IN_THE_GRID = {entry.model for entry in FAMILIES.values()}
PAIRS = [(config, sorted(ADAPTERS)[n % 6]) for n, config in enumerate(sorted(CONFIGS))]
MOST_SECONDS = 10


def test_there_are_twenty_architectures_and_six_adapters() -> None:
    classes = {read_model(str(path), layers=1).model_class for path in CONFIGS.values()}
    assert len(ADAPTERS) == 6
    assert len(CONFIGS) >= 25
    assert len(classes) >= 20
    assert (
        {
            "Gemma3ForConditionalGeneration",
            "T5ForConditionalGeneration",
            "UMT5ForConditionalGeneration",
            "BartForConditionalGeneration",
            "WhisperForConditionalGeneration",
        }
        <= classes
        <= IN_THE_GRID
    )


@pytest.mark.parametrize(("config", "adapter"), PAIRS, ids=[" ".join(pair) for pair in PAIRS])
def test_the_verdict_is_that_of_the_nearest_stratum(config: str, adapter: str) -> None:
    verdict, nearest, near, seconds = verdicts(config, adapter)
    assert seconds < MOST_SECONDS
    assert verdict == nearest, near


@pytest.mark.parametrize(
    ("body", "heads", "shared", "equal"),
    [
        ({"num_attention_heads": 32, "num_key_value_heads": 8}, 4, 2, True),
        ({"num_attention_heads": 32, "num_key_value_heads": 32}, 2, 2, True),
        ({"num_attention_heads": 8, "num_key_value_heads": 1}, 2, 1, True),
        ({"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128}, 4, 2, False),
    ],
)
def test_shrinking_keeps_how_heads_share_keys_and_fill_the_width(
    body: dict[str, int], heads: int, shared: int, equal: bool
) -> None:
    small = Shrinking(2).config({"hidden_size": 2048, "num_hidden_layers": 32, **body})
    assert (small["num_attention_heads"], small["num_key_value_heads"]) == (heads, shared)
    if "head_dim" in body:
        assert (heads * small["head_dim"] == small["hidden_size"]) == equal


def test_shrinking_keeps_what_is_equal_equal_and_each_kind_of_layer() -> None:
    kinds = [*["sliding"] * 5, "full"] * 4
    small = Shrinking(2).config(
        {
            "hidden_size": 1024,
            "word_embed_proj_dim": 512,
            "projection_dim": 1024,
            "vocab_size": 50000,
            "num_hidden_layers": 24,
            "layer_types": kinds,
            "bos_token_id": 2,
            "eos_token_id": [1, 2],
            "pad_token_id": 1,
            "vision_config": {"hidden_size": 512, "num_hidden_layers": 24},
        }
    )
    assert small["layer_types"] == ["sliding", "full"]
    assert small["projection_dim"] == small["hidden_size"] > small["vocab_size"] / 3
    assert small["vision_config"]["hidden_size"] != small["hidden_size"]
    assert small["word_embed_proj_dim"] == small["vision_config"]["hidden_size"]
    assert small["eos_token_id"] == [small["pad_token_id"], small["bos_token_id"]]
    assert len({small["bos_token_id"], small["pad_token_id"], 0}) == 3
