"""The versions that a run is about, read from package metadata without importing anything."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

PACKAGES = ("peft", "transformers", "torch", "safetensors", "hypothesis", "pytest")
EXTRAS = ("diffusers",)
"""Packages that a run can do without, told of where they are installed."""

ABSENT = "not installed"


@cache
def installed(package: str) -> str:
    """The installed version, or ``not installed``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a verdict."""
    found = {name: installed(name) for name in (*PACKAGES, *EXTRAS)}
    shown = {n: text for n, text in found.items() if n in PACKAGES or text != ABSENT}
    return {"python": platform.python_version()} | shown


@cache
def parsed(text: str) -> Version:
    """A version as pip sorts it; what is none comes first."""
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0.dev0")


def within(package: str, versions: str) -> bool:
    """Whether the installed version lies in a range; without one, whether the newest would."""
    here = installed(package)
    if here == ABSENT:
        return not versions
    return SpecifierSet(versions).contains(here, prereleases=True)


def minor(text: str) -> tuple[int, ...]:
    """What of a version names a minor release."""
    return parsed(text).release[:2]


def cell_name(found: Mapping[str, str]) -> str:
    """The name of a cell, as tox.ini names its environments."""
    peft, transformers = (".".join(map(str, minor(found[n]))) for n in ("peft", "transformers"))
    return f"peft{peft}-tf{transformers}"


def commit(root: Path = Path(__file__).parents[2]) -> str | None:
    """The commit of the suite's own checkout, ``-dirty`` where files differ, None without one."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return None
    described = subprocess.run(
        [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or None


def one_line() -> str:
    """The three that matter most."""
    return ", ".join(f"{name} {installed(name)}" for name in ("peft", "transformers", "torch"))


def is_development(package: str) -> bool:
    """Whether the installed version is a maintainer's branch and not a release."""
    found = installed(package)
    return found != ABSENT and (parsed(found).is_devrelease or parsed(found).local is not None)
