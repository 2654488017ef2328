"""The corpus: which documented bugs there are, and where each must show."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from conformance.running.regressions import FOLDER, Regression
from conformance.running.regressions import read as read_regression

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCOPE = Path(__file__).with_name("scope.toml")


@dataclass(frozen=True)
class Bug:
    """One documented bug; ``red`` and ``green`` are cells, ``outside`` why it is no case."""

    id: str
    link: str
    story: str
    stated: str
    red: str = ""
    green: str = ""
    outside: str = ""

    @property
    def regression(self) -> Regression:
        """Its case, and the promises that it breaks."""
        return read_regression(FOLDER / f"{self.id}.toml")


def bugs() -> tuple[Bug, ...]:
    """All of them, as the scope file lists them."""
    table = tomllib.loads(SCOPE.read_text(encoding="utf-8"))
    return tuple(Bug(**entry) for entry in table["bug"])
