"""What the items of one run share: options, invariants, known failures, the observer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance import devices
from conformance.invariants import INVARIANTS
from conformance.known_failures import KnownFailures, TableError
from conformance.observer import Observer
from conformance.options import OptionError, Options

if TYPE_CHECKING:
    import pytest

    from conformance.case import Case
    from conformance.observation import Observation


def import_problem() -> str | None:
    """Why the installed packages cannot be judged at all, in one sentence, or None."""
    for package in ("torch", "transformers", "peft"):
        try:
            __import__(package)
        except (ImportError, AttributeError, RuntimeError) as error:
            # AttributeError: PEFT 0.18 on transformers 4.45; RuntimeError: lazy imports
            reason = " ".join(str(error).split())
            return f"{package} cannot be imported here ({type(error).__name__}: {reason})"
    return None


@dataclass
class Session:
    """One run of the suite."""

    options: Options
    known: KnownFailures
    observer: Observer = field(default_factory=lambda: Observer(_observe))
    _absent: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, config: pytest.Config) -> Session:
        """Read options and tables; raises OptionError with one sentence."""
        options = Options.of(config, tuple(INVARIANTS))
        try:
            known = KnownFailures.load(options.tables) if options.use_known else KnownFailures()
        except TableError as error:
            raise OptionError(str(error)) from None
        return cls(options, known)

    def device_absent(self, device: str) -> str | None:
        """Why items on this device are skipped, or None; asked once."""
        if device not in self._absent:
            self._absent[device] = devices.unavailable(device)
        return self._absent[device]


def _observe(case: Case) -> Observation:
    from conformance.life import observe  # imports torch: not before an item runs

    return observe(case)
