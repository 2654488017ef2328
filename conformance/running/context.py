"""What the items of one run share: options, known causes, and a cache for each kind of test."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conformance.causes.known import Known
from conformance.causes.read import CauseError
from conformance.core.options import OptionError, Options
from conformance.engine import devices
from conformance.kinds import KINDS, kind_of
from conformance.kinds.user_config.kind import UserConfig
from conformance.running.answer import report
from conformance.running.cache import Cache
from conformance.running.options import read
from conformance.running.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pytest

    from conformance.core.kind import AnyCase, Kind


def import_problem() -> str | None:
    """Why the installed packages cannot be judged at all, in one sentence, or None."""
    for package in ("torch", "transformers", "peft"):
        try:
            with quietly():
                __import__(package)
        except (ImportError, AttributeError, RuntimeError) as error:
            # AttributeError: PEFT 0.18 on transformers 4.45; RuntimeError: lazy imports
            reason = re.sub(r"\S*site-packages/", "(", " ".join(str(error).split()))
            return f"{package} cannot be imported here ({type(error).__name__}: {reason})"
    return None


@dataclass
class Context:
    """One run of the suite.

    ``kinds`` are those in force: what another version saved is judged alone.
    """

    options: Options
    known: Known
    kinds: tuple[Kind[Any, Any], ...] = KINDS
    _caches: dict[str, Cache[Any, Any]] = field(default_factory=dict)
    _absent: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls, config: pytest.Config, shared: Path | None = None, remedied: Iterable[str] = ()
    ) -> Context:
        """Read options and causes; raises OptionError with one sentence.

        ``shared`` is a folder that all processes of the run have in common, ``remedied`` are the
        causes whose remedies are in force.
        """
        options = read(config, KINDS)
        kinds = tuple(kind.configured(options) for kind in KINDS)
        saved = tuple(kind for kind in kinds if kind.saver)
        try:
            # what PEFT gets wrong excuses nobody else
            known = Known.load(
                options.tables, ours=options.merger is None, shared=shared, remedied=remedied
            )
        except CauseError as error:
            raise OptionError(str(error)) from None
        return cls(options, known if options.use_known else known.arguable, saved or kinds)

    def prepare(self) -> None:
        """Read what can only be read with the packages; raises OptionError."""
        for kind in self.kinds:
            kind.prepare(self.known)

    @property
    def saver(self) -> Mapping[str, str] | None:
        """The versions that saved what this run loads, or None where it makes it all itself."""
        return next((kind.saver for kind in self.kinds if kind.saver), None)

    def kind_of(self, case: AnyCase) -> Kind[Any, Any]:
        """The kind that judges such cases in this run."""
        return kind_of(case, self.kinds)

    def cache(self, kind: Kind[Any, Any]) -> Cache[Any, Any]:
        """The observations of a kind."""
        return self._caches.setdefault(kind.name, Cache(kind))

    def forget(self) -> None:
        """Keep no observation."""
        self._caches.clear()

    @cached_property
    def answer(self) -> Mapping[str, object]:
        """All that is told of a user's configuration, an issue and its script among it."""
        (run,) = [kind.run for kind in self.kinds if isinstance(kind, UserConfig)]
        assert run is not None
        return report(run)

    def device_absent(self, device: str) -> str | None:
        """Why items on this device are skipped, or None; asked once."""
        if device not in self._absent:
            self._absent[device] = devices.unavailable(device)
        return self._absent[device]
