"""A default run of this commit and of another, in turn on one machine: time, and what is found.

Each run is ``pytest conformance -n 2`` in a checkout of its own, measured with all its processes.
What a run finds are the causes that explain something of it; a commit from before there were causes
met entries of its table of known failures.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
PAIRS = 3
DURATION = re.compile(r"([\d.]+)s (?:call|setup|teardown) +\S*?(test_\w+\.py)::")
LEAST = "0.002"
"""Seconds from which on pytest tells how long an item took."""
ENDED = (0, 1)


def measured(root: Path, folder: Path, more: tuple[str, ...]) -> dict[str, Any]:
    """Seconds of one run, those of each file's items, and how many causes it met."""
    results = folder / "results.jsonl"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "pytest", "conformance", "-n", "2", "-q"]
    command += ["-p", "no:cacheprovider", "--durations=0", f"--durations-min={LEAST}"]
    load, before, began = os.getloadavg()[0], _of_children(), time.monotonic()
    done = subprocess.run(
        [*command, "--results", str(results), *more],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    wall, cpu = time.monotonic() - began, _of_children() - before
    if done.returncode not in ENDED:
        raise SystemExit(f"pytest in {root} ends with {done.returncode}:\n{done.stdout[-2000:]}")
    files: defaultdict[str, float] = defaultdict(float)
    for seconds, name in DURATION.findall(done.stdout):
        files[name] += float(seconds)
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return {
        "wall": wall,
        "cpu": cpu,
        "load": load,
        "exit": done.returncode,
        "files": dict(files),
        "items": sum(row["type"] == "item" for row in rows),
        "met": len({name for row in rows for name, hits in _known(row) if hits}),
    }


def beside(commit: str, pairs: int = PAIRS, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """So many runs of each commit, in turn, and the median of what one takes of the other."""
    kept: dict[str, Any] = {"commit": commit, "before": [], "after": []}
    with (
        TemporaryDirectory(prefix="beside-") as folder,
        _checkout(commit, Path(folder) / "before") as before,
        _checkout("HEAD", Path(folder) / "after") as after,
    ):
        for _ in range(pairs):
            for name, root in (("before", before), ("after", after)):
                one = measured(root, Path(folder), more)
                kept[name].append(one)
                print(f"{name}: {one['wall']:.0f} s, {one['cpu']:.0f} CPU s, {one['met']} causes")
                sys.stdout.flush()
    for what in ("wall", "cpu"):
        both = zip(kept["before"], kept["after"], strict=True)
        kept[f"ratio of {what}"] = median(after[what] / before[what] for before, after in both)
    return kept


def _known(row: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for name, counts in row.get("known", {}).items():
        yield name, counts[0]


def _of_children() -> float:
    """CPU seconds of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _checkout(commit: str, folder: Path) -> Iterator[Path]:
    """The files of a commit in a folder of their own."""
    git = ("git", "-C", str(ROOT), "worktree")
    add = (*git, "add", "--detach", str(folder), commit)
    done = subprocess.run(add, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{commit} cannot be checked out: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run((*git, "remove", "--force", str(folder)), capture_output=True, check=True)
