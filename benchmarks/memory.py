"""Resident memory after few and after many lives of one process.

    python -m benchmarks.memory [--write]

The lives go through an ``Observer`` as the runner uses it: strata in turn, the observations of
one of them kept, every invariant judged. The process is as it was after the first ``--few``
lives if nothing of a life stays behind.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from benchmarks.table import show
from conformance.case import Case
from conformance.drawn import drawn
from conformance.grid import strata
from conformance.invariants import INVARIANTS
from conformance.life import observe
from conformance.observer import Observer
from conformance.options import RUN_SEED

ALLOWED = 1.1


def resident() -> int:
    """Bytes of this process that lie in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def lives(examples: int) -> Iterator[Case]:
    """The cases of the whole grid of the cpu, stratum by stratum, run after run."""
    for round_ in count():
        for stratum in strata(("cpu",)):
            yield from drawn(stratum, examples, RUN_SEED + round_)


def main() -> int:
    """Measure, print, and say by the exit status whether memory stays."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=200)
    parser.add_argument("--many", type=int, default=2000)
    parser.add_argument(
        "--examples", type=int, default=12, help="examples a stratum, as the default run"
    )
    parser.add_argument("--write", action="store_true", help="write the table into the README")
    arguments = parser.parse_args()
    observer = Observer(observe)
    at: dict[int, int] = {}
    for lived, case in enumerate(lives(arguments.examples), start=1):
        seen = observer(case)
        observer.verdict(case)
        for invariant in INVARIANTS.values():
            invariant.judge(seen)
        if lived in {arguments.few, arguments.many}:
            at[lived] = resident()
        if lived == arguments.many:
            break
    few, many = at[arguments.few], at[arguments.many]
    what = f"resident memory after {arguments.many} lives, against that after {arguments.few}"
    figure = f"{many / few:.2f} ({many / 2**20:.0f} MiB, {few / 2**20:.0f} MiB); at most {ALLOWED}"
    show("memory", {what: figure}, write=arguments.write)
    return 0 if many <= ALLOWED * few else 1


if __name__ == "__main__":
    raise SystemExit(main())
