"""What explains a finding: ``when``, what is explained, the script, the warning, and rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from changes import after, heard, swapped
from observations import healthy

from conformance.causes.cause import Cause, Explained
from conformance.causes.facts import expression
from conformance.causes.known import Known
from conformance.causes.outcomes import Outcome
from conformance.core.case import Case
from conformance.core.finding import Finding
from conformance.core.observation import Observation

MERGE = "merge-keeps-logits"
FOUND = Finding("wrong-value", "logits differ", stage="merged", subject="logits")


def cause(name: str = "stub", when: str = "tied", **fields: Any) -> Cause:
    told: dict[str, Any] = {
        "title": "A stub",
        "effect": "A stub.",
        "severity": "silent",
        "stands": "confirmed",
        "package": "peft",
        "function": "peft.stub",
        "at": "",
        "link": "unreported",
        "explains": {MERGE: (Explained("wrong-value"),)},
    }
    return Cause(id=name, when=expression(when), **{**told, **fields})


class Said:
    """Outcomes as a stub."""

    def __init__(self, **results: str) -> None:
        self.results = results
        self.asked: list[str] = []

    def of(self, one: Cause) -> Outcome:
        self.asked.append(one.id)
        return Outcome(self.results.get(one.id, "broken"))


def known(*causes: Cause, remedied: tuple[str, ...] = (), **results: str) -> Known:
    return Known(causes, Said(**results), frozenset(remedied))  # type: ignore[arg-type]


SEEN = after(*map(swapped, ("merged", "reloaded", "read")))(healthy())


def names(found: Known, seen: Observation = SEEN, finding: Finding = FOUND) -> list[str]:
    return [one.id for one in found.covering(MERGE, finding, seen)]


def test_a_cause_explains_what_it_says_of_the_cases_it_has() -> None:
    assert names(known(cause())) == ["stub"]
    assert names(known(cause(when="not tied"))) == []
    assert names(known(cause(explains={MERGE: (Explained("lost-tie"),)}))) == []
    assert names(known(cause(explains={"tied-stay-tied": (Explained("wrong-value"),)}))) == []
    assert names(known(cause(explains={MERGE: (Explained("wrong-value", "saved"),)}))) == []


@pytest.mark.parametrize("result", ["kept", "cannot tell", "failed"])
def test_a_cause_that_is_not_here_explains_nothing(result: str) -> None:
    assert names(known(cause(), stub=result)) == []
    assert known(cause(), stub=result).regions_of(MERGE, SEEN.case) == ()
    assert known(cause()).regions_of(MERGE, SEEN.case) == ("stub",)


def test_a_script_is_asked_last() -> None:
    found = known(cause(when="not tied"), cause(explains={"tied-stay-tied": ()}))
    assert names(found) == []
    assert found.outcomes.asked == []  # type: ignore[attr-defined]


def test_on_an_emulated_device_a_script_that_needs_another_is_believed() -> None:
    seen = replace(SEEN, case=replace(SEEN.case, device="emulated"))
    assert names(known(cause(), stub="cannot tell"), seen) == ["stub"]
    assert names(known(cause(), stub="kept"), seen) == []


def test_what_is_warned_of_is_explained_where_it_was_warned_of() -> None:
    found = known(cause(severity="warned"))
    assert names(found) == []
    assert names(found, heard("adapted", "tied")(SEEN)) == ["stub"]


def test_with_its_remedy_in_force_a_cause_explains_nothing() -> None:
    found = known(cause(), remedied=("stub",))
    assert names(found) == []
    assert found.regions_of(MERGE, SEEN.case) == ()
    (near,) = found.nearest(MERGE, FOUND, SEEN)
    assert str(near) == "stub, but its remedy is in force, and the case breaks all the same"


def test_what_another_hides_is_explained_where_that_one_is_mended() -> None:
    hidden = cause(explains={MERGE: (Explained("wrong-value", behind="hiding"),)})
    hiding = cause("hiding", "not tied")
    assert names(known(hidden, hiding)) == []
    assert known(hidden, hiding).regions_of(MERGE, SEEN.case) == ()
    (near,) = known(hidden, hiding).nearest(MERGE, FOUND, SEEN)[1:]
    assert str(near) == "hiding, but its when needs not tied"
    assert names(known(hidden, hiding, hiding="kept")) == ["stub"]
    assert known(hidden, hiding, hiding="kept").regions_of(MERGE, SEEN.case) == ("stub",)


def test_what_is_not_agreed_on_stays_hidden_by_what_is() -> None:
    """Among arguable causes alone, too: the one that hides is wrong here all the same."""
    hidden = cause(
        stands="arguable", explains={MERGE: (Explained("wrong-value", behind="hiding"),)}
    )
    hiding = cause("hiding", "not tied")
    assert names(known(hidden, hiding).arguable) == []
    assert names(known(hidden, hiding, hiding="kept").arguable) == ["stub"]


def test_a_second_bug_inside_a_cause_shows_where_the_first_is_remedied() -> None:
    """Explaining is no hiding: with the remedy in force, what breaks all the same is reported."""
    left, hit = known(cause()).undeclared(MERGE, [FOUND], SEEN)
    assert (left, hit) == ((), {"stub"})
    left, hit = known(cause(), remedied=("stub",)).undeclared(MERGE, [FOUND], SEEN)
    assert (left, hit) == ((FOUND,), set())


def test_the_nearest_are_told_with_what_each_is_missing() -> None:
    found = known(
        cause("far", "not tied and ensure"),
        cause("near", "ensure"),
        cause("other", explains={MERGE: (Explained("lost-tie"),)}),
        cause("kept"),
        kept="kept",
    )
    told = [str(one) for one in found.nearest(MERGE, FOUND, SEEN)]
    assert told == [
        "far, but its when needs not tied and ensure",
        "near, but its when needs ensure",
        "kept, but its script says: kept",
    ]
    many = known(*(cause(name, "ensure") for name in "abcd"))
    assert [one.cause.id for one in many.nearest(MERGE, FOUND, SEEN)] == ["a", "b", "c"]
    narrow = known(cause(explains={MERGE: (Explained("wrong-value", "saved"),)}))
    assert [str(one) for one in narrow.nearest(MERGE, FOUND, SEEN)] == [
        "stub, but it explains other findings of this invariant"
    ]
    assert known().nearest(MERGE, FOUND, SEEN) == ()


EARLY, PLAIN = "trouble-is-announced-early", "checkpoint-is-plain"
MISSING = Finding("not-announced", "nobody warned", stage="adapted")
EXTRA = Finding("extra-key", "a key", stage="saved", subject="lm_head.weight")


def test_what_follows_from_an_explained_break_is_explained() -> None:
    found = known(cause())
    assert [one.id for one in found.covering(EARLY, MISSING, SEEN)] == ["stub"]
    assert [one.id for one in found.covering(PLAIN, EXTRA, SEEN)] == ["stub"]


def test_what_follows_from_a_break_of_which_some_is_not_explained_is_not() -> None:
    more = swapped("adapter-reloaded")(SEEN)
    assert known(cause()).covering(EARLY, MISSING, more) == ()
    assert known(cause()).covering(PLAIN, EXTRA, more) == ()


def test_where_nothing_else_breaks_nothing_follows() -> None:
    assert known(cause()).covering(EARLY, MISSING, healthy()) == ()
    assert known(cause()).covering(PLAIN, EXTRA, healthy()) == ()


def test_no_other_break_follows_from_one() -> None:
    other = Finding("lost-tie", "two tensors", stage="merged")
    assert known(cause()).covering("tied-stay-tied", other, SEEN) == ()


def test_arguable_ones_are_told_apart() -> None:
    odd = cause("odd", stands="arguable", other_side="It may be meant.")
    assert known(odd).argues(MERGE, FOUND, SEEN)
    assert not known(odd, cause()).argues(MERGE, FOUND, SEEN)
    assert not known().argues(MERGE, FOUND, SEEN)
    assert known(odd, cause()).arguable.causes == (odd,)
    assert known(odd, cause()).arguable_ids == {"odd"}


def test_a_case_of_another_kind_is_asked_too() -> None:
    assert cause(when="checkpoint == ''").has(Case())
