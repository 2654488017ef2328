"""What a life is lived with: the base model of a case, its adapter, and what that stands for."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.engine.lora_arguments import body_targets, lora_arguments
from conformance.engine.oracle import effective_weights, token_rows
from conformance.engine.training import trained_values
from conformance.upstream import calls
from tiny_models import build as tiny
from tiny_models.checkpoints import plain_keys
from tiny_models.families import FAMILIES, Family

if TYPE_CHECKING:
    import torch

    from conformance.core.case import Case
    from conformance.core.observation import Snapshot


SIDE_BRANCHES = ("adapter", "unmerge", "unload", "safe")
"""What every run goes on with after its main line, by the names of ``branches.BRANCHES``."""


class Subject:
    """The subject of a drawn case: a family of ours and a placement on it."""

    def __init__(self, case: Case) -> None:
        self.case = case

    @property
    def family(self) -> Family:
        """The names of its parts."""
        return FAMILIES[self.case.family]

    def inputs(self) -> dict[str, torch.Tensor]:
        """What the model is called with."""
        return tiny.inputs(self.case.model)

    def build(self, folder: Path) -> tiny.Base:
        """The base as it enters the life, its checkpoint in the folder where it has one."""
        return tiny.build(self.case.model, folder)

    @property
    def model_class(self) -> Any:
        """The concrete class of the base."""
        return tiny.model_class(self.case.model)

    def adapter(self, roles: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
        """Arguments for ``LoraConfig``, fresh lists each time."""
        return lora_arguments(self.case, roles)

    def config(self, arguments: dict[str, Any]) -> Any:
        """The adapter's config."""
        return calls.lora_config(**arguments)

    def fill(self, model: Any, names: Container[str]) -> None:
        """Give these parameters of the adapter values that are seen in the logits."""
        trained_values(model, self.case, names)

    @property
    def rebases(self) -> bool:
        """Whether wrapping moves a part of the base's weights into the adapter."""
        return False

    @property
    def samples(self) -> bool:
        """Whether parts of the adapter take part in training alone."""
        return False

    @property
    def not_merged(self) -> str:
        """Why nothing is said of merging this adapter, or ``""``."""
        return ""

    @property
    def own_branches(self) -> Mapping[str, Callable[[Any], None]]:
        """Side branches that only these lives have, by name; each is given the life."""
        return {}

    @property
    def side_branches(self) -> tuple[str, ...]:
        """The side branches of its life."""
        return SIDE_BRANCHES

    def undefined(self, trained: Snapshot) -> str:  # noqa: ARG002  others read it
        """Why there is no definition of what this adapter computes, or ""."""
        return ""

    def definition(
        self, names: Mapping[str, str], base: Snapshot, trained: Snapshot
    ) -> Mapping[str, torch.Tensor] | None:
        """The weights that the adapter stands for, or None where we have no definition of it."""
        return effective_weights(self, names, base, trained)

    def targets(
        self, roles: Mapping[str, tuple[str, ...]], linear: tuple[str, ...]
    ) -> frozenset[str]:
        """The body modules asked for, by our own reading."""
        return body_targets(self.case, roles, linear)

    def scaling(self, module: str) -> float:  # noqa: ARG002  others have patterns
        """What LoRA multiplies B A with on a module."""
        return self.case.scaling

    def rows(self, names: Mapping[str, str], module: str) -> list[int]:
        """The rows trained on a module."""
        return token_rows(self.case, names, module)

    def plain_keys(self, *, tied: bool) -> frozenset[str]:
        """The keys of a plain checkpoint of this model."""
        return plain_keys(self.case.family, self.case.layers, tied=tied)
