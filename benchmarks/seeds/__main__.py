"""``python -m benchmarks.seeds --seeds A B C``: what is undeclared under other seeds.

Each seed is a run of its own, of the default profile unless another is named. What stands behind
``--`` is handed to pytest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.arguments import for_pytest
from benchmarks.seeds.told import head, lines, met, shares
from conformance.causes.read import ours
from conformance.core.options import PROFILES
from conformance.core.record import Record
from conformance.reporting.results.read import ResultsError, read

ROOT = Path(__file__).parents[2]
ENDED = (0, 1)
"""Exit statuses of a run that came to its end: nothing failed, or something did."""
USAGE = 4


def whole_numbers(texts: Sequence[str]) -> list[int]:
    """The seeds that are written, each once; raises ValueError, in one sentence."""
    for text in texts:
        if not (text.isascii() and text.removeprefix("-").isdecimal()):
            raise ValueError(f"--seeds accepts whole numbers, not {text!r}")
    return list(dict.fromkeys(map(int, texts)))


def command(seed: int, results: Path, given: argparse.Namespace, more: Sequence[str]) -> list[str]:
    """The run of a seed."""
    chosen = ("-n", given.n, "--hypothesis-profile", given.profile, "--hypothesis-seed", str(seed))
    pytest = (sys.executable, "-m", "pytest", "conformance", "-q", *chosen)
    return [*pytest, "--results", str(results), *more]


def judge(
    seed: int,
    folder: Path,
    given: argparse.Namespace,
    more: Sequence[str],
    runs: list[Sequence[Record]],
) -> int:
    """Run one seed and say what it found; 0 if nothing is undeclared, or how its run ended.

    Its records are added to ``runs``.
    """
    results, log = (folder / f"seed-{seed}.{ending}" for ending in ("jsonl", "txt"))
    results.unlink(missing_ok=True)  # of an earlier call
    began = monotonic()
    with log.open("w", encoding="utf-8") as out:
        run = command(seed, results, given, more)
        status = subprocess.run(
            run, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False
        ).returncode
    if status not in ENDED:
        said = log.read_text(encoding="utf-8").split("\n")
        error = next((line for line in said if line.startswith("ERROR")), f"see {log.name}")
        print(f"seed {seed}: pytest ended with {status}: {error}", flush=True)
        return max(status, 1)  # a signal's is below 0
    try:
        records = read(results).records
    except ResultsError as error:
        print(f"seed {seed}: {error}", flush=True)
        return 1
    print(head(seed, records, monotonic() - began), flush=True)
    runs.append(records)
    told = list(lines(records))
    if status and not told:
        told = [f"  pytest ended with {status}, and no item says why: see {log.name}"]
    for line in told:
        print(line, flush=True)
    return 1 if told else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run all seeds; 1 if any found something undeclared."""
    own, more = for_pytest(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=__doc__)
    parser.add_argument("--seeds", nargs="+", required=True, metavar="SEED", help="whole numbers")
    parser.add_argument("-n", default="2", metavar="N", help="workers of a run, 2 unless said")
    parser.add_argument("--profile", choices=tuple(PROFILES), default="default", help="lives")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep results and logs here")
    parser.add_argument("--causes", action="store_true", help="end with what causes came to")
    given = parser.parse_args(own)
    try:
        seeds = whole_numbers(given.seeds)
        if given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
    except ValueError as error:
        parser.exit(USAGE, f"{error}\n")
    except OSError as error:
        parser.exit(USAGE, f"--keep {given.keep} cannot be made: {error.strerror}\n")
    with ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(TemporaryDirectory(prefix="seeds-")))
        # the runs start at the root, wherever this one does
        runs: list[Sequence[Record]] = []
        status = max(judge(seed, folder.resolve(), given, more, runs) for seed in seeds)
    if given.causes:
        causes = {cause.id: cause for cause in ours()}
        for line in shares(met(runs), len(runs), causes):
            print(line)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
