"""``python -m conformance load-corpora``: a run of the suite for each corpus saved beside here."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from conformance.core.versions import cell_name, one_line, versions
from conformance.kinds.corpus.adjacent import Place, neighbours
from conformance.kinds.corpus.manifest import CorpusError, read
from conformance.running.context import import_problem

SUITE = Path(__file__).parents[1]
BAD_INPUT = 2


class PairsError(ValueError):
    """Why no corpus can be judged; one sentence."""


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``load-corpora`` to the subcommands."""
    parser = subcommands.add_parser(
        "load-corpora",
        help="judge here what the cells beside this one have saved",
        description="Of the corpora in DIR judge those that were saved one step away: by the same "
        "PEFT with transformers on the other side of 5 or with the nearest 5, or by the nearest "
        "PEFT with the same transformers. Each is one run of pytest; the exit status is the worst.",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="the folder that holds the corpora")
    add(
        "--results",
        type=Path,
        metavar="DIR",
        help="write results to DIR/<saver>--<loader>.jsonl; given before the corpora",
    )
    add("options", nargs=argparse.REMAINDER, metavar="OPTIONS", help="pytest's and the suite's")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Judge the corpora; bad input is one sentence each, and exits with 2."""
    parser: argparse.ArgumentParser = arguments.parser
    results: Path | None = arguments.results
    try:
        corpora, broken = _corpora(arguments.folder)
        if results:
            results.mkdir(parents=True, exist_ok=True)
    except PairsError as error:
        parser.exit(BAD_INPUT, f"{parser.prog}: error: {error}\n")
    except OSError as error:
        said = f"{results} cannot be made: {error.strerror}"
        parser.exit(BAD_INPUT, f"{parser.prog}: error: {said}\n")
    for sentence in broken:
        sys.stderr.write(f"{parser.prog}: error: {sentence}\n")
    here = cell_name(versions())
    statuses = {path.name: _judge(path, here, results, arguments.options) for path in corpora}
    for name, status in statuses.items():
        ended = f"exit status {status}" if status else "as declared"
        sys.stdout.write(f"{name} -> {here}: {ended}\n")
    return max((*statuses.values(), *(BAD_INPUT for _ in broken)))


def _corpora(folder: Path) -> tuple[list[Path], list[str]]:
    """The corpora to be judged here, and what is wrong with those that cannot be read."""
    problem = import_problem()
    if problem:
        raise PairsError(problem)
    if not folder.is_dir():
        raise PairsError(f"{folder} is not a folder")
    places, broken = {}, []
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        try:
            places[path.name] = Place.of(read(path).saver)
        except CorpusError as error:
            broken.append(str(error))
    found = neighbours(Place.of(versions()), places)
    if not found and not broken:
        raise PairsError(f"{folder} holds no corpus saved one step away from {one_line()}")
    return [folder / name for name in found], broken


def _judge(corpus: Path, here: str, results: Path | None, options: list[str]) -> int:
    """Judge one corpus; the exit status, as a shell gives it where a signal ended the run."""
    sys.stdout.write(f"\n{corpus.name} -> {here}\n")
    sys.stdout.flush()
    words = [str(SUITE), "--load-corpus", str(corpus), *options]
    if results:
        words += ["--results", str(results / f"{corpus.name}--{here}.jsonl")]
    status = subprocess.run([sys.executable, "-m", "pytest", *words], check=False).returncode
    return status if status >= 0 else 128 - status
