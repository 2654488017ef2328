"""What is declared arguable: told as such, failing nothing, and in no verdict for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from changes import after, heard, swapped
from observations import healthy
from stubbed_suite import ROOT, TABLE, Suite

from conformance.core.case import Case
from conformance.core.observation import Observation
from conformance.core.record import Record
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.checks.warnings import never
from conformance.kinds.lifecycle.kind import LIFECYCLE
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.lifecycle.verdict import verdict_of
from conformance.kinds.tuners.case import tuner_case
from conformance.kinds.tuners.kind import tuner_verdict
from conformance.kinds.tuners.subject import observe_tuner
from conformance.kinds.user_config.answer import answer
from conformance.kinds.user_config.case import OwnCase
from conformance.known_failures.read import KnownFailures, read
from conformance.reporting.summary import label, summary_lines
from conformance.running.cache import Cache
from conformance.running.judge import judge_item
from conformance.running.tally import Tally
from conformance.upstream.capabilities import not_surveyed

pytest_plugins = ["pytester"]

EARLY = "trouble-is-announced-early"
ENTRY = """
[[known]]
id = "{id}"
kind = "{kind}"
invariant = "{invariant}"
finding = "wrong-value"
peft = ">=0.1"
transformers = ">=4"
where = {{ family = "llama" }}
witness = "Case(family='llama')"
link = "unreported"
story = "A stub."
"""
BOTH_SIDES = 'other_side = "It may be meant."\n'
OF_A_RUN = TABLE.replace('"bug"', '"arguable"') + BOTH_SIDES
WRONG_MERGE = after(*map(swapped, ("merged", "reloaded", "read")))
ONE = ("--stratum", "cpu-tied-default-target:head")
TWO_PROMISES = ("--invariant", "life-completes,merge-keeps-logits")


def known(tmp_path: Path, **kinds: str) -> KnownFailures:
    """A table that declares wrong values of these promises, of these kinds."""
    parts = [
        ENTRY.format(id=f"{kind}-{name}", kind=kind, invariant=name.replace("_", "-"))
        + BOTH_SIDES * (kind == "arguable")
        for name, kind in kinds.items()
    ]
    file = tmp_path / "mine.toml"
    file.write_text("".join(parts))
    return KnownFailures(read(file))


def open_findings(seen: Observation, declared: KnownFailures) -> dict[str, set[str]]:
    """The ids that declare what breaks, by promise; "open" where something is declared by none."""
    found = {}
    for name, one in INVARIANTS.items():
        judgement = one.judge(seen)
        left, hit = declared.undeclared(one.id, judgement.findings, seen)
        if judgement.findings:
            found[name] = hit | ({"open"} if left else set())
    return found


def test_what_is_arguable_makes_no_verdict(tmp_path: Path) -> None:
    merged = WRONG_MERGE(healthy())
    arguable = known(tmp_path, merge_keeps_logits="arguable")
    assert verdict_of(merged) == "silent"
    assert verdict_of(merged, known(tmp_path, merge_keeps_logits="bug").argues) == "silent"
    assert verdict_of(merged, arguable.argues) == "holds"
    warned = heard("merged", "tied")(merged)
    assert (verdict_of(warned), verdict_of(warned, arguable.argues)) == ("late", "holds")


def test_what_is_more_than_arguable_makes_one(tmp_path: Path) -> None:
    merged = WRONG_MERGE(healthy())
    arguable = known(tmp_path, merge_keeps_logits="arguable").entries
    bug = known(tmp_path, merge_keeps_logits="bug").entries
    assert verdict_of(merged, KnownFailures(arguable + bug).argues) == "silent"
    other = swapped("adapter-reloaded")(healthy())
    assert verdict_of(other, KnownFailures(arguable).argues) == "silent"


@pytest.mark.parametrize("kind", ["arguable", "bug"])
def test_a_missing_warning_is_declared_with_all_that_breaks(tmp_path: Path, kind: str) -> None:
    seen = WRONG_MERGE(healthy())
    alone = open_findings(seen, known(tmp_path, merge_keeps_logits=kind))
    assert alone[EARLY] == alone["merge-keeps-logits"] == {f"{kind}-merge_keeps_logits"}
    more = swapped("adapter-reloaded")(seen)
    two = open_findings(more, known(tmp_path, merge_keeps_logits=kind))
    assert two["adapter-keeps-logits"] == two[EARLY] == {"open"}


def test_a_warning_that_a_limitation_rests_on_is_not_declared_with_it(tmp_path: Path) -> None:
    declared, silent = known(tmp_path, merge_keeps_logits="limitation"), WRONG_MERGE(healthy())
    assert open_findings(silent, declared)[EARLY] == {"open"}
    assert EARLY not in open_findings(heard("adapted", "tied")(silent), declared)


def lived(declared: KnownFailures) -> tuple[Tally, str]:
    """One life whose merge is wrong, judged as an item does; its tally and the item's reason."""
    seen = WRONG_MERGE(healthy())
    (item,) = LIFECYCLE.given(seen.case, (INVARIANTS["merge-keeps-logits"],))
    tally = judge_item(LIFECYCLE, item, declared, cache=Cache(LIFECYCLE, lambda _: seen))
    result, reason = tally.outcome(declared.arguable_ids)
    assert result == "breaks"
    return tally, reason


def test_an_item_tells_it_apart(tmp_path: Path) -> None:
    arguable = known(tmp_path, merge_keeps_logits="arguable")
    tally, reason = lived(arguable)
    assert reason == "arguable: arguable-merge_keeps_logits"
    assert dict(tally.verdicts) == {"holds": 1}
    record = Record(item="one", kind="invariant", result="breaks", reason=reason)
    record.known, record.declared = tally.known, tally.declared(arguable.arguable_ids)
    assert label(record) == "arguable"
    counts, region = summary_lines([record], arguable.arguable_ids)
    assert counts == "1 arguable"
    assert region.startswith("arguable: arguable-merge_keeps_logits was seen in 1 of 1 ")


def test_an_item_with_a_bug_too_is_a_known_failure(tmp_path: Path) -> None:
    both = known(tmp_path, merge_keeps_logits="arguable").entries
    both += known(tmp_path, merge_keeps_logits="bug").entries
    declared = KnownFailures(both)
    tally, reason = lived(declared)
    assert reason == "known: bug-merge_keeps_logits; arguable: arguable-merge_keeps_logits"
    record = Record(item="one", kind="invariant", result="breaks", reason=reason)
    record.declared = tally.declared(declared.arguable_ids)
    assert label(record) == "known"
    assert dict(tally.verdicts) == {"silent": 1}


def test_a_user_is_told_and_safe(tmp_path: Path) -> None:
    seen = WRONG_MERGE(healthy())
    told = answer(seen, known(tmp_path, merge_keeps_logits="arguable"), OwnCase(seen.case))
    assert told.safe
    assert [entry.other_side for entry in told.arguable] == ["It may be meant."]
    assert not told.known
    bad = answer(seen, known(tmp_path, merge_keeps_logits="bug"), OwnCase(seen.case))
    assert not bad.safe
    assert not bad.arguable


def test_a_tuner_on_nothing_is_silent_unless_that_is_arguable() -> None:
    seen = observe_tuner(tuner_case(tied=False, placement="target:embedding", tuner="osf"))
    if seen.lacks:
        pytest.skip(seen.lacks)
    assert tuner_verdict(seen, never) == "silent"
    assert tuner_verdict(seen, KnownFailures.load().argues) == "not run"  # PEFT finds no layer


# lives that break a promise of logits or config in nothing but what our own table calls arguable
OURS = (
    Case(tied=False, family="t5"),
    Case(tied=False, family="gpt-neox", base="loaded-untied"),
    Case(tied=False, family="gemma3", base="loaded-untied"),
)


@pytest.mark.parametrize("case", OURS, ids=lambda case: case.family)
def test_what_transformers_reads_back_is_no_trouble_to_announce(case: Case) -> None:
    if not_surveyed():
        pytest.skip(not_surveyed())
    seen, declared = observe(case), KnownFailures.load()
    alone = verdict_of(seen)
    assert alone in {"silent", "announced"}
    assert verdict_of(seen, declared.argues) == "holds"
    hit = open_findings(seen, declared)
    assert (EARLY in hit) is (alone == "silent")
    assert set.union(*hit.values()) <= declared.arguable_ids


def test_a_warning_of_a_tie_beside_an_untied_head_is_heard() -> None:
    """T5's sides are one matrix, whatever its head is, and PEFT warns of them when wrapping."""
    if not_surveyed():
        pytest.skip(not_surveyed())
    for placement in ("target:decoder-embedding", "target:encoder-embedding"):
        seen = observe(Case(tied=False, placement=placement, family="t5"))
        assert verdict_of(seen) == "announced"
        assert INVARIANTS[EARLY].judge(seen).verdict == "holds"
    # where no two of its matrices are one, such words are of nothing
    seen = heard("adapted", "tied")(WRONG_MERGE(healthy(tied=False)))
    assert verdict_of(seen) == "silent"


def judged(suite: Suite, broken: str, *options: str) -> tuple[pytest.RunResult, Any]:
    """The witness of an arguable entry alone, and its line of the results."""
    suite.stub(broken=broken)
    (suite.path / "mine.toml").write_text(OF_A_RUN.format(family="gpt2"))
    file = suite.path / "out.jsonl"
    items = str(ROOT / "conformance" / "test_known_failures.py")
    done = suite.run("--known-failures", "mine.toml", "--results", str(file), *options, items=items)
    return done, json.loads(file.read_text().splitlines()[1])


@pytest.mark.parametrize("option", [(), ("--strict-known-failures",), ("--no-known-failures",)])
def test_a_witness_is_seen_and_its_absence_fails_no_run(
    suite: Suite, option: tuple[str, ...]
) -> None:
    done, row = judged(suite, "True", *option)
    assert done.ret == 0
    done.assert_outcomes(xfailed=1)
    assert (row["result"], row["reason"]) == ("breaks", "arguable: stub-gpt2")
    assert row["declared"] == "arguable"
    done, row = judged(suite, "False", *option)
    assert done.ret == 0
    done.assert_outcomes(skipped=1)
    assert row["result"] == "fixed here"
    assert row["reason"].startswith("the witness of stub-gpt2 no longer breaks life-completes")
    done.stdout.fnmatch_lines(["1 fixed here"])


@pytest.mark.parametrize("option", [(), ("--no-known-failures",)])
def test_a_run_that_sees_it_ends_with_0(suite: Suite, option: tuple[str, ...]) -> None:
    suite.stub(broken="case.family == 'gpt2'")
    (suite.path / "mine.toml").write_text(OF_A_RUN.format(family="gpt2"))
    table = ("--known-failures", "mine.toml", "--family", "gpt2", "--examples", "4")
    done, lines = suite.judge(*ONE, *TWO_PROMISES, *table, *option)
    assert done.ret == 0
    done.assert_outcomes(xfailed=1, skipped=1)
    item = next(line for line in lines if line.get("invariant") == "life-completes")
    assert (item["result"], item["reason"]) == ("breaks", "arguable: stub-gpt2")
    assert item["declared"] == "arguable"
    done.stdout.fnmatch_lines(
        ["*1 arguable, 1 not run*", "arguable: stub-gpt2 was seen in 4 of 4*"]
    )


def test_a_merger_is_excused_by_its_users_table_alone() -> None:
    assert KnownFailures.load().arguable_ids
    assert not KnownFailures.load(ours=False).entries
