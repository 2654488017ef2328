"""What is noted of a model: flags of ties and all other settings apart."""

from __future__ import annotations

from pathlib import Path

import torch

from conformance.engine.snapshot import flags, settings, snapshot
from tiny_models.build import build
from tiny_models.spec import ModelSpec

CONFIG = {
    "tie_word_embeddings": False,
    "text_config": {"tie_word_embeddings": False, "hidden_size": 8},
    "_name_or_path": "folder",
}


def test_the_flags_of_nested_configs_are_no_settings() -> None:
    untied = {**CONFIG, "text_config": {"tie_word_embeddings": True, "hidden_size": 8}}
    assert settings(CONFIG, None) == settings(untied, None)
    assert settings(CONFIG, None) == {"config.text_config": "{'hidden_size': 8}"}


def test_flags_are_those_of_configs_with_a_vocabulary() -> None:
    text = {"tie_word_embeddings": True, "vocab_size": 8}
    nested = {**CONFIG, "text_config": text, "vision_config": {"tie_word_embeddings": True}}
    assert flags(nested) == {"tie_word_embeddings": False, "text_config.tie_word_embeddings": True}


def test_any_other_setting_is_one_in_nested_configs_too() -> None:
    wider = {**CONFIG, "text_config": {"hidden_size": 16}}
    assert settings(CONFIG, None) != settings(wider, None)


def test_what_is_left_on_the_meta_device_is_no_number(tmp_path: Path) -> None:
    model = build(ModelSpec(tied=False), tmp_path).model
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.to("meta"))
    seen = snapshot(model, None)
    assert seen.weights["lm_head.weight"].isnan().all()
    assert seen.devices["lm_head.weight"] == "meta"
    assert not seen.weights["model.embed_tokens.weight"].isnan().any()
