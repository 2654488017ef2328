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
from pathlib import Path

from benchmarks.drawn import drawn
from benchmarks.table import show
from conformance.case import Case
from conformance.grid import strata
from conformance.invariants import INVARIANTS
from conformance.life import observe
from conformance.observer import Observer

ALLOWED = 1.1


def resident() -> int:
    """Bytes of this process that lie in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def lives(examples: int) -> Iterator[Case]:
    """The cases of the whole grid of the cpu, stratum by stratum."""
    for stratum in strata(("cpu",)):
        yield from drawn(stratum, examples)


def main() -> int:
    """Measure, print, and say by the exit status whether memory stays."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=200)
    parser.add_argument("--many", type=int, default=2000)
    parser.add_argument("--examples", type=int, default=48, help="examples a stratum")
    parser.add_argument("--write", action="store_true", help="write the table into the README")
    arguments = parser.parse_args()
    observer = Observer(observe)
    at: dict[int, int] = {}
    for count, case in enumerate(lives(arguments.examples), start=1):
        seen = observer(case)
        observer.verdict(case)
        for invariant in INVARIANTS.values():
            invariant.judge(seen)
        if count in {arguments.few, arguments.many}:
            at[count] = resident()
        if count == arguments.many:
            break
    if arguments.many not in at:
        raise SystemExit(f"only {count} distinct lives were drawn: give more --examples")
    few, many = at[arguments.few], at[arguments.many]
    what = f"resident memory after {arguments.many} lives, against that after {arguments.few}"
    figure = f"{many / few:.2f} ({many / 2**20:.0f} MiB, {few / 2**20:.0f} MiB); at most {ALLOWED}"
    show("memory", {what: figure}, write=arguments.write)
    return 0 if many <= ALLOWED * few else 1


if __name__ == "__main__":
    raise SystemExit(main())
