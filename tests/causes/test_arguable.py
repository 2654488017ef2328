"""What is declared arguable: told as such, failing nothing, and in no verdict for people."""

from __future__ import annotations

from pathlib import Path

import pytest
from changes import after, heard, swapped
from observations import healthy
from stubbed_suite import TABLE, Suite

from conformance.causes.known import Known
from conformance.causes.read import read
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
from conformance.reporting.summary import label, summary_lines
from conformance.running.cache import Cache
from conformance.running.judge import judge_item
from conformance.running.tally import Tally
from conformance.upstream.capabilities import not_surveyed

pytest_plugins = ["pytester"]

EARLY = "trouble-is-announced-early"
CAUSE = """
[[cause]]
id = "{id}"
title = "A stub"
effect = "A stub."
severity = "{severity}"
stands = "{stands}"
package = "peft"
function = "peft.stub"
link = "unreported"
searched = "nothing"
when = "family == 'llama'"
explains = {{ {invariant} = "wrong-value" }}
"""
BOTH_SIDES = 'other_side = "It may be meant."\n'
OF_A_RUN = TABLE.replace('"confirmed"\n', f'"arguable"\n{BOTH_SIDES}')
WRONG_MERGE = after(*map(swapped, ("merged", "reloaded", "read")))
ONE = ("--stratum", "cpu-tied-default-target:head")
TWO_PROMISES = ("--invariant", "life-completes,merge-keeps-logits")


def known(tmp_path: Path, **kinds: str) -> Known:
    """Causes that explain wrong values of these promises, and stand so; or are warned of."""
    parts = []
    for name, kind in kinds.items():
        stands, severity = ("confirmed", kind) if kind == "warned" else (kind, "silent")
        told = {"stands": stands, "severity": severity, "invariant": name.replace("_", "-")}
        lines = CAUSE.format(id=f"{kind}-{name}", **told).splitlines(keepends=True)
        parts += lines[:-2] + [BOTH_SIDES] * (kind == "arguable") + lines[-2:]
    file = tmp_path / "mine.toml"
    file.write_text("".join(parts))
    return Known(read(file))


def open_findings(seen: Observation, declared: Known) -> dict[str, set[str]]:
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
    assert verdict_of(merged, known(tmp_path, merge_keeps_logits="confirmed").argues) == "silent"
    assert verdict_of(merged, arguable.argues) == "holds"
    warned = heard("merged", "tied")(merged)
    assert (verdict_of(warned), verdict_of(warned, arguable.argues)) == ("late", "holds")


def test_what_is_more_than_arguable_makes_one(tmp_path: Path) -> None:
    merged = WRONG_MERGE(healthy())
    arguable = known(tmp_path, merge_keeps_logits="arguable").causes
    bug = known(tmp_path, merge_keeps_logits="confirmed").causes
    assert verdict_of(merged, Known(arguable + bug).argues) == "silent"
    other = swapped("adapter-reloaded")(healthy())
    assert verdict_of(other, Known(arguable).argues) == "silent"


@pytest.mark.parametrize("kind", ["arguable", "confirmed"])
def test_a_missing_warning_is_declared_with_all_that_breaks(tmp_path: Path, kind: str) -> None:
    seen = WRONG_MERGE(healthy())
    alone = open_findings(seen, known(tmp_path, merge_keeps_logits=kind))
    assert alone[EARLY] == alone["merge-keeps-logits"] == {f"{kind}-merge_keeps_logits"}
    more = swapped("adapter-reloaded")(seen)
    two = open_findings(more, known(tmp_path, merge_keeps_logits=kind))
    assert two["adapter-keeps-logits"] == two[EARLY] == {"open"}


def test_a_warning_that_a_cause_rests_on_does_not_follow_from_it(tmp_path: Path) -> None:
    declared, silent = known(tmp_path, merge_keeps_logits="warned"), WRONG_MERGE(healthy())
    assert open_findings(silent, declared)[EARLY] == {"open"}
    assert EARLY not in open_findings(heard("adapted", "tied")(silent), declared)


def lived(declared: Known) -> tuple[Tally, str]:
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
    counts, told = summary_lines([record], {one.id: one for one in arguable.causes})
    assert counts == "1 arguable"
    assert told == "arguable: arguable-merge_keeps_logits: 1 items, 1 of 1 judged cases; unreported"


def test_an_item_with_a_bug_too_is_a_known_failure(tmp_path: Path) -> None:
    both = known(tmp_path, merge_keeps_logits="arguable").causes
    both += known(tmp_path, merge_keeps_logits="confirmed").causes
    declared = Known(both)
    tally, reason = lived(declared)
    assert reason == "known: confirmed-merge_keeps_logits; arguable: arguable-merge_keeps_logits"
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
    bad = answer(seen, known(tmp_path, merge_keeps_logits="confirmed"), OwnCase(seen.case))
    assert not bad.safe
    assert not bad.arguable


def test_a_tuner_on_nothing_is_silent_unless_that_is_arguable() -> None:
    seen = observe_tuner(tuner_case(tied=False, placement="target:embedding", tuner="osf"))
    if seen.lacks:
        pytest.skip(seen.lacks)
    assert tuner_verdict(seen, never) == "silent"
    assert tuner_verdict(seen, lambda *_: True) == "not run"  # PEFT finds no layer


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
    seen, declared = observe(case), Known.load()
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
        ["*1 arguable, 1 not run*", "arguable: stub-gpt2: 1 items, 4 of 4 judged cases*"]
    )


def test_a_merger_is_excused_by_its_users_causes_alone() -> None:
    assert Known.load().arguable_ids
    assert not Known.load(ours=False).causes
