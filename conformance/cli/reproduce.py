"""``python -m conformance reproduce``: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from conformance.core.case import Case, check
from conformance.core.kind import AnyCase, parse
from conformance.core.literals import CaseError
from conformance.kinds import KINDS
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.programs.program import Program
from conformance.reproducer import NotReproducible, write_script
from conformance.reproducer.programs import PROMISES, write_program


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``reproduce`` to the subcommands."""
    parser = subcommands.add_parser(
        "reproduce",
        help="write a script that needs only torch, transformers and peft",
        description="Write a standalone script for one case: it exits 1 and prints the difference "
        "while a promise is broken, 0 when it is kept, 125 when it could not be judged.",
    )
    parser.add_argument(
        "case", metavar='"Case(...)"', help="the case or the Program(...), as failures print it"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to write (default: stdout)"
    )
    parser.add_argument(
        "--invariant",
        choices=sorted((*INVARIANTS, *PROMISES)),
        metavar="ID",
        help="the promise to check (default: the logits of each stage, ties and config flags; of "
        "a program, after each step, logits, values of the adapters and what trains)",
    )
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), help="where to live the case (default: its own)"
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the script; a usage error says in one sentence what is wrong and exits with 2."""
    parser: argparse.ArgumentParser = arguments.parser
    try:
        script = _script(parse(arguments.case, KINDS), arguments)
    except (CaseError, NotReproducible) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    return _written(arguments, script)


def _script(case: AnyCase, arguments: argparse.Namespace) -> str:
    """The script for a case; raises CaseError or NotReproducible."""
    if isinstance(case, Program):
        return write_program(case, arguments.invariant)
    if type(case) is Case:
        return write_script(_on(arguments.device, case), arguments.invariant)
    raise NotReproducible(f"there is no script for a {type(case).__name__} yet")


def _on(device: str | None, case: Case) -> Case:
    """The case on the device that was asked for; raises CaseError."""
    if device is None:
        return case
    moved = replace(case, device=device, crossing=case.crossing if device != "cpu" else "none")
    check(moved)
    return moved


def _written(arguments: argparse.Namespace, script: str) -> int:
    parser: argparse.ArgumentParser = arguments.parser
    if arguments.output is None:
        sys.stdout.write(script)
        return 0
    try:
        arguments.output.write_text(script, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        parser.exit(2, f"{parser.prog}: error: cannot write {arguments.output}: {reason}\n")
    return 0
