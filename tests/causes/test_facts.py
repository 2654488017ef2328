"""Facts: each is of its type for every kind of case, and what is said of families is so."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from torch import nn

from conformance.causes.facts import FACTS, of_case
from conformance.causes.read import ours
from conformance.core.case import Case
from conformance.kinds.loading.case import LoadingCase
from conformance.kinds.pipeline.case import PipelineCase
from conformance.kinds.programs.program import Program
from conformance.kinds.tuners.case import tuner_case
from conformance.kinds.user_config.case import OwnCase
from tiny_models.build import build
from tiny_models.families import FAMILIES
from tiny_models.roles import module_names
from tiny_models.spec import ModelSpec

CASES = (
    Case(),
    tuner_case(tuner="ia3", placement="body"),
    LoadingCase(),
    PipelineCase(),
    Program(steps=(("wrap", "default", "save:head", 2, 2), ("add", "b", "target:head", 2, 2))),
    OwnCase(Case(placement="save:both", ensure=True)),
)


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: type(case).__name__)
def test_a_fact_is_of_its_type_for_every_kind_of_case(name: str, case: Any) -> None:
    assert type(of_case(case)(name)) is FACTS[name].type


def test_every_fact_says_what_it_means() -> None:
    assert all(fact.means for fact in FACTS.values())


def told(case: Any, *names: str) -> list[Any]:
    return [of_case(case)(name) for name in names]


def test_roles_are_those_of_the_placement() -> None:
    names = ("targets", "saves", "tokens", "tokens_as")
    both = {"embedding", "head"}
    assert told(Case(placement="target:head+save:embedding"), *names) == [
        {"head"},
        {"embedding"},
        set(),
        set(),
    ]
    assert told(Case(placement="tokens:list"), *names)[2:] == [{"embedding"}, {"list"}]
    assert told(Case(placement="tokens:different"), *names)[2:] == [both, {"different"}]
    assert told(Case(placement="save:both", also=("mlp",)), "targets", "targets_too") == [
        {"attention"},
        {"attention", "mlp"},
    ]


def test_a_program_has_the_roles_of_all_its_adapters_and_what_it_meets() -> None:
    program = CASES[4]
    assert told(program, "targets", "saves") == [{"attention", "head"}, {"head"}]
    assert told(program, "operations", "writing") == [{"wrap", "add"}, "names"]
    assert told(program, "base", "tuner_kind") == ["built", "LORA"]
    steps = (("wrap", "default", "body", 2, 2), ("merge", ()), ("unload",))
    assert "leaves-merged" in told(Program(tied=False, steps=steps), "situations")[0]


def test_what_a_kind_does_not_have_is_at_its_simplest() -> None:
    assert told(LoadingCase(), "dora", "targets", "placement", "situations") == [
        False,
        set(),
        "",
        set(),
    ]
    assert told(LoadingCase(checkpoint="bin"), "checkpoint") == ["bin"]
    assert told(PipelineCase(), "variant") == ["plain"]


def test_a_users_case_is_told_as_what_it_is_run_as() -> None:
    assert told(CASES[5], "placement", "ensure") == ["save:both", True]


def test_half_precision_and_tuners() -> None:
    assert told(Case(dtype="bfloat16"), "half") == [True]
    assert told(Case(dtype="float64"), "half") == [False]
    assert told(tuner_case(tuner="lora-init-pissa"), "rebases", "converts", "tuner_kind") == [
        True,
        True,
        "LORA",
    ]


@cache
def built(family: str) -> nn.Module:
    spec = ModelSpec(family=family, tied=not FAMILIES[family].head)
    with TemporaryDirectory() as folder:
        model: nn.Module = build(spec, Path(folder)).model
    return model


def _module(family: str, role: str) -> nn.Module:
    return built(family).get_submodule(module_names(built(family), FAMILIES[family])[role][0])


def _has_bias(module: nn.Module) -> bool:
    return getattr(module, "bias", None) is not None


def _body(family: str) -> list[nn.Module]:
    found = module_names(built(family), FAMILIES[family])
    names = (*found.get("attention", ()), *found.get("mlp", ()))
    return [built(family).get_submodule(name) for name in names]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_said_of_a_family_is_so(family: str) -> None:
    entry, fact = FAMILIES[family], of_case(Case(family=family))
    headed = bool(entry.head)
    assert fact("has_head") is headed
    assert fact("head_bias") is (headed and _has_bias(_module(family, "head")))
    embedding = _module(family, "embedding")
    assert fact("scaled_embedding") is (float(getattr(embedding, "embed_scale", 1.0)) != 1.0)
    kinds = {type(module).__name__ for module in _body(family)}
    assert fact("transposed") is ("Conv1D" in kinds)
    assert fact("sides") is bool(entry.copies)
    fused = [name for name, _ in built(family).named_parameters() if name.endswith("gate_up_proj")]
    assert fact("experts") is bool(fused)


def test_every_fact_is_asked_by_some_cause() -> None:
    asked = {name for cause in ours() for name in cause.when.names()}
    for cause in ours():
        for each in cause.explains.values():
            asked |= {name for one in each if one.when for name in one.when.names()}
    assert set(FACTS) - asked <= UNASKED


UNASKED = {
    *("shape", "excluded", "safe_merge", "loader", "sharded", "reload_dtype", "crossing", "rslora"),
    *("operations", "save_embedding_layers", "training", "checkpoint", "variant"),
}
"""What a user's cause may need, and none of ours does."""


def test_no_when_lists_more_than_two_families() -> None:
    for cause in ours():
        for text in re.findall(r"family in \[([^]]*)\]", str(cause.when)):
            assert text.count("'") <= 4, cause.id
