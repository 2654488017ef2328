"""Resident memory after few and after many lives, or programs, of one process.

    python -m benchmarks.memory [--of programs] [--write]

They go through an observer as the runner uses it: strata in turn, the observations of one of
them kept, every promise judged. The process is as it was after the first ``--few`` if nothing of
what was lived stays behind.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from benchmarks.programs import drawn_of
from benchmarks.table import show
from conformance.core.case import Case
from conformance.core.grid import strata
from conformance.core.options import RUN_SEED
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.checks.warnings import never
from conformance.kinds.lifecycle.kind import LIFECYCLE
from conformance.kinds.programs.checks import PROGRAMS
from conformance.kinds.programs.kind import PROGRAMS as PROGRAM_KIND
from conformance.kinds.programs.program import Program, program_strata
from conformance.running.cache import Cache
from conformance.running.drawn import drawn

ALLOWED = 1.1
MANY = 10
"""Times the few."""
FEW = {"lives": 200, "programs": 20}
EXAMPLES = {"lives": 12, "programs": 10}
"""Of a stratum in each round."""


def resident() -> int:
    """Bytes of this process that lie in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def lives() -> Iterator[Case]:
    """The cases of the whole grid of the cpu, stratum by stratum, run after run."""
    for round_ in count():
        for stratum in strata(("cpu",)):
            yield from drawn(stratum, EXAMPLES["lives"], RUN_SEED + round_)


def every_program() -> Iterator[Program]:
    """Programs of up to 20 steps, stratum by stratum, run after run."""
    for round_ in count():
        for stratum in program_strata(("cpu",)):
            yield from drawn_of(stratum, EXAMPLES["programs"], RUN_SEED + round_)


def living() -> Iterator[None]:
    """Lives, one a step."""
    cache = Cache(LIFECYCLE)
    for case in lives():
        seen = cache(case, repeats=LIFECYCLE.together(case))
        cache.verdict(case, never)
        for invariant in INVARIANTS.values():
            invariant.judge(seen)
        yield


def running() -> Iterator[None]:
    """Programs, one a step."""
    cache = Cache(PROGRAM_KIND)
    for program in every_program():
        seen = cache(program, repeats=PROGRAM_KIND.together(program))
        for promise in PROGRAMS.values():
            promise.judge(seen)
        yield


STEPS: dict[str, Callable[[], Iterator[None]]] = {"lives": living, "programs": running}


def main() -> int:
    """Measure, print, and say by the exit status whether memory stays."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--of", choices=tuple(STEPS), default="lives")
    parser.add_argument("--few", type=int, help="after how many to look first; then after 10 times")
    parser.add_argument("--write", action="store_true", help="write the table into the README")
    arguments = parser.parse_args()
    name = arguments.of
    few = arguments.few or FEW[name]
    at: dict[int, int] = {}
    for number, _ in enumerate(STEPS[name](), start=1):
        if number in {few, MANY * few}:
            at[number] = resident()
        if number == MANY * few:
            break
    first, last = at[few], at[MANY * few]
    what = f"resident memory after {MANY * few} {name}, against that after {few}"
    figure = f"{last / first:.2f} ({last / 2**20:.0f} MiB, {first / 2**20:.0f} MiB)"
    mark = "memory" if name == "lives" else f"memory-of-{name}"
    show(mark, {what: f"{figure}; at most {ALLOWED}"}, write=arguments.write)
    return 0 if last <= ALLOWED * first else 1


if __name__ == "__main__":
    raise SystemExit(main())
