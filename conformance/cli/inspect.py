"""``python -m conformance inspect FOLDER``: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from conformance.core.user_files import InputError
from conformance.inspecting.checkpoint import Checkpoint, read_checkpoint
from conformance.inspecting.embedding_keys import Names, names_of
from conformance.inspecting.judge import Inspection, inspect

USAGE_ERROR = 4
"""As pytest's, for a folder that cannot be judged."""


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``inspect`` to the subcommands."""
    parser = subcommands.add_parser(
        "inspect",
        help="does the config of a merged checkpoint agree with its tensors",
        description="Read config.json and the headers of the safetensors files, of any size, and "
        "say whether the tie flag agrees with the tensors. Exit status: 0 where all agrees, 1 "
        "where something does not, 4 where the folder cannot be judged.",
    )
    parser.add_argument("folder", metavar="FOLDER", help="the checkpoint's folder")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; its exit status."""
    parser: argparse.ArgumentParser = arguments.parser
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before transformers is imported
    try:
        checkpoint = read_checkpoint(arguments.folder)
        names = names_of(checkpoint)
        found = inspect(checkpoint, names)
    except InputError as error:
        parser.exit(USAGE_ERROR, f"{parser.prog}: error: {error}\n")
    for line in lines(checkpoint, names, found):
        sys.stdout.write(f"{line}\n")
    return 1 if found.wrong else 0


def lines(checkpoint: Checkpoint, names: Names, found: Inspection) -> Iterator[str]:
    """What is told: the verdict, the facts, and each disagreement with what to change."""
    count = len(found.wrong)
    wrong = f"{count} thing{'s' if count != 1 else ''} in this checkpoint will mislead a loader"
    yield f"VERDICT   {wrong if count else 'config and tensors agree'}"
    files = len({tensor.file for tensor in checkpoint.tensors.values()})
    yield f"READ      {len(checkpoint.tensors)} tensors in {files} files, by their headers"
    yield f"KEYS      {names.embedding} and {names.head}, {names.how}"
    yield f"TENSORS   {found.state}"
    yield f"CONFIG    {found.says}"
    for one in found.wrong:
        yield f"WRONG     {one.what}"
        yield f"EFFECT    {one.effect}"
        yield f"CHANGE    {one.change}"
