"""Whether the allowances of programs cry wolf, or sleep.

    python -m benchmarks.programs [--examples N] [--seed N] [--write]

Programs are drawn as the suite draws them, those left out that meet a situation with a declared
failure. Every comparison of logits with the reference's is one place where a false alarm could
be. Each is then made again with a fault: the reference's logits moved, in the direction in which
rounding moves them, by four times what is allowed.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from benchmarks.table import show
from conformance.core.bits import distance
from conformance.core.options import RUN_SEED
from conformance.kinds.programs.checks import PROGRAMS, allowance
from conformance.kinds.programs.hazards import situations
from conformance.kinds.programs.kind import drawn_programs
from conformance.kinds.programs.making import LONG
from conformance.kinds.programs.observation import Compared, ProgramObservation
from conformance.kinds.programs.observe import observe_program
from conformance.kinds.programs.program import Program, ProgramStratum, program_strata
from conformance.running.drawn import distinct
from tiny_models.families import DECODERS

FAULT = 4
"""Times the allowance."""


@dataclass
class Figures:
    """Of the programs of one dtype."""

    programs: int = 0
    compared: int = 0
    alarms: list[str] = field(default_factory=list)
    worst: float = 0.0
    asleep: int = 0


def drawn(examples: int, run_seed: int) -> Iterator[Program]:
    """The programs of every stratum that meet no situation known to go wrong."""
    for stratum in program_strata(("cpu",)):
        every = drawn_of(stratum, examples, run_seed)
        yield from (program for program in every if not situations(program))


def drawn_of(stratum: ProgramStratum, examples: int, run_seed: int) -> list[Program]:
    """The programs of one stratum, each once."""
    every = drawn_programs(stratum, DECODERS, run_seed, examples, LONG)
    return distinct(replace(every, before=()))


def count(seen: ProgramObservation, figures: Figures) -> None:
    """Add one program to the figures of its dtype."""
    figures.programs += 1
    findings = [f for promise in PROGRAMS.values() for f in promise.judge(seen).findings]
    figures.alarms += [f"{seen.case!r}: {finding}" for finding in findings]
    for step in seen.steps:
        for logits in (step.logits, *step.asides.values()):
            allowed = allowance(seen, step, logits).breaks
            figures.compared += 1
            figures.worst = max(figures.worst, distance(logits.found, logits.expected) / allowed)
            figures.asleep += not moved(logits, allowed) > allowed


def moved(logits: Compared, allowed: float) -> float:
    """How far the model is from its reference when that has a fault of ``FAULT`` allowances."""
    direction = logits.nudged[0].double() - logits.expected.double()
    fault = FAULT * allowed * direction / float(direction.abs().max())
    return distance(logits.found.double(), logits.expected.double() + fault)


def main() -> int:
    """Measure, print, and say by the exit status whether any allowance is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=300, help="examples a stratum")
    parser.add_argument("--seed", type=int, default=RUN_SEED)
    parser.add_argument("--write", action="store_true", help="write the table into the README")
    arguments = parser.parse_args()
    figures: dict[str, Figures] = defaultdict(Figures)
    for program in drawn(arguments.examples, arguments.seed):
        count(observe_program(program), figures[program.dtype])
    rows = {}
    for dtype, one in sorted(figures.items()):
        rows[f"false alarms in {one.programs} programs in {dtype}"] = str(len(one.alarms))
        rows[f"worst difference / allowed, of {one.compared} in {dtype}"] = f"{one.worst:.2f}"
        rows[f"faults of {FAULT} allowances not seen, of {one.compared} in {dtype}"] = str(
            one.asleep
        )
    show("programs", rows, write=arguments.write)
    for one in figures.values():
        for alarm in one.alarms:
            print(alarm)
    return int(any(one.alarms or one.asleep for one in figures.values()))


if __name__ == "__main__":
    raise SystemExit(main())
