"""Ordinary use: witnesses are lived wider, deeper and trained, and what breaks there is told."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from packaging.specifiers import SpecifierSet

from benchmarks.ordinary import __main__ as command
from benchmarks.ordinary.judging import (
    BREAKS,
    HOLDS,
    OTHERWISE,
    UNABLE,
    UNJUDGED,
    bugs,
    grouped,
    outcomes,
)
from benchmarks.ordinary.lives import lived
from benchmarks.ordinary.page import PAGE, RESULTS, kept_with, page
from benchmarks.ordinary.sizes import ALPHA, LAYERS, RANK, TIMES, WIDTH, ordinary
from benchmarks.table import rows
from conformance.core.case import Case
from conformance.core.observation import Observation
from conformance.kinds.loading.case import LoadingCase
from conformance.kinds.programs.observation import ProgramObservation
from conformance.kinds.programs.program import Program
from conformance.kinds.tuners.case import TunerCase, tuner_case
from conformance.known_failures.entry import KnownFailure
from conformance.known_failures.read import OURS, read

DRIFTED = "run python -m benchmarks.ordinary --write"
HEAD = Case(tied=True, placement="target:head")
SHARED = Case(tied=True, placement="target:embedding+save:head", family="t5")
TWICE = Program(steps=(("wrap", "default", "body", 2, 2), ("add", "other", "body", 4, 2)))


def declared(witness: Any, *promises: str, **where: Any) -> KnownFailure:
    """A bug that nobody declared."""
    return KnownFailure(
        id="made-up",
        kind="bug",
        invariant=promises,
        finding=("wrong-value",),
        peft=SpecifierSet(),
        transformers=SpecifierSet(),
        where=where or {"tied": (witness.tied,)},
        says="",
        witness=witness,
        link="unreported",
        story="Made up.",
    )


def verdicts(entry: KnownFailure) -> list[str]:
    """What becomes of it, by promise."""
    return [row["verdict"] for row in outcomes([entry])]


def test_a_case_is_wider_deeper_and_trained_and_otherwise_the_same() -> None:
    case = ordinary(replace(HEAD, family="gpt2", dora=True))
    assert isinstance(case, Case)
    assert (case.hidden, case.layers, case.rank, case.alpha) == (WIDTH, LAYERS, RANK, ALPHA)
    assert (case.training, case.family, case.dora) == ("adamw", "gpt2", True)
    assert case.vocab > case.hidden


def test_a_tuner_keeps_what_its_row_says_but_for_sizes() -> None:
    case = ordinary(tuner_case(placement="body", tuner="lora-init-pissa"))
    assert isinstance(case, TunerCase)
    assert case.what.arguments == {
        "r": RANK,
        "lora_alpha": ALPHA,
        "lora_dropout": 0.0,
        "init_lora_weights": "pissa",
    }
    assert (case.hidden, case.layers, case.rank) == (WIDTH, LAYERS, RANK)


def test_the_adapters_of_a_program_keep_their_order_of_ranks() -> None:
    program = ordinary(Program(steps=(*TWICE.steps, ("train", "sgd", 2))))
    assert isinstance(program, Program)
    first, second, train = program.steps
    assert (first[3], second[3]) == (RANK, 2 * RANK) == (2 * TIMES, 4 * TIMES)
    assert train == ("train", "adamw", 2)
    assert (program.base.hidden, program.base.layers) == (WIDTH, LAYERS)


def test_a_loading_case_is_of_a_wider_model() -> None:
    case = ordinary(LoadingCase(family="bart"))
    assert isinstance(case, LoadingCase)
    assert (case.spec.hidden, case.spec.layers) == (WIDTH, LAYERS)


def test_what_no_gradient_reaches_keeps_its_first_values() -> None:
    seen = lived(ordinary(SHARED))
    assert isinstance(seen, Observation)
    weights = seen.stages["trained"].weights
    assert not weights["shared lora_embedding_A"].any()
    assert not torch.equal(weights["lm_head saved weight"], weights["shared.weight"])


def test_every_adapter_of_a_program_is_trained_from_its_first_values() -> None:
    seen = lived(ordinary(TWICE))
    assert isinstance(seen, ProgramObservation)
    parts = seen.steps[-1].parts
    factors = [one for (_, _, part), one in parts.items() if part == "lora_B"]
    assert len(factors) == len(parts) / 2 > LAYERS
    assert all(bool(one.any()) for one in factors)
    assert {name for name, _, _ in parts} == {"default", "other"}


def test_a_bug_breaks_what_a_made_up_one_keeps() -> None:
    broken = declared(HEAD, "merge-keeps-logits", "reload-keeps-logits")
    assert verdicts(broken) == [BREAKS, HOLDS]
    kept = declared(replace(HEAD, tied=False), "merge-keeps-logits")
    assert verdicts(kept) == [HOLDS]


def test_the_region_counts_but_for_sizes() -> None:
    assert verdicts(declared(HEAD, "merge-keeps-logits", hidden=(16,), training=("sgd",))) == [
        BREAKS
    ]
    assert verdicts(declared(HEAD, "merge-keeps-logits", family=("gpt2",))) == [OTHERWISE]


def test_what_cannot_be_judged_is_told_with_the_reason() -> None:
    (row,) = outcomes([_late()])
    assert row["verdict"] == UNJUDGED
    assert "was not reached" in row["told"]


def _late() -> KnownFailure:
    """A promise about what this life, which ends when it is wrapped, does not come to."""
    case = Case(tied=True, ensure=True, placement="target:embedding+save:head")
    return declared(case, "merge-keeps-logits")


def test_what_another_version_saved_cannot_be_made_ordinary() -> None:
    crossing = [entry for entry in bugs() if entry.crosses]
    told = outcomes(crossing[:1])
    assert [row["verdict"] for row in told] == [UNABLE] * len(told)


def test_entries_of_one_witness_are_lived_once() -> None:
    every = bugs()
    several = list(grouped(every))
    assert [entry for group in several for entry in group] == list(every)
    assert len({group[0].witness for group in several}) == len(several) < len(every)


@pytest.mark.parametrize(
    ("entry", "ends"), [(declared(HEAD, "merge-keeps-logits"), 0), (_late(), 1)]
)
def test_the_command_ends_with_1_where_a_bug_does_not_break(
    entry: KnownFailure,
    ends: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "bugs", lambda: (entry,))
    monkeypatch.setattr(sys, "argv", ["ordinary"])
    assert command.main() == ends
    assert capsys.readouterr().out.startswith("made-up, merge-keeps-logits: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--entries", "no-such"], "'no-such'"), (["--workers", "0"], "from 1 on, not 0")],
)
def test_bad_input_is_told_in_a_sentence(
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["ordinary", *arguments])
    with pytest.raises(SystemExit):
        command.main()
    assert told in capsys.readouterr().err


def test_a_call_on_some_keeps_the_others_and_drops_what_is_no_bug_any_more() -> None:
    kept = [{"entry": name, "verdict": HOLDS} for name in ("b", "gone", "a")]
    found = kept_with(kept, [{"entry": "a", "verdict": BREAKS}], ["a", "b"])
    assert [(row["entry"], row["verdict"]) for row in found] == [("a", BREAKS), ("b", HOLDS)]


def test_the_page_puts_what_does_not_break_first() -> None:
    kept = [
        {
            "entry": "a",
            "promise": "p",
            "verdict": BREAKS,
            "told": "by 1",
            "versions": {"peft": "1"},
        },
        {
            "entry": "b",
            "promise": "q",
            "verdict": HOLDS,
            "told": "x|y\nz",
            "versions": {"peft": "1"},
        },
    ]
    text = page(kept)
    assert "- Break there all that they break: 1 of 2 bugs." in text
    assert text.index("| `b` | q | holds there | x\\|y z |") < text.index("| `a` | p | breaks")


def test_the_page_is_that_of_the_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(rows(RESULTS)), DRIFTED


def test_every_bug_of_the_versions_it_was_made_with_is_on_the_page() -> None:
    """A row of what is no bug any more may stay until the page is written again."""
    kept = rows(RESULTS)
    told = {(row["entry"], row["promise"]) for row in kept}
    declared_ = _of(kept[0]["versions"])
    missing = {(entry.id, name) for entry in declared_ for name in entry.invariant} - told
    assert not missing, DRIFTED


def _of(made: Mapping[str, str]) -> list[KnownFailure]:
    """The declared bugs that apply to these versions."""
    return [
        entry
        for entry in read(OURS)
        if entry.kind == "bug"
        and entry.peft.contains(made["peft"], prereleases=True)
        and entry.transformers.contains(made["transformers"], prereleases=True)
    ]


def test_every_declared_bug_breaks_in_ordinary_use() -> None:
    """What does not is arguable, or untrue."""
    kept = rows(RESULTS)
    wrong = {row["entry"] for row in kept if row["verdict"] not in (BREAKS, UNABLE)}
    assert not wrong & {entry.id for entry in _of(kept[0]["versions"])}
