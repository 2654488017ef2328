"""The versions that a run is about, read from package metadata without importing anything."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("peft", "transformers", "torch", "safetensors", "hypothesis", "pytest")


@cache
def installed(package: str) -> str:
    """The installed version, or ``not installed``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a verdict."""
    return {"python": platform.python_version()} | {name: installed(name) for name in PACKAGES}


def one_line() -> str:
    """The three that matter most."""
    return ", ".join(f"{name} {installed(name)}" for name in ("peft", "transformers", "torch"))
