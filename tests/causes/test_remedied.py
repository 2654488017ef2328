"""``--remedied``: what a remedy mends holds, in this process and in workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASE = "Case(device='cpu', tied=True, ensure=False, placement='save:head', family='bart')"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_what_a_remedy_mends_holds(workers: str) -> None:
    pytest.importorskip("unidiff", reason="unidiff reads the remedies")
    told = ["--invariant", "reload-keeps-logits", "--case", CASE, "-n", workers]
    plain = ["-q", "-p", "no:cacheprovider"]
    judged = [sys.executable, "-m", "pytest", "conformance", *plain, *told]
    ends = [
        subprocess.run(
            [*judged, option], cwd=ROOT, capture_output=True, text=True, check=False
        ).returncode
        for option in ("--remedied", "--no-known-failures")
    ]
    assert ends == [0, 1]
