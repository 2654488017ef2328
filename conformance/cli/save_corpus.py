"""``python -m conformance save-corpus``: its arguments, and what it does with them."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from conformance.core.case import Case, parse_case
from conformance.core.literals import CaseError
from conformance.core.options import OptionError
from conformance.core.versions import cell_name, versions
from conformance.kinds.corpus.always import ALWAYS
from conformance.running.context import import_problem
from conformance.running.options import chosen_families, chosen_strata, number_of_examples
from tiny_models.families import DECODERS

FEW = 3
"""Lives of a stratum that are kept where no number is given."""


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``save-corpus`` to the subcommands."""
    parser = subcommands.add_parser(
        "save-corpus",
        help="write merged models and adapters for another version to load",
        description="Live some cases of every stratum with the installed versions, and write "
        "their models, adapters and expected logits for `pytest conformance --load-corpus DIR`.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="where to write: a new folder")
    parser.add_argument(
        "--as-cell",
        action="store_true",
        help="write into a folder of DIR that is named after the installed versions, such as "
        "peft0.21-tf4.57, in place of what it held",
    )
    parser.add_argument("--stratum", metavar="PATTERN", help="strata to cover (default: all)")
    parser.add_argument("--family", metavar="NAMES", help="families to draw from, by commas")
    parser.add_argument("--examples", metavar="N", help=f"lives a stratum (default: {FEW})")
    parser.add_argument("--case", metavar="CASE", help='one case alone: "Case(...)"')
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the corpus; a usage error says in one sentence what is wrong and exits with 2."""
    parser: argparse.ArgumentParser = arguments.parser
    folder: Path = arguments.folder
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        cases = list(_cases(arguments))
        problem = import_problem()
        if problem:
            raise OptionError(problem)  # noqa: TRY301  told as the others are
        if arguments.as_cell:
            folder /= cell_name(versions())
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OptionError(f"{folder} is not empty")  # noqa: TRY301  told as the others are
    except (OptionError, CaseError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    except OSError as error:
        parser.exit(2, f"{parser.prog}: error: {folder} cannot be made: {error.strerror}\n")
    from conformance.kinds.corpus.save import save_corpus  # imports torch

    saved = without = 0
    for life in save_corpus(folder, cases):
        saved, without = saved + bool(life.folder), without + (not life.folder)
    parser.exit(0, f"{folder}: {saved} lives saved, {without} listed with what ended them\n")
    return 0


def _cases(arguments: argparse.Namespace) -> Iterator[Case]:
    """The first cases of the default run, stratum by stratum, and those that every corpus has."""
    if arguments.case:
        yield parse_case(arguments.case)
        return
    # these import Hypothesis, which reports do without
    from conformance.core.grid import fitting
    from conformance.running.drawn import drawn

    few = number_of_examples(arguments.examples) or FEW
    families = tuple(name for name in chosen_families(arguments.family) if name in DECODERS)
    if not families:
        raise OptionError(f"--family accepts {', '.join(DECODERS)} here, not {arguments.family}")
    chosen = chosen_strata(("cpu",), arguments.stratum)
    strata = [stratum for stratum in chosen if fitting(stratum, families)]
    met: dict[Case, None] = {}
    for stratum in strata:
        met |= dict.fromkeys(drawn(stratum, few, families=families))
    if not (arguments.family or arguments.stratum):
        met |= dict.fromkeys(ALWAYS)
    yield from met
