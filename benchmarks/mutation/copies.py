"""The installed PEFT, the sample of its mutants, and copies of it that differ in one place."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.mutation.probes import CODE, MODULE, probed
from benchmarks.mutation.sites import Site, mutated, sites
from conformance.core.versions import installed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCOPE = tomllib.loads(Path(__file__).with_name("scope.toml").read_text(encoding="utf-8"))


def package() -> Path:
    """The folder of the installed PEFT; raises SystemExit where it is another release."""
    found = find_spec("peft")
    if found is None or not found.origin or installed("peft") != SCOPE["peft"]:
        raise SystemExit(f"the scope is of PEFT {SCOPE['peft']}, not {installed('peft')}")
    return Path(found.origin).parent


def sample(source: Path) -> list[Site]:
    """The mutants of the scope, in an order that its seed decides."""
    every = [
        site
        for file, names in SCOPE["files"].items()
        for site in sites(file, (source / file).read_text("utf-8"), names, SCOPE["operators"])
    ]
    random.Random(SCOPE["seed"]).shuffle(every)  # noqa: S311  a sample, no secret
    return every[: SCOPE["sample"]]


@contextmanager
def mutant(source: Path, site: Site | None) -> Iterator[Path]:
    """A folder for sys.path with the package, changed in one place, or in none."""
    with _copied(source) as folder:
        if site is None:
            yield folder
            return
        file = folder / "peft" / site.file
        file.write_text(mutated(file.read_text("utf-8"), site), encoding="utf-8")
        yield folder


@contextmanager
def watched(source: Path, chosen: Sequence[Site]) -> Iterator[Path]:
    """A folder for sys.path with the package as it is, but for a probe before each mutant."""
    with _copied(source) as folder:
        (folder / f"{MODULE}.py").write_text(CODE, encoding="utf-8")
        for name in {site.file for site in chosen}:
            numbers = {site: n for n, site in enumerate(chosen) if site.file == name}
            file = folder / "peft" / name
            file.write_text(probed(file.read_text("utf-8"), numbers), encoding="utf-8")
        yield folder


@contextmanager
def _copied(source: Path) -> Iterator[Path]:
    with TemporaryDirectory(prefix="mutant-") as folder:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, Path(folder) / "peft", ignore=ignored)
        yield Path(folder)
