"""The corpus of documented bugs: well-formed, in cells that tox has, each with its regression."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.bugs.corpus import Bug, bugs
from benchmarks.bugs.discovery import REGIONS, lies_in
from benchmarks.bugs.page import FOUND, PAGE, page
from conformance.core.case import Case

TOX = (Path(__file__).parents[2] / "tox.ini").read_text(encoding="utf-8")
INSIDE = [bug for bug in bugs() if not bug.outside]


def labelled() -> set[str]:
    """The cells of the label ``bugs``, its braces written out."""
    (label,) = re.findall(r"^    bugs = \\\n((?:        .*\n)+)", TOX, re.MULTILINE)
    names: set[str] = set()
    for word in re.findall(r"peft\S*?(?:\{[^}]*\})?-tf\S*?(?:\{[^}]*\})?-bugs", label):
        left, right = word.removesuffix("-bugs").split("-tf")
        for peft in re.sub(r"[{}]", "", left.removeprefix("peft")).split(", "):
            names |= {f"peft{peft}-tf{t}" for t in re.sub(r"[{}]", "", right).split(", ")}
    return names


def test_ids_and_links_are_distinct_and_enough() -> None:
    assert len({bug.id for bug in bugs()}) == len(bugs())
    assert len({bug.link for bug in bugs()}) == len(bugs())
    assert sum(bool(bug.red and bug.green) for bug in INSIDE) >= 25
    assert all(bug.link.startswith("https://github.com/") for bug in bugs())
    assert all(bool(bug.red) != bool(bug.outside) for bug in bugs())


def test_the_label_has_the_cells_that_are_needed_and_no_others() -> None:
    assert labelled() == {cell for bug in INSIDE for cell in (bug.red, bug.green) if cell}


@pytest.mark.parametrize("bug", INSIDE, ids=lambda bug: bug.id)
def test_each_bug_is_a_regression_in_its_own_region(bug: Bug) -> None:
    recorded = bug.regression
    assert (recorded.link, recorded.story) == (bug.link, bug.story)
    if isinstance(recorded.case, Case):
        assert lies_in(recorded.case, REGIONS[bug.id])
    else:
        assert bug.id not in REGIONS


def test_the_page_counts_all_bugs_before_those_in_scope() -> None:
    found = {bug.id: {"lives": 540, "kept": [], "found": None} for bug in INSIDE}
    found[INSIDE[0].id]["found"] = 7
    made = page(found)
    every, inside = made.index(f"Of all {len(bugs())}: 1 found"), made.index("Of the ")
    assert every < inside
    assert "life 7 of 540" in made
    assert made.count("no, in 540 lives") == len(INSIDE) - 1


def test_the_page_is_made_of_what_was_found() -> None:
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(found)
    assert set(found) == {bug.id for bug in INSIDE}
