"""All that belongs to LoRA on a user's model: put on as asked, computed as defined, merged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from own_pairs import CONFIGS

from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.user_config import configuration as configurations
from conformance.kinds.user_config.answer import judged
from conformance.kinds.user_config.case import OwnCase
from conformance.kinds.user_config.configuration import Configuration, configuration
from conformance.kinds.user_config.subject import OwnSubject, observe_own

KEPT = (
    "config-wraps-what-it-names",
    "forward-follows-definition",
    "merge-keeps-logits",
    "reload-keeps-logits",
    "adapter-keeps-logits",
    "unmerge-restores",
    "only-the-adapter-trains",
    "adapter-config-round-trips",
    "life-completes",
)
PATTERNS: dict[str, Any] = {
    "target_modules": ["q_proj", "v_proj"],
    "rank_pattern": {"layers.0.self_attn.q_proj": 8},
    "alpha_pattern": {r".*\.1\.self_attn\.q_proj": 64},
    "use_rslora": True,
}
LAYERS: dict[str, Any] = {
    "target_modules": ["q_proj", "v_proj"],
    "layers_to_transform": [0, 15],
    "layers_pattern": "layers",
}


def own(tmp_path: Path, model: str = "llama-3.2-1b", **fields: Any) -> Configuration:
    raw = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 16, "lora_alpha": 32, **fields}
    (tmp_path / "adapter_config.json").write_text(json.dumps(raw))
    return configuration(str(CONFIGS[model]), str(tmp_path))


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("llama-3.2-1b", PATTERNS),
        ("llama-3.2-1b", LAYERS),
        ("llama-3.2-1b", {"target_modules": r"model\.layers\.(0|5)\.self_attn\.(q|v)_proj"}),
        ("llama-3.2-1b", {"target_modules": "all-linear", "exclude_modules": ["down_proj"]}),
        ("llama-3.2-1b", {"target_modules": ["model.layers.15.mlp.up_proj"], "use_dora": True}),
        ("llama-3.2-1b", {"target_modules": ["q_proj"], "modules_to_save": ["norm"]}),
        ("llama-3.2-1b", {"target_modules": ["q_proj"], "trainable_token_indices": [7, 128009]}),
        ("llama-3.2-1b", {}),
        ("gpt2", {"target_modules": ["c_attn"], "lora_dropout": 0.1}),
        ("gpt2", {"target_modules": ["c_attn"], "lora_bias": True}),
        ("mixtral-8x7b-v0.1", {"target_parameters": ["experts.down_proj"]}),
    ],
)
def test_each_field_is_followed(model: str, fields: dict[str, Any], tmp_path: Path) -> None:
    seen = observe_own(own(tmp_path, model, **fields))
    found = {name: one for name, one in judged(seen, OwnCase(seen.case)).items() if name in KEPT}
    assert {name: one.findings for name, one in found.items() if one.findings} == {}
    undefined = {"lora_bias", "target_parameters"} & set(fields)
    held = {name for name, one in found.items() if one.verdict == "holds"}
    assert held == set(KEPT) - ({"forward-follows-definition"} if undefined else set())


def test_the_definition_knows_the_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: one scaling for all modules."""
    found = own(tmp_path, **PATTERNS)
    monkeypatch.setattr(OwnSubject, "scaling", lambda self, module: self.case.scaling)
    judgement = INVARIANTS["forward-follows-definition"].judge(observe_own(found))
    assert judgement.verdict == "breaks"


def test_our_reading_knows_the_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: layers_to_transform unread."""
    found = own(tmp_path, **LAYERS)
    real = configurations.targets

    def every(arguments: dict[str, Any], *rest: Any) -> frozenset[str]:
        return real({k: v for k, v in arguments.items() if "layers" not in k}, *rest)

    monkeypatch.setattr(configurations, "targets", every)
    judgement = INVARIANTS["config-wraps-what-it-names"].judge(observe_own(found))
    assert judgement.verdict == "breaks"


def test_layers_that_are_named_stay_apart_from_those_that_are_not(tmp_path: Path) -> None:
    found = own(tmp_path, **LAYERS)
    assert found.arguments["layers_to_transform"] == [0, 3]
    assert found.model.layers == 4
    assert own(tmp_path, target_modules=["q_proj"]).model.layers == 2


def test_an_untied_checkpoint_of_a_config_that_ties_in_memory_stays_untied(
    tmp_path: Path,
) -> None:
    """UMT5: transformers 5 says tied whatever the config says; the file has two matrices."""
    found = own(tmp_path, "umt5-small", target_modules=["q"], task_type="SEQ_2_SEQ_LM")
    assert not found.case.lived.tied
    base = OwnSubject(found).build(tmp_path / "base").model
    assert base.get_output_embeddings().weight is not base.get_input_embeddings().weight
