"""Verdicts on a one-layer Llama in float32 are those that a few lines by hand come to.

Runs with whatever versions are installed; `tox run -m by-hand` does so in three cells.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from by_hand import verdict

from conformance.core.case import Case
from conformance.core.grid import Stratum, strata
from conformance.kinds.lifecycle.observe import observe
from conformance.kinds.lifecycle.verdict import verdict_of

GRID = strata(("cpu",))


@pytest.mark.parametrize("stratum", GRID, ids=lambda stratum: stratum.id)
def test_the_suite_agrees(stratum: Stratum, tmp_path: Path) -> None:
    case = Case("cpu", stratum.tied, stratum.ensure, stratum.placement)
    by_hand = verdict(stratum.tied, stratum.ensure, stratum.placement, tmp_path)
    assert verdict_of(observe(case)) == by_hand


def test_hands_come_to_more_than_one_verdict(tmp_path: Path) -> None:
    """Guards the test above against hands that always say the same."""
    found = set()
    for number, stratum in enumerate(GRID[:15]):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.add(verdict(stratum.tied, stratum.ensure, stratum.placement, folder))
    assert len(found) > 2
