"""What is seen when a pipeline is saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.kinds.loading.observation import LoadingObservation
from conformance.kinds.pipeline.case import PipelineCase

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PipelineObservation(LoadingObservation):
    """The text encoder of a pipeline, as a loading: ``source`` is the one that was saved.

    Of one that an adapter was merged into there are also the stages ``base``, before there was an
    adapter, and ``adapted``, before it was merged; ``called`` are the modules of that adapter that
    a forward pass calls. ``encoded`` holds what the pipeline makes of
    ``PROMPTS``, the source's and the loaded one's; ``nudged`` the outputs of the merged one with
    every weight moved by one eps, each time otherwise. Nothing reports how a component was loaded:
    ``report`` is what the log says of it.
    """

    case: PipelineCase
    called: frozenset[str] = frozenset()
    nudged: tuple[Tensor, ...] = ()
    encoded: Mapping[str, Tensor] = field(default_factory=dict)
