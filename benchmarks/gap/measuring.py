"""Running the suite under one kernel setting and seed, and writing its comparisons down."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gap.recording import FOLDER
from benchmarks.gap.settings import SETTINGS, VARIABLES

ROOT = Path(__file__).parents[2]


def environment(setting: str, folder: Path) -> dict[str, str]:
    """The environment of this process, with the setting's variables and no other setting's."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return {"OMP_NUM_THREADS": "1", **kept, **SETTINGS[setting], FOLDER: str(folder)}


def measure(setting: str, seed: str, to: Path, more: Sequence[str]) -> int:
    """The default profile with this seed; the exit status of pytest."""
    folder = to / setting / f"seed {seed}"
    folder.mkdir(parents=True, exist_ok=True)
    return _pytest(setting, folder, ["--hypothesis-seed", seed, *more])


def measure_corpus(setting: str, to: Path, more: Sequence[str]) -> int:
    """A corpus saved and loaded by the versions installed."""
    folder = to / setting / "corpus"
    saved = folder / "saved"
    saved.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "conformance", "save-corpus", str(saved)]
    subprocess.run(command, cwd=ROOT, env=environment(setting, folder), check=True)
    return _pytest(setting, folder, ["--load-corpus", str(saved), *more])


def _pytest(setting: str, folder: Path, arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.gap.recording"]
    command += ["-p", "no:cacheprovider", "conformance", *arguments]
    log = folder / "log.txt"
    with log.open("w", encoding="utf-8") as out:
        return subprocess.run(
            command, cwd=ROOT, env=environment(setting, folder), stdout=out, check=False
        ).returncode
