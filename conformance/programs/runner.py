"""Running one item of programs: Hypothesis draws them, one promise judges each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from conformance.invariants import Invariant
from conformance.known_failures import KnownFailures, undeclared
from conformance.programs.observation import ProgramObservation
from conformance.programs.observer import ProgramObserver
from conformance.programs.printed import failure_text
from conformance.programs.program import Program, ProgramStratum
from conformance.programs.shrinking import simplest
from conformance.programs.strategies import programs
from conformance.runner import Tally
from conformance.trouble import SuiteError
from conformance.violation import Finding, violation_class


def judge_program(
    promise: Invariant,
    program: Program,
    observer: ProgramObserver,
    known: KnownFailures,
    tally: Tally,
    *,
    shrinks: bool = False,
) -> None:
    """Judge and count one program; raises a Violation for what nobody declared.

    With ``shrinks`` it is that of the simplest program that breaks the promise in the same way.
    """
    __tracebackhide__ = True
    seen = observer.within_reach(program)
    judgement = promise.judge(seen)
    first = program not in tally.judged and not tally.failed
    if first:
        tally.add(program, judgement, verdict="")
    findings, hit = undeclared(promise, judgement, seen, known)
    if first and judgement.verdict in {"holds", "breaks"}:
        tally.count(known.regions_of(promise.id, seen.case), hit)
    if judgement.findings:
        _keep(tally, program, undeclared_found=bool(findings))
    if findings:
        observer.confirm(program)
        if shrinks:
            open_in = partial(_open, promise, observer, known)
            kind = findings[0].kind
            least = simplest(program, lambda one: any(f.kind == kind for f in open_in(one)))
            findings, seen = open_in(least), observer.within_reach(least)
            _keep(tally, least, undeclared_found=True)
        _raise(promise, findings, seen)


def _open(
    promise: Invariant, observer: ProgramObserver, known: KnownFailures, program: Program
) -> list[Finding]:
    """What nobody declared; nothing of a program that proves nothing."""
    try:
        seen = observer.within_reach(program, repeat=False)
    except SuiteError:
        return []
    return undeclared(promise, promise.judge(seen), seen, known)[0]


def _keep(tally: Tally, program: Program, *, undeclared_found: bool) -> None:
    """Remember the shortest failing program, one with an undeclared finding before others."""
    if undeclared_found and not tally.failed:
        tally.failed, tally.example = True, None
    if undeclared_found is not tally.failed:
        return
    before = tally.example[0] if tally.example else None
    if not isinstance(before, Program) or len(program.steps) < len(before.steps):
        tally.example = program, ()


def _raise(promise: Invariant, findings: list[Finding], seen: ProgramObservation) -> None:
    __tracebackhide__ = True
    raise violation_class(promise.id, findings[0].kind)(failure_text(promise, findings, seen))


def run_programs(
    stratum: ProgramStratum,
    promise: Invariant,
    *,
    observer: ProgramObserver,
    known: KnownFailures,
    families: tuple[str, ...],
    stream: int,
    examples: int,
    most: int,
    tally: Tally,
) -> None:
    """Judge the programs of a stratum, of ``most`` steps; raises a Violation."""
    __tracebackhide__ = True
    shrinks = Phase.shrink in settings().phases
    checks: Any = [HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large]

    def judge(program: Program) -> None:
        __tracebackhide__ = True
        judge_program(promise, program, observer, known, tally, shrinks=shrinks)

    def draw(judge_drawn: Callable[[Program], None]) -> None:
        __tracebackhide__ = True

        @seed(stream)
        @settings(suppress_health_check=checks, max_examples=examples, phases=[Phase.generate])
        @given(program=programs(stratum, families, most))
        def lives(program: Program) -> None:
            __tracebackhide__ = True
            judge_drawn(program)

        run: Callable[[], None] = lives
        run()

    observer.draws.run((stream, stratum, families, examples, most), judge, draw)
