"""What a tuner of the table is: its smallest config, and what is known of it beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TARGETED = ("body", "target:embedding", "target:head", "target:both")
SAVED = ("save:embedding", "save:head")


@dataclass(frozen=True)
class Tuner:
    """One row of the table.

    ``kind`` is what PEFT calls it. ``arguments`` are those of its smallest config besides the
    targets; ``older`` are those of releases that do not know one of them, newest first.
    ``fields`` are fields of a case that say the same, for what is promised of LoRA. ``exempt``
    maps promises that are not made for this tuner to the reason, ``frozen`` names parts that never
    train, ``own_targets`` says that what it stands on is not what ``target_modules`` names,
    ``rebases`` that wrapping moves a part of the base's weights into the adapter, ``converts`` that
    what training changed of it can be saved as plain LoRA, ``sparse`` that it computes with sparse
    tensors, ``computes_in`` is the precision that it computes something in even where the base is
    finer, ``fused`` that it stands on the experts of a layer as one parameter, ``needs`` names a
    package that the tuner imports, ``on_cuda`` says that it computes there wherever the model lies,
    ``option`` is the branch of ``options.OPTIONS`` that tries what an option of it changes,
    ``without`` the branches that it does not take, ``unmergeable`` says that merging it is
    documented as refused, ``not_merged`` why nothing is said of merging, ``samples`` that it has
    parts that take part in training alone, and draws there, ``narrow`` that few of its rows are
    lived: on no emulated device, and in one precision beside float32,
    ``skipped`` why we do not take it through a life.
    """

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    older: tuple[Mapping[str, Any], ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    placements: tuple[str, ...] = (*TARGETED, *SAVED)
    families: tuple[str, ...] = ()
    ensures: bool = False
    own_targets: bool = False
    exempt: Mapping[str, str] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    size: float = 0.2
    rebases: bool = False
    converts: bool = False
    computes_in: str = ""
    sparse: bool = False
    fused: bool = False
    needs: str = ""
    on_cuda: bool = False
    option: str = ""
    without: tuple[str, ...] = ()
    unmergeable: bool = False
    not_merged: str = ""
    samples: bool = False
    narrow: bool = False
    skipped: str = ""

    def fitting(self, known: frozenset[str]) -> Mapping[str, Any] | None:
        """The arguments of which a config with these fields knows all, or None."""
        every = (self.arguments, *self.older)
        return next((found for found in every if known.issuperset(found)), None)
