"""The performance book: what is measured is told, and a cost that grows is seen."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from benchmarks.performance import lives
from benchmarks.performance.page import PAGE, PLOT, RESULTS, page, plot
from conformance.core.case import Case
from conformance.core.observation import Observation

VERSIONS = {"peft": "1", "torch": "2"}
KEPT: dict[str, Any] = {
    "lives": {
        "lives": 4,
        "seconds": [0.1, 0.2, 0.3, 0.4],
        "stages": {"base": 0.25, "merged & saved": 0.75},
        "families": {"t5": 0.4, "llama": 0.2},
        "layers": {"1": 1.0, "2": 1.5},
        "before": {"4": 1.0, "1004": 1.03},
        "versions": VERSIONS,
    },
    "scaling": {
        "lives": 90,
        "one": [4.0, 5.0, 6.0],
        "two": [8.0, 9.0, 10.0],
        "ratio": 1.8,
        "cores": 2,
        "load": [0.1, 2.0],
        "versions": VERSIONS,
    },
}
RUN = {"wall": 200.0, "cpu": 390.0, "items": 9000, "met": 70, "files": {"test_a.py": 30.0}}
KEPT["beside"] = {
    "commit": "925d2a9",
    "before": [RUN],
    "after": [{**RUN, "wall": 90.0, "met": 76, "files": {"test_a.py": 12.0, "test_b.py": 3.0}}],
    "ratio of wall": 0.45,
    "ratio of cpu": 1.0,
    "versions": VERSIONS,
}
CASE = Case(tied=True, placement="body")


def test_two_commits_are_told_side_by_side() -> None:
    text = page({"beside": KEPT["beside"]})
    assert "It takes 0.45 of its time" in text
    assert "| causes met | 70 | 76 |" in text
    assert "| `test_b.py` | 0 | 3 |" in text


def test_the_page_tells_every_figure_with_its_limit() -> None:
    text = page(KEPT)
    assert "| CPU seconds of a life, median | 0.250 |" in text
    assert "| a life after 1004 others, against the same after 4 | 1.03; at most 1.1 |" in text
    assert "| a life with 2 layers, against one | 1.50 |" in text
    assert "| merged & saved | 75.0% |" in text
    assert text.index("`llama`") < text.index("`t5`")
    assert "| ratio, median of 3 pairs | 1.80; at least 1.6 |" in text
    assert "| load of the machine before each run | 0.1, 2.0 |" in text


def test_a_part_that_was_not_measured_is_not_told() -> None:
    assert "-n 2" not in page({"lives": KEPT["lives"]})
    assert "layers" not in page({"scaling": KEPT["scaling"]}).partition("svg)")[2]


def test_the_plot_is_xml_with_a_bar_for_each_value() -> None:
    root = ET.fromstring(plot(KEPT))  # noqa: S314  our own text
    bars = [one for one in root if one.tag.endswith("rect") and one.get("fill") == "#4878a8"]
    assert len(bars) == 2 + 2 + 2 + 2
    assert max(float(bar.get("width", 0)) for bar in bars) == pytest.approx(320)


def test_shares_of_stages_come_to_one_and_the_largest_are_real() -> None:
    shares = lives.by_stage([CASE])
    assert sum(shares.values()) == pytest.approx(1)
    assert all(share > 0 for share in shares.values())
    assert {"base", "trained", "merged", "reloaded"} < set(shares)


def test_a_cost_that_grows_with_the_lives_before_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[Case] = []

    def spend(case: Case) -> None:
        met.append(case)
        end = time.process_time() + 0.0005 * len(met)
        while time.process_time() < end:
            pass

    monkeypatch.setattr(lives, "observed", spend)
    (_, after) = lives.by_lives_before([CASE, CASE], 20).items()
    assert after[0] == "24"
    assert after[1] > 3


def test_only_lives_without_an_error_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(case: Case) -> Observation:
        troubles = ("x",) if case.family == "llama" else ()
        return Observation(case=case, names={}, troubles=troubles)  # type: ignore[arg-type]

    monkeypatch.setattr(lives, "observe", seen)
    cases = lives.ordinary(20)
    assert len(cases) == 20
    assert all(case.family != "llama" for case in cases)


def test_page_and_plot_are_those_of_the_results() -> None:
    if not RESULTS.exists():
        pytest.skip("nothing was measured yet")
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(kept)
    assert PLOT.read_text(encoding="utf-8") == plot(kept)
