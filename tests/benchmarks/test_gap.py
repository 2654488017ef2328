"""The gap: comparisons are written down once, put together, and shown with what lies too near."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from observations import healthy

from benchmarks.gap.__main__ import arguments
from benchmarks.gap.measuring import environment
from benchmarks.gap.merging import merged, total
from benchmarks.gap.page import NAMED, PAGE, PLOT, kept, outside, page, plot
from benchmarks.gap.recording import NOTHING, Recorder, bin_of, ratio
from benchmarks.gap.settings import SETTINGS, VARIABLES
from conformance.core.comparison import Allowance, Comparison
from conformance.core.invariant import Invariant, always
from conformance.core.observation import Observation

FULL = Allowance(2.0, 2.0, "float32")
HALF = Allowance(1.0, 4.0, "bfloat16")


def at(amount: float, allowed: Allowance = FULL) -> Comparison:
    return Comparison("logits", amount, allowed)


def recorded(*compared: Comparison, times: int = 1) -> list[dict[str, Any]]:
    """The rows of one promise that makes these comparisons."""

    def check(_: Observation) -> Iterator[Comparison]:
        return iter(compared)

    one, recorder, seen = Invariant("i", "p", "s", check, always, ()), Recorder(), healthy()
    for _ in range(times):
        recorder.add(one.id, seen, one.judge(seen))
    return list(recorder.rows())


def test_ratios_and_their_bins() -> None:
    assert ratio(at(1.0)) == 0.5
    assert ratio(at(3.0, HALF)) == 0.75
    assert ratio(at(0.0, Allowance(0.0, 0.0, "float32"))) == 0.0
    assert ratio(at(1.0, Allowance(0.0, 0.0, "float32"))) == math.inf
    assert [bin_of(found) for found in (1.0, 10.0, 0.1, 0.99)] == [0, 4, -4, -1]
    assert bin_of(0.0) == NOTHING
    assert bin_of(math.inf) == 48


def test_the_extremes_of_each_precision_are_kept() -> None:
    rows = recorded(at(0.2), at(1.0), at(8.0), at(40.0), at(0.5, HALF), at(2.0, HALF))
    full, half = sorted(rows, key=lambda row: row["dtype"], reverse=True)
    assert (full["highest"][0], full["lowest"][0]) == (0.5, 4.0)
    assert (full["compared"], full["doubtful"]) == (4, 0)
    assert (half["highest"][0], half["lowest"], half["doubtful"]) == (0.125, None, 1)
    assert sum(full["ratios"].values()) == 4


def test_a_life_counts_once_for_each_promise() -> None:
    assert recorded(at(1.0), times=3) == recorded(at(1.0))


def files(folder: Path, *runs: tuple[str, float]) -> Path:
    """What runs under these settings left, each with one comparison of this size."""
    for number, (setting, amount) in enumerate(runs):
        place = folder / setting / f"seed {number}"
        place.mkdir(parents=True)
        told = {"runs": {"lifecycle": ["Case()"]}, "rows": recorded(at(amount))}
        for process in ("gw0", "gw1"):
            (place / f"{process}.json").write_text(json.dumps(told))
    return folder


def test_runs_are_put_together(tmp_path: Path) -> None:
    found = merged(files(tmp_path, ("as installed", 0.1), ("as installed", 60.0), ("ATEN avx2", 1)))
    assert found["runs"] == {"ATEN avx2": {"lifecycle": 1}, "as installed": {"lifecycle": 2}}
    assert total(found["runs"]) == 3
    (row,) = found["rows"]
    assert (row["compared"], row["highest"][0], row["lowest"][0]) == (6, 0.5, 30.0)
    assert sum(row["ratios"].values()) == 6


@pytest.mark.parametrize(("amount", "told"), [(1.0, "holds at 0.5"), (3.0, "breaks at 1.5")])
def test_what_lies_too_near_is_named(tmp_path: Path, amount: float, told: str) -> None:
    found = {"versions": {}, **merged(files(tmp_path, ("as installed", amount)))}
    (line,) = outside(found)
    assert told in line
    assert told in page(found)
    assert "Not settled" in page(found)


def test_what_lies_far_off_is_not(tmp_path: Path) -> None:
    found = {"versions": {}, **merged(files(tmp_path, ("as installed", 0.01), ("ATEN avx2", 90)))}
    assert outside(found) == []
    assert "nothing that breaks below 10 of it." in page(found)


def test_a_setting_leaves_out_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "AVX2")
    for name, wanted in SETTINGS.items():
        found = environment(name, tmp_path)
        left = {key: value for key, value in found.items() if key in VARIABLES}
        assert left == {"OMP_NUM_THREADS": "1", **wanted}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--to", "x", "--settings", "sse"], "--settings accepts 'as installed'"),
        (["--to", "x", "--seeds", "1", "two"], "--seeds accepts whole numbers from 0 on"),
        ([], "--to names the folder"),
    ],
)
def test_bad_input_is_one_sentence(
    given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments(given)
    assert ended.value.code == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_what_follows_the_dashes_is_pytests() -> None:
    found, more = arguments(["--to", "x", "--", "-n", "2"])
    assert (found.to, more) == (Path("x"), ["-n", "2"])


def test_the_page_is_made_of_what_was_kept() -> None:
    found = kept()
    assert PAGE.read_text(encoding="utf-8") == page(found)
    assert PLOT.read_text(encoding="utf-8") == plot(found["rows"])
    assert total(found["runs"]) >= 10_000
    assert set(SETTINGS) == set(found["runs"])
    assert outside(found) == []


def test_nothing_is_excused_that_does_not_need_it() -> None:
    rows = {(row["dtype"], row["kind"], row["invariant"]) for row in kept()["rows"]}
    assert rows >= set(NAMED)
