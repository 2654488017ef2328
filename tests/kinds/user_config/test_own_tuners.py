"""Adapters other than LoRA on a user's model: judged by what is promised of tuners."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from own_pairs import CONFIGS

from conformance.causes.known import Known
from conformance.kinds.lifecycle.checks.warnings import never
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.checks import WRAPS
from conformance.kinds.tuners.kind import tuner_verdict
from conformance.kinds.tuners.subject import observe_tuner
from conformance.kinds.user_config import subject
from conformance.kinds.user_config.answer import judged
from conformance.kinds.user_config.answer_text import answer_lines
from conformance.kinds.user_config.configuration import Configuration, configuration
from conformance.kinds.user_config.run import OwnLife
from conformance.kinds.user_config.subject import observe_own

KNOWN = Known.load()
LLAMA = str(CONFIGS["llama-3.2-1b"])
BODY, HEAD = ["q_proj", "v_proj"], ["q_proj", "lm_head"]


def folder(path: Path, kind: str, targets: list[str] | str, **fields: Any) -> str:
    raw = {"peft_type": kind, "task_type": "CAUSAL_LM", "target_modules": targets, **fields}
    (path / "adapter_config.json").write_text(json.dumps(raw))
    return str(path)


def own(path: Path, kind: str, targets: list[str] | str, **fields: Any) -> Configuration:
    return configuration(LLAMA, folder(path, kind, targets, **fields))


@pytest.mark.parametrize("kind", ["IA3", "LOHA", "LOKR", "OFT", "VERA"])
@pytest.mark.parametrize("targets", [BODY, HEAD], ids=["body", "head"])
def test_the_verdict_is_that_of_the_table(kind: str, targets: list[str], tmp_path: Path) -> None:
    life = OwnLife(LLAMA, folder(tmp_path, kind, targets, r=16), KNOWN)
    nearest = life.found.case.nearest
    assert isinstance(nearest, TunerCase)
    assert life.answer.verdict == tuner_verdict(observe_tuner(nearest), never), nearest
    assert life.answer.known or life.answer.safe


def test_what_is_lost_is_told_with_advice_that_was_lived(tmp_path: Path) -> None:
    life = OwnLife(LLAMA, folder(tmp_path, "IA3", HEAD), KNOWN)
    text = "\n".join(answer_lines(life))
    assert "IA3 on 3 modules, among them lm_head; as in the stratum cpu-ia3-tied-default-" in text
    assert "corrupts at merge" in text
    assert [one.text for one in (*life.instead, *life.rescue)]


def test_where_it_stands_is_the_users_and_its_sizes_are_the_tables(tmp_path: Path) -> None:
    fields = {"r": 32, "alpha": 64, "use_effective_conv2d": True, "init_weights": True}
    found = own(tmp_path, "LOHA", r"model\.layers\.(0|5)\..*_proj", **fields)
    assert (found.arguments["r"], found.arguments["alpha"]) == (2, 2)
    assert found.arguments["use_effective_conv2d"] is True
    assert found.targets(found.arguments) == {
        name
        for name in found.model.linear
        if name.startswith(("model.layers.0.", "model.layers.5."))
    }
    assert "r, alpha: not followed; lived with the smallest sizes known of LOHA" in found.notes


def test_a_definition_is_asked_for_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: IA3 that rescales nothing."""
    found = own(tmp_path, "IA3", BODY)
    told = judged(observe_own(found), found.case)
    assert told["forward-follows-definition"].verdict == "holds"
    fed = own(tmp_path, "IA3", [*BODY, "down_proj"], feedforward_modules=["down_proj"])
    undefined = judged(observe_own(fed), fed.case)
    assert undefined["forward-follows-definition"].verdict == "not applicable"
    assert undefined["merge-keeps-logits"].verdict == "holds"
    monkeypatch.setattr(subject, "redefined", lambda tuner, weights, base, trained: weights)
    told = judged(observe_own(found), found.case)
    assert told["forward-follows-definition"].verdict == "breaks"


def test_our_reading_knows_where_a_tuner_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: nothing is left out, by our reading."""
    found = own(tmp_path, "LOKR", BODY, exclude_modules=["v_proj"])
    assert judged(observe_own(found), found.case)[WRAPS].verdict == "holds"
    every = Configuration.targets
    monkeypatch.setattr(
        Configuration,
        "targets",
        lambda self, given: every(
            self, {name: value for name, value in given.items() if name != "exclude_modules"}
        ),
    )
    assert judged(observe_own(found), found.case)[WRAPS].verdict == "breaks"


def test_trained_tokens_alone_are_clipped_to_the_vocabulary(tmp_path: Path) -> None:
    found = own(tmp_path, "TRAINABLE_TOKENS", ["embed_tokens"], token_indices=[5, 128009])
    assert found.arguments["token_indices"] == [5, 63]
    told = judged(observe_own(found), found.case)
    assert told["merge-keeps-logits"].verdict == "holds"
