"""Findings: what is found says where in a life it is, and what it is about, in fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from changes import Change, cut, moved, swapped, troubled
from observations import BODY, EMBEDDING, HEAD, at, disk, healthy, put

from conformance.core.comparison import Allowance, Comparison
from conformance.core.finding import Finding, of_an_adapter, tensor_subject
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.programs.observation import ProgramObservation
from conformance.kinds.programs.program import Program

ROOT = Path(__file__).parents[2]
KINDS = ROOT / "conformance" / "kinds"
CHECKS = sorted([*KINDS.glob("*/*checks.py"), *KINDS.glob("lifecycle/checks/*.py")])
ROLES = {EMBEDDING: "embedding", HEAD: "head"}


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        (f"{HEAD}.weight", "base head.weight"),
        (f"{HEAD}.bias", "base head.bias"),
        (f"{EMBEDDING} lora_embedding_A", "adapter lora_embedding_A of embedding"),
        (f"{HEAD} saved weight", "adapter saved weight of head"),
        (f"{BODY}.weight", f"base {BODY}.weight"),
        (f"{BODY} lora_A", f"adapter lora_A of {BODY}"),
        ("scale", "base scale"),
    ],
)
def test_a_tensor_is_named_by_the_role_it_has_in_every_model(name: str, subject: str) -> None:
    assert tensor_subject(name, ROLES) == subject
    assert healthy().subject(name) == subject
    assert of_an_adapter(subject) == (" " in name)


def test_in_a_program_any_adapter_is_an_adapter() -> None:
    seen = ProgramObservation(Program(), {role: name for name, role in ROLES.items()})
    assert seen.subject(("default", HEAD, "lora_A")) == "adapter lora_A of head"
    assert seen.subject(f"other {HEAD} saved weight") == "adapter saved weight of head"
    assert seen.subject(f"{EMBEDDING}.weight") == "base embedding.weight"


# invariant, what is done to a healthy life, where that is seen and what it is about
PLACED: list[tuple[str, Change, str, str]] = [
    ("merge-keeps-logits", swapped("merged"), "merged", "logits"),
    ("forward-follows-definition", swapped("trained"), "trained", "logits"),
    ("reload-keeps-logits", moved("reloaded", f"{HEAD}.weight"), "reloaded", "base head.weight"),
    ("tied-stay-tied", cut("trained"), "trained", "base head.weight"),
    ("life-completes", troubled("adapter-saved"), "adapter-saved", "ValueError"),
    (
        "config-tells-the-truth",
        lambda seen: at(seen, "base", flags={"tie_word_embeddings": False}),
        "base",
        "tie_word_embeddings",
    ),
    (
        "checkpoint-is-plain",
        lambda seen: disk(seen, "merged", tensors={}),
        "saved",
        f"{EMBEDDING}.weight",
    ),
    (
        "config-wraps-what-it-names",
        lambda seen: replace(seen, targets=frozenset({BODY, "elsewhere"})),
        "adapted",
        "elsewhere",
    ),
    (
        "dtype-is-kept",
        lambda seen: put(
            seen,
            "adapter-reloaded",
            **{f"{BODY} lora_A": seen.stages["trained"].weights[f"{BODY} lora_A"].half()},
        ),
        "adapter-reloaded",
        f"adapter lora_A of {BODY}",
    ),
]


@pytest.mark.parametrize(
    ("name", "change", "stage", "subject"), PLACED, ids=[row[0] for row in PLACED]
)
def test_a_finding_says_where_it_is_and_what_it_is_about(
    name: str, change: Change, stage: str, subject: str
) -> None:
    found = INVARIANTS[name].judge(change(healthy())).findings
    assert (stage, subject) in {(one.stage, one.subject) for one in found}


def test_what_is_printed_is_the_text_alone() -> None:
    placed = Finding("wrong-value", "x differs", 2.0, 1.0, stage="merged", subject="base x")
    assert str(placed) == "wrong-value: x differs by 2, allowed 1"


def test_a_comparison_hands_on_where_it_was_made() -> None:
    allowed = Allowance(1.0, 1.0, "float32")
    found = Comparison("x differs", 2.0, allowed, stage="merged", subject="base x").finding()
    assert found == Finding("wrong-value", "x differs", 2.0, 1.0, stage="merged", subject="base x")


def made(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls that make findings, but those of a step, whose operation is the stage."""
    for node in ast.iter_child_nodes(tree):
        decorators = getattr(node, "decorator_list", ())
        if any(getattr(one, "id", "") == "at_each_step" for one in decorators):
            continue
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS:
            yield node
        yield from made(node)


MAKERS = {Finding.__name__, Comparison.__name__}


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_finding_is_made_with_its_stage(path: Path) -> None:
    calls = list(made(ast.parse(path.read_text(encoding="utf-8"))))
    without = [call.lineno for call in calls if "stage" not in {one.arg for one in call.keywords}]
    assert without == []


def test_checks_that_make_findings_are_looked_at() -> None:
    found: dict[str, Any] = {str(path): list(made(ast.parse(path.read_text()))) for path in CHECKS}
    assert sum(map(len, found.values())) > 60
