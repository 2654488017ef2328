"""``python -m conformance remedies``: the remedies of all causes as one patch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conformance.causes.read import CauseError
from conformance.causes.remedies import PACKAGE, RemedyError, as_one_patch, installed
from conformance.cli.causes import chosen


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``remedies`` to the subcommands."""
    parser = subcommands.add_parser(
        "remedies",
        help="write the remedies of causes as one patch against PEFT's source",
        description="Write the remedies that fit the installed PEFT as one patch, each under its "
        "cause: `patch -p1` applies it in the folder that holds the package.",
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="causes by id, all unless named")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: stdout")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the patch; what is left out is said on standard error."""
    parser: argparse.ArgumentParser = arguments.parser
    try:
        package = installed()
        if package is None:
            raise RemedyError(f"{PACKAGE} is not installed")  # noqa: TRY301  told as the others are
        text, done = as_one_patch(chosen(arguments.ids), package)
        if arguments.output:
            arguments.output.write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)
    except (CauseError, RemedyError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    except OSError as error:
        told = f"{arguments.output} cannot be written: {error.strerror}"
        parser.exit(2, f"{parser.prog}: error: {told}\n")
    for name, why in done.left_out.items():
        sys.stderr.write(f"left out is {name}: {why}\n")
    sys.stderr.write(f"{len(done.applied)} remedies\n")
    return 0
