"""What is seen when an adapter of another task is trained, saved, loaded and merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.core.observation import Heard, Saved, Snapshot, Trouble
from conformance.kinds.heads.case import HeadCase


@dataclass(frozen=True)
class HeadObservation:
    """Everything seen of ``case``.

    ``stages`` are ``base``, ``adapted``, ``trained``, ``disabled``, ``defined`` (a plain model
    with the weights that the adapter stands for), ``loaded``, ``by-class`` (base and adapter found
    by PEFT's class of the task), ``merged``, ``reloaded`` and ``unloaded``; ``saved`` has the
    folder ``adapter``; ``absent`` says why a stage is not there, or why the config has not
    ``named`` the head; ``targets`` are the modules that LoRA was asked to stand on.
    """

    case: HeadCase
    stages: Mapping[str, Snapshot] = field(default_factory=dict)
    saved: Mapping[str, Saved] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    targets: frozenset[str] = frozenset()
    heard: tuple[Heard, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    lacks: str = ""

    def heard_at(self, *stages: str) -> tuple[Heard, ...]:
        """What was heard at the given stages."""
        return tuple(heard for heard in self.heard if heard.stage in stages)
