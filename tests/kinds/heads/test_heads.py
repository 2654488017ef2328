"""Heads of other tasks: their cases, and a fault for every promise."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import peft
import peft.peft_model
import pytest
from faults.fault import (
    Plant,
    Wrapper,
    after_taking_off,
    after_wrapping,
    passed_through,
    replaced,
    then,
)
from peft.tuners.lora.layer import LoraLayer
from peft.utils.other import ModulesToSaveWrapper

from conformance.causes.known import Known
from conformance.core.literals import CaseError
from conformance.kinds.heads.case import TASKS, HeadCase, head_cases, parse_head_case
from conformance.kinds.heads.checks import HEADS
from conformance.kinds.heads.kind import HEADS as KIND
from conformance.kinds.heads.observation import HeadObservation
from tiny_models.families import FAMILIES

pytestmark = pytest.mark.usefixtures("placed")

EVERY = head_cases(("cpu",), tuple(FAMILIES))
FIRST = HeadCase()
KNOWN = Known.load()


@dataclass(frozen=True)
class Planted:
    """One small bug, the promises that break by it, and what they find."""

    story: str
    plant: Plant
    caught_by: tuple[str, ...]
    says: str
    case: HeadCase = FIRST


def undeclared(name: str, seen: HeadObservation) -> list[str]:
    found = HEADS[name].judge(seen).findings
    return [str(one) for one in found if not KNOWN.covering(name, one, seen)]


def freezes_the_head() -> AbstractContextManager[None]:
    """The copy of the head that is to train is frozen once the model is wrapped."""

    def change(model: Any) -> None:
        for module in model.modules():
            if isinstance(module, ModulesToSaveWrapper):
                module.modules_to_save.requires_grad_(requires_grad=False)

    return replaced(peft.PeftModelForSequenceClassification, "__init__", then(change))


def saves_nothing() -> AbstractContextManager[None]:
    return replaced(ModulesToSaveWrapper, "adapter_state_dict", lambda _: lambda *_a, **_k: {})


def saves_the_base() -> AbstractContextManager[None]:
    def make(original: Wrapper) -> Wrapper:
        def held(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
            own = self.original_module.state_dict()
            return {name: own[name] for name in original(self, *args, **kwargs)}

        return held

    return replaced(ModulesToSaveWrapper, "adapter_state_dict", make)


def stays_on() -> AbstractContextManager[None]:
    return replaced(ModulesToSaveWrapper, "enable_adapters", lambda _: lambda self, enabled: None)


def forgets_the_head() -> AbstractContextManager[None]:
    """Merging hands back the base's own head."""

    def make(_: Wrapper) -> Wrapper:
        return lambda self, *_args, **_kwargs: self.original_module

    return replaced(ModulesToSaveWrapper, "unload_and_optionally_merge_module", make)


def scales_twice(model: Any) -> None:
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            layer.scaling["default"] *= 2


def moves_the_embedding(model: Any) -> None:
    model.get_input_embeddings().weight.data *= 1.01


def turns_the_head() -> AbstractContextManager[None]:
    """The class of a task hands back a model whose head is turned round."""

    def change(model: Any) -> Any:
        for module in model.modules():
            if isinstance(module, ModulesToSaveWrapper):
                held = module.modules_to_save["default"].weight
                held.data = held.data.flip(0)
        return model

    auto = peft.AutoPeftModelForSequenceClassification
    return replaced(auto, "from_pretrained", passed_through(change))


def loads_no_head() -> AbstractContextManager[None]:
    """What is loaded is the adapter alone."""
    return replaced(
        peft.peft_model,
        "load_peft_weights",
        passed_through(lambda held: {k: v for k, v in held.items() if "lora" in k}),
    )


def names_no_head() -> AbstractContextManager[None]:
    """The config that is saved says nothing of the head."""

    def make(original: Wrapper) -> Wrapper:
        def to_dict(self: Any) -> dict[str, Any]:
            return {**original(self), "modules_to_save": None}

        return to_dict

    return replaced(peft.LoraConfig, "to_dict", make)


PLANTED = (
    Planted(
        "a config does not name the head",
        names_no_head,
        ("task-head-is-saved",),
        "does not name score",
    ),
    Planted("a head is not saved", saves_nothing, ("task-head-is-saved",), "the file lacks score"),
    Planted(
        "the base's head is saved",
        saves_the_base,
        ("task-head-is-saved", "task-keeps-logits"),
        "the file holds another score|computed at loaded differs",
    ),
    Planted(
        "a head is frozen",
        freezes_the_head,
        ("task-head-trains",),
        "score saved weight is frozen",
    ),
    Planted(
        "a head stays on where the adapter is disabled",
        stays_on,
        ("task-gives-the-base-back",),
        "computed at disabled differs",
    ),
    Planted(
        "merging hands back the base's head",
        forgets_the_head,
        ("task-keeps-logits", "task-merge-touches-its-own"),
        "computed at merged differs|score.weight is not as it was",
    ),
    Planted(
        "merging changes an embedding that nothing stands on",
        lambda: after_taking_off(moves_the_embedding, merging=True),
        ("task-merge-touches-its-own",),
        "model.embed_tokens.weight is not as it was",
    ),
    Planted(
        "LoRA counts twice",
        lambda: after_wrapping(scales_twice),
        ("task-follows-definition",),
        "computed at trained differs",
    ),
    Planted(
        "a file is loaded without the head",
        loads_no_head,
        ("task-completes",),
        "loaded ended in KeyError",
    ),
    Planted(
        "the class of a task turns the head round",
        turns_the_head,
        ("task-keeps-logits",),
        "computed at by-class differs",
    ),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.story)
def test_fault_is_caught(planted: Planted) -> None:
    healthy = KIND.observe(planted.case)
    with planted.plant():
        seen = KIND.observe(planted.case)
    for name in planted.caught_by:
        assert undeclared(name, healthy) == []
        found = undeclared(name, seen)
        assert found, f"{name} does not see that {planted.story}"
        assert any(re.search(planted.says, one) for one in found), found


def test_every_promise_is_broken_by_a_fault() -> None:
    assert {name for one in PLANTED for name in one.caught_by} == set(HEADS)


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_what_does_not_hold_is_explained(case: HeadCase) -> None:
    seen = KIND.observe(case)
    KIND.require_informative(seen)
    assert [one for name in HEADS for one in undeclared(name, seen)] == []
    assert not case.head or seen.saved["adapter"].tensors


def test_cases_are_distinct_and_paste_back() -> None:
    assert len({case.id for case in EVERY}) == len(EVERY) == len(set(EVERY))
    assert all(parse_head_case(repr(case)) == case for case in EVERY)
    assert {case.task for case in EVERY} == set(TASKS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("HeadCase(task='poems')", "the field 'task' of a head case accepts"),
        ("HeadCase(family='bart')", "the field 'family' of a head case accepts llama, bert"),
        ("HeadCase(task='translations', targets='embedding')", "accepts body"),
        ("HeadCase(rank=2)", "a head case has no field 'rank'"),
    ],
)
def test_a_bad_case_is_refused_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(CaseError, match=says):
        parse_head_case(text)
