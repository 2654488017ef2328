"""docs/mutants.md says what the results say, and each survivor was read."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from benchmarks.mutation.copies import SCOPE, package, sample
from benchmarks.mutation.page import KINDS, OURS, PAGE, RESULTS, THEIRS, page, reasons
from benchmarks.table import rows
from conformance.core.versions import installed

MOST_EQUIVALENT = 0.1


def row(suite: str, mutant: str, result: str, by: str = "", items: int = 1) -> dict[str, Any]:
    return {
        "suite": suite,
        "mutant": mutant,
        "result": result,
        "by": by,
        "items": items,
        "cpu": 9.6,
    }


def whole(suite: str) -> dict[str, Any]:
    versions = {"peft": "1"}
    told = {"items": 7, "left out": 2, "cpu": 12.3, "versions": versions}
    return {"suite": suite, "mutant": "", **told}


def test_the_page_counts_and_lists() -> None:
    kept = [
        whole(OURS),
        whole(THEIRS),
        row(OURS, "a.py:1 f compare 1", "killed", "test_x[a|b]"),
        row(OURS, "a.py:2 f drop 2", "survived", "never met", 0),
        row(OURS, "a.py:3 g not 3", "survived", "no failure", 5),
        row(OURS, "a.py:4 g not 4", "killed at import"),
        row(THEIRS, "a.py:1 f compare 1", "survived", "no failure"),
        row(THEIRS, "a.py:2 f drop 2", "killed", "test_y"),
    ]
    read = {
        "a.py:2 f drop 2": {"kind": "out of reach", "reason": "Nobody calls it."},
        "a.py:3 g not 3": {"kind": "equivalent", "reason": "Both are one."},
    }
    text = page(kept, read)
    assert "**Not finished**: 156 of 160" in text
    assert "This suite kills 2 so far and leaves 2 alive: of all 160, 1% at least." in text
    assert "asked of 2: they kill 1, 50%; this suite kills 1 of the same." in text
    assert "Killed by PEFT's own tests alone: 1." in text
    assert "7 items, 2 more left out, 12 CPU seconds" in text
    assert "| `a.py:2` `f`, drop | never met | killed | out of reach | Nobody calls it. |" in text
    assert "| `a.py:3` `g`, not | no failure, 5 items | not asked | equivalent |" in text
    assert "| `a.py:1` `f`, compare | 10 | `test_x[a\\|b]` | survived |" in text


def test_the_share_of_a_finished_run_is_of_all_mutants() -> None:
    names = [f"a.py:{n} f drop 1" for n in range(SCOPE["sample"])]
    dead = [row(OURS, name, "killed") for name in names[8:]]
    alive = [row(OURS, name, "survived", "no failure") for name in names[:8]]
    read = {name: {"kind": "equivalent", "reason": "Both are one."} for name in names[:4]}
    read |= {name: {"kind": "gap", "reason": "Nobody looks."} for name in names[4:8]}
    text = page([whole(OURS), *alive, *dead], read)
    assert "This suite kills 152 of 160, 95%." in text
    assert "4, 2%, are equivalent: of the other 156 it kills 152, 97%." in text
    assert "Not finished" not in text


def test_a_survivor_that_nobody_read_is_an_error() -> None:
    kept = [whole(OURS), row(OURS, "a.py:1 f drop 1", "survived")]
    with pytest.raises(KeyError):
        page(kept, {})


def test_the_page_is_that_of_the_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(rows(RESULTS), reasons())


def test_nothing_killed_was_read_and_few_are_called_equivalent() -> None:
    read = reasons()
    killed = {
        one["mutant"]
        for one in rows(RESULTS)
        if one["suite"] == OURS and one.get("result", "survived") != "survived"
    }
    assert not set(read) & killed
    kinds = Counter(one["kind"] for one in read.values())
    assert set(kinds) <= set(KINDS)
    assert kinds["equivalent"] <= MOST_EQUIVALENT * SCOPE["sample"]
    assert all(one["reason"].endswith(".") for one in read.values())


def test_what_was_read_is_in_the_sample() -> None:
    if installed("peft") != SCOPE["peft"]:
        pytest.skip(f"the sample is of PEFT {SCOPE['peft']}")
    assert set(reasons()) <= set(map(str, sample(package())))
