"""Lives a second with one worker and with two, after their imports.

Each run is `pytest -n 1` or `-n 2` on the same strata; the clock of the controller starts when
every worker has imported all that lives need and has collected, and stops at the last report.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STRATA = "cpu-tied-default-*"
RUNS = 5
CLOCK = "CONFORMANCE_CLOCK"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """In a worker: import and build what the first lives would, before the clock starts."""
    if hasattr(session.config, "workerinput"):
        from conformance.core.case import Case
        from conformance.kinds.lifecycle.observe import observe
        from tiny_models.families import DECODERS

        for family in DECODERS:
            observe(Case(tied=family != "opt-proj", placement="body", family=family))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any) -> None:
    """On the controller: the last worker to be ready starts the clock."""
    node.config.conformance_clock = time.monotonic()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On the controller: stop it."""
    began = getattr(session.config, "conformance_clock", None)
    if began is not None:
        Path(os.environ[CLOCK]).write_text(str(time.monotonic() - began), encoding="utf-8")


def one_run(workers: int, strata: str, examples: int) -> tuple[float, int]:
    """Seconds of one run, and its distinct lives."""
    with TemporaryDirectory(prefix="scaling-") as folder:
        clock, results = Path(folder) / "clock", Path(folder) / "results.jsonl"
        command = [sys.executable, "-W", "ignore", "-m", "pytest", "conformance/test_invariants.py"]
        command += ["-n", str(workers), "-p", "benchmarks.performance.scaling", "-q"]
        command += ["-p", "no:cacheprovider", "--stratum", strata, "--examples", str(examples)]
        command += ["--results", str(results)]
        environment = {**os.environ, CLOCK: str(clock), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 1):  # what fails takes its time all the same
            raise SystemExit(
                f"pytest -n {workers} ends with {done.returncode}:\n{done.stdout[-2000:]}"
            )
        rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
        each = {row["stratum"]: row["lives"] for row in rows if row.get("kind") == "invariant"}
        return float(clock.read_text(encoding="utf-8")), sum(each.values())


def scaling(runs: int = RUNS, strata: str = STRATA, examples: int = 6) -> dict[str, Any]:
    """Lives a second of interleaved runs, their medians' ratio, and the machine's load."""
    loads: list[float] = []
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(runs):
        for workers in (1, 2):
            loads.append(os.getloadavg()[0])
            seconds, lives = one_run(workers, strata, examples)
            rates[workers].append(lives / seconds)
            print(f"-n {workers}: {lives} lives, {lives / seconds:.2f} a second", flush=True)
    return {
        "lives": lives,
        "one": rates[1],
        "two": rates[2],
        "ratio": median(two / one for one, two in zip(rates[1], rates[2], strict=True)),
        "cores": len(os.sched_getaffinity(0)),
        "load": loads,
    }
