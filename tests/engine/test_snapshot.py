"""What is noted of a model: flags of ties and all other settings apart."""

from __future__ import annotations

from conformance.engine.snapshot import flags, settings

CONFIG = {
    "tie_word_embeddings": False,
    "text_config": {"tie_word_embeddings": False, "hidden_size": 8},
    "_name_or_path": "folder",
}


def test_the_flags_of_nested_configs_are_no_settings() -> None:
    untied = {**CONFIG, "text_config": {"tie_word_embeddings": True, "hidden_size": 8}}
    assert settings(CONFIG, None) == settings(untied, None)
    assert settings(CONFIG, None) == {"config.text_config": "{'hidden_size': 8}"}
    assert flags(untied) == {"tie_word_embeddings": False, "text_config.tie_word_embeddings": True}


def test_any_other_setting_is_one_in_nested_configs_too() -> None:
    wider = {**CONFIG, "text_config": {"hidden_size": 16}}
    assert settings(CONFIG, None) != settings(wider, None)
