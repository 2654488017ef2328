"""Sequences: every promise about programs, on the programs drawn for each stratum."""

from __future__ import annotations

from hypothesis import settings

from conformance.invariants import Invariant
from conformance.options import stratum_seed
from conformance.outcome import conclude, require, tallied
from conformance.programs.program import Program, ProgramStratum
from conformance.programs.runner import judge_program, run_programs
from conformance.programs.strategies import LONG, MOST
from conformance.records import Record
from conformance.session import Session

PROGRAMS_A_LIFE = 6
"""Programs of a stratum for each life of a stratum of the grid, which has many more strata."""


def test_program(
    sequences: ProgramStratum, promise: Invariant, suite: Session, record: Record
) -> None:
    """The promise holds after every step of every drawn program, known failures apart."""
    __tracebackhide__ = True
    record.kind, record.invariant, record.stratum = "program", promise.id, sequences.id
    require(sequences.device, suite, record)
    profile = settings.get_current_profile_name()
    each = PROGRAMS_A_LIFE * settings.get_profile(profile).max_examples
    with tallied(record) as tally:
        run_programs(
            sequences,
            promise,
            observer=suite.programs,
            known=suite.known,
            families=suite.options.decoders,
            stream=stratum_seed(suite.options.seed, sequences),
            examples=suite.options.examples or each,
            most=LONG if profile == "explore" else MOST,
            tally=tally,
        )
    conclude(record, tally, suite.known)


def test_one(program: Program, promise: Invariant, suite: Session, record: Record) -> None:
    """The promise holds after every step of the program given with ``--program``."""
    __tracebackhide__ = True
    record.kind, record.invariant, record.stratum = "program", promise.id, program.stratum.id
    require(program.device, suite, record)
    with tallied(record) as tally:
        judge_program(promise, program, suite.programs, suite.known, tally)
    conclude(record, tally, suite.known)
