"""``python -m conformance causes``: which causes the installed packages have."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conformance.causes.cause import SEVERITIES, Cause
from conformance.causes.outcomes import FAILED, Outcome, Outcomes
from conformance.causes.read import CauseError, ours
from conformance.causes.recorded import RecordedError, add, write
from conformance.core.versions import one_line, versions


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``causes`` to the subcommands."""
    parser = subcommands.add_parser(
        "causes",
        help="run the script of each known cause with the installed packages",
        description="Run the scripts of all causes, or of those named, with the installed PEFT and "
        "transformers: broken, kept, or cannot tell, with the line that each prints.",
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="causes by id, all unless named")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="also write the outcomes to FILE, as JSON; those of named causes are added to it",
    )
    parser.set_defaults(run=run, parser=parser)


def chosen(ids: list[str]) -> tuple[Cause, ...]:
    """The causes of these ids, worst first, all where none is named; raises CauseError."""
    every = {cause.id: cause for cause in ours()}
    unknown = [name for name in ids if name not in every]
    if unknown:
        raise CauseError(f"there is no cause {unknown[0]!r}; docs/causes.md lists them")
    found = [every[name] for name in ids] or list(every.values())
    return tuple(sorted(found, key=lambda cause: (SEVERITIES.index(cause.severity), cause.id)))


def run(arguments: argparse.Namespace) -> int:
    """Run the scripts; exits with 1 where one of them fails."""
    parser: argparse.ArgumentParser = arguments.parser
    outcomes, found = Outcomes(), dict[str, Outcome]()
    try:
        causes = chosen(arguments.ids)
        sys.stdout.write(f"{one_line()}: {len(causes)} causes\n")
        for cause in causes:
            outcome = found[cause.id] = outcomes.of(cause)
            told = outcome.reason or outcome.output
            sys.stdout.write(f"{outcome.result:11}  {cause.severity:13}  {cause.id}: {told}\n")
            sys.stdout.flush()
        if arguments.record:
            (add if arguments.ids else write)(arguments.record, versions(), found)
    except (CauseError, RecordedError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    except OSError as error:
        told = f"--record {arguments.record} cannot be written: {error.strerror}"
        parser.exit(2, f"{parser.prog}: error: {told}\n")
    finally:
        outcomes.close()
    return int(any(outcome.result == FAILED for outcome in found.values()))
