"""Programs as a kind of test: every promise after every step, up to the first wrong one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial

from conformance.core.bits import distance
from conformance.core.invariant import Invariant
from conformance.core.kind import Drawn, Item, Kind
from conformance.core.options import Options, stratum_seed
from conformance.kinds.programs.checks import PROGRAMS as CHECKS
from conformance.kinds.programs.checks import allowance
from conformance.kinds.programs.covering import planned
from conformance.kinds.programs.hazards import situations
from conformance.kinds.programs.making import LONG, MOST, make
from conformance.kinds.programs.meant import meant
from conformance.kinds.programs.minimise import simplest
from conformance.kinds.programs.observation import ProgramObservation, StepSeen
from conformance.kinds.programs.parsing import parse_program
from conformance.kinds.programs.program import Program, ProgramStratum, program_strata
from conformance.kinds.programs.proof import first_difference, require_informative

PROGRAMS_A_LIFE = 12
"""Programs of a stratum for each case of a stratum of the grid, which has many more strata."""


class Programs(Kind[Program, ProgramObservation]):
    """Operations on one model."""

    name = "programs"
    case_type = Program
    form = "Program"
    tests = ("test_program", "test_one")
    single = "test_one"
    lists_absent = True
    ends_at_first = True

    @property
    def checks(self) -> Mapping[str, Invariant]:
        """What is promised after every step."""
        return CHECKS

    def parse(self, text: str) -> Program:
        """Read ``Program(...)``."""
        return parse_program(text)

    def listed(
        self, test: str, checks: tuple[Invariant, ...], options: Options
    ) -> Iterator[Item[Program]]:
        """Each chosen promise on the drawn programs of each stratum."""
        if test != "test_program" or not options.decoders:
            return
        for stratum in program_strata(options.devices):
            drawn = _drawn(stratum, options)
            for check in checks:
                yield _item(f"{stratum.id}-{check.id}", check, drawn, stratum)

    def given(self, case: Program, checks: tuple[Invariant, ...]) -> Iterator[Item[Program]]:
        """Each chosen promise on the program."""
        for check in checks:
            yield _item(check.id, check, (case,), case.stratum)

    def observe(self, case: Program) -> ProgramObservation:
        """Run every step, beside the reference."""
        from conformance.kinds.programs.observe import observe_program  # torch: not before an item

        return observe_program(case)

    def together(self, case: Program) -> Hashable:
        """The stratum."""
        return case.stratum

    def require_informative(self, seen: ProgramObservation) -> None:
        """Raise SuiteError unless the program can prove anything."""
        require_informative(seen)

    def difference(self, one: ProgramObservation, other: ProgramObservation) -> str | None:
        """What two observations do not have in common: logits may differ by rounding."""
        return first_difference(one, other)

    def part(self, seen: ProgramObservation) -> ProgramObservation:
        """What was seen up to the first step that goes wrong."""
        return up_to_the_first_wrong_step(seen)

    def simplicity(self, case: Program) -> tuple[int, str]:
        """Smaller for fewer steps."""
        return len(case.steps), ""

    def minimise(self, case: Program, fails: Callable[[Program], bool]) -> Program:
        """The simplest program that fails alike; Hypothesis could take no step out."""
        return simplest(case, fails)

    def evidence(self, seen: ProgramObservation) -> Iterator[str]:
        """Step by step: how far the logits are from the reference's, and what is active."""
        for step in seen.steps:
            yield _line(seen, step)
            for heard in seen.heard_at(f"{step.number} {step.step[0]}"):
                yield f"   heard: {heard.brief}"
        for error in seen.troubles:
            yield f"{error.stage}: {error.type}: {error.message}"

    def rerun(self, seen: ProgramObservation, invariant: str) -> str:
        """The program by itself."""
        options = f"--no-known-failures --invariant {invariant}"
        return f'pytest conformance {options} --program "{seen.case!r}"'

    def when(self, case: Program) -> str:
        """The situation that the program meets."""
        met = situations(case)
        return f"{met[-1]!r} in situations" if met else f"family == {case.family!r}"


PROGRAMS = Programs()


def up_to_the_first_wrong_step(seen: ProgramObservation) -> ProgramObservation:
    """The part of an observation that can be judged; its case is the program so far.

    From there on the model is not what its reference describes: whatever differs later may be that
    fault again, seen by another promise or through another step, or a new one; nothing tells which.
    The step that goes wrong is part of it: several promises may be broken by the same one. Programs
    walk into declared failures only now and then, so what is new shows elsewhere.
    """
    broken = [one for one in CHECKS.values() if one.judge(seen).findings]
    if not broken:
        return seen
    for step in seen.steps:
        so_far = seen.upto(step.number)
        if any(one.judge(so_far).findings for one in broken):
            return so_far
    return seen  # only an error, which ends it


def _item(
    name: str, check: Invariant, cases: Drawn[Program] | tuple[Program], stratum: ProgramStratum
) -> Item[Program]:
    return Item(
        id=name,
        group="program",
        checks=(check,),
        cases=cases,
        stratum=stratum.id,
        invariant=check.id,
        device=stratum.device,
        repeats=PROGRAMS.together,
    )


def drawn_programs(
    stratum: ProgramStratum, families: tuple[str, ...], seed: int, examples: int, most: int = MOST
) -> Drawn[Program]:
    """So many programs of a stratum in a run with this seed, of at most ``most`` steps.

    Those that every run judges come beside them.
    """
    return Drawn(
        make=partial(make, stratum, families, most),
        stream=stratum_seed(seed, stratum),
        examples=examples,
        scope=(stratum, families, most),
        own_minimiser=True,
        before=tuple(meant(stratum, families, seed)),
        plan=partial(planned, stratum, families, seed, most, examples),
    )


def _drawn(stratum: ProgramStratum, options: Options) -> Drawn[Program]:
    most = LONG if options.profile == "explore" else MOST
    examples = options.examples or PROGRAMS_A_LIFE * options.lives
    return drawn_programs(stratum, options.decoders, options.seed, examples, most)


def _line(seen: ProgramObservation, step: StepSeen) -> str:
    amount = distance(step.logits.found, step.logits.expected)
    allowed = allowance(seen, step, step.logits).breaks
    told = f"active {', '.join(step.active) or 'none'}" if step.state.wrapped else "plain"
    return f"{step.number} {step.step!r}: off by {amount:.3g}, allowed {allowed:.3g}; {told}"
