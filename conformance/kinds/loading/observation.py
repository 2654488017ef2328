"""What is seen when a model is loaded from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from conformance.core.observation import Heard, LoadReport, Saved, Snapshot, Trouble
from conformance.kinds.loading.case import AnyLoading

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LoadingObservation:
    """Everything seen when the checkpoint of ``case`` was loaded.

    ``stages`` are ``source``, the model that was saved, and ``loaded``; their logits are those of
    the encoder where only that can be compared. ``members`` are the names of the tied matrix in
    the loaded model by role, ``biases`` those of a tied bias. ``file`` holds the tensors of the
    checkpoint by key, ``became`` the part of a loaded parameter that each key stands for.
    ``meant`` is what the file says each parameter is, by name: by its own key, or by a tie with
    one that has a key.
    """

    case: AnyLoading
    members: Mapping[str, str] = field(default_factory=dict)
    biases: tuple[str, ...] = ()
    stages: Mapping[str, Snapshot] = field(default_factory=dict)
    file: Mapping[str, Tensor] = field(default_factory=dict)
    became: Mapping[str, tuple[str, Tensor]] = field(default_factory=dict)
    meant: Mapping[str, Tensor] = field(default_factory=dict)
    report: LoadReport = field(default_factory=LoadReport)
    heard: tuple[Heard, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    lacks: str = ""
    saved: Mapping[str, Saved] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def heard_at(self, *stages: str) -> tuple[Heard, ...]:
        """What was heard at the given stages."""
        return tuple(heard for heard in self.heard if heard.stage in stages)

    @property
    def in_file(self) -> tuple[str, ...]:
        """The members of the tied matrix that the file has under their own key."""
        own = {name for name, _ in self.became.values()}
        return tuple(name for name in self.members.values() if name in own)
