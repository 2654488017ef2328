"""``python -m conformance surface``: what of PEFT's public functions the suite exercises."""

from __future__ import annotations

import argparse
import os
import sys

from conformance.core.literals import CaseError
from conformance.reporting.surface import record as kept
from conformance.reporting.surface.page import page
from conformance.reporting.surface.record import SurfaceError
from conformance.running.context import import_problem


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``surface`` to the subcommands."""
    parser = subcommands.add_parser(
        "surface",
        help="print what of PEFT's public functions and options the suite exercises",
        description="Print every public function and option of PEFT that touches adapters on a "
        "model, with the case of the suite that uses it or the reason why none does, as recorded; "
        "with --record, live the recorded cases again with the installed PEFT and keep what they "
        "use.",
    )
    parser.add_argument("--record", action="store_true", help="make the record anew")
    parser.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="CASE",
        help="with --record: also this case, kept where it uses what no other does",
    )
    parser.add_argument(
        "--search",
        type=int,
        default=0,
        metavar="N",
        help="with --record: also the first N cases of each stratum of a default run (minutes)",
    )
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        choices=("lifecycle", "programs", "tuners"),
        help="with --search: only cases of this kind of test",
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the page, or make the record; a usage error exits with 2."""
    parser: argparse.ArgumentParser = arguments.parser
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        if arguments.record:
            problem = import_problem()
            if problem:
                raise SurfaceError(problem)  # noqa: TRY301  told as the others are
            sys.stdout.write(_recorded(arguments))
        elif arguments.case or arguments.search:
            raise SurfaceError("--case and --search go with --record")  # noqa: TRY301
        else:
            sys.stdout.write(page())
    except (CaseError, SurfaceError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    return 0


def _recorded(arguments: argparse.Namespace) -> str:
    """Live the cases, and keep what they use; what is told of it."""
    from conformance.reporting.surface import recording  # these import torch and PEFT
    from conformance.upstream.surface import surface

    more = recording.candidates(arguments.search, arguments.kind)
    of = surface()
    before = filter(recording.reads, kept.read().cases if kept.RECORD.exists() else ())
    seen = {
        written: recording.uses(written, of)
        for written in dict.fromkeys((*before, *arguments.case, *more))
    }
    made = recording.record(of, seen)
    kept.write(made)
    used = sum(row.place is not None for row in made.rows)
    return f"{kept.RECORD}: {used} of {len(made.rows)} rows used by {len(made.cases)} cases\n"
