"""The options of a run, checked, as plain values; ``running.options`` reads them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_models.families import BEYOND, DECODERS

if TYPE_CHECKING:
    from conformance.core.grid import Stratum

RUN_SEED = 20261122
"""The seed of every deterministic run; ``--hypothesis-seed`` sets another."""
PROFILES = {
    "default": {"max_examples": 3},
    "ci": {"max_examples": 2},
    "dev": {"max_examples": 1},
    "explore": {"max_examples": 100},
}
"""What each Hypothesis profile changes; here, since a header tells of it without Hypothesis."""


class OptionError(ValueError):
    """An option value that means nothing; one sentence names it and what is accepted."""


@dataclass(frozen=True)
class Options:
    """The options of a run, checked.

    ``invariants`` are the ids that were chosen, of every kind of test; ``case`` is the one case
    that was given, of any kind; ``user_config`` the paths of a user's model and adapter.
    """

    devices: tuple[str, ...]
    families: tuple[str, ...]
    invariants: tuple[str, ...]
    checkpoints: tuple[str, ...]
    strata: tuple[Stratum, ...]
    profile: str
    examples: int | None
    case: Any
    user_config: tuple[str, str] | None
    issue: Path | None
    tables: tuple[Path, ...]
    use_known: bool
    strict_known: bool
    results: Path | None
    corpus: Path | None
    merger: str | None
    seed: int
    left_out: tuple[str, ...]
    beyond_step: int

    @property
    def decoders(self) -> tuple[str, ...]:
        """The chosen families of the grid."""
        return tuple(name for name in self.families if name in DECODERS)

    @property
    def beyond(self) -> tuple[str, ...]:
        """The chosen families of other architectures."""
        return tuple(name for name in self.families if name in BEYOND)

    @property
    def lives(self) -> int:
        """How many cases a stratum of the grid has."""
        return self.examples or PROFILES[self.profile]["max_examples"]

    @property
    def turn(self) -> int | None:
        """Which of several alike rows of a table is lived, in turn: the seed; None for them all.

        They all are where more lives are asked for than usual.
        """
        return None if self.lives > PROFILES["default"]["max_examples"] else self.seed

    @property
    def single(self) -> bool:
        """Whether one case or configuration is judged, or what another version saved."""
        return self.case is not None or bool(self.user_config) or self.corpus is not None


def stratum_seed(run_seed: int, stratum: Any, group: str = "") -> int:
    """A stable seed: one stream for all invariants of a stratum, another for each stratum.

    The device is left out: every device lives the cases of the cpu, so verdicts compare. Each
    ``group`` of families has streams of its own. ``stratum`` is a dataclass with ``device`` and
    ``id``.
    """
    everywhere = replace(stratum, device="cpu")
    digest = hashlib.sha256(f"{run_seed}:{everywhere.id}{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big")
