"""A witness at an ordinary size: wider, deeper, of rank 8, and otherwise what it was.

None of these can be drawn or written down as a case: ids and choices are contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from conformance.core.case import Case
from conformance.core.kind import AnyCase
from conformance.kinds.loading.case import LoadingCase
from conformance.kinds.programs.operations import Operation
from conformance.kinds.programs.operations.adapters import Put, Train
from conformance.kinds.programs.program import Program
from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.table import TUNERS
from conformance.kinds.tuners.tuner import Tuner
from tiny_models.spec import ModelSpec

WIDTH, LAYERS, VOCAB = 64, 2, 96
"""More tokens than width: an embedding that is a full basis of it would be another artefact."""
RANK, ALPHA = 8, 16
TIMES = 4
"""How many times the rank of a program's adapter is: those of different ranks stay different."""
SIZES: Mapping[str, Any] = {"hidden": WIDTH, "layers": LAYERS, "vocab": VOCAB}
FREED = (*SIZES, "rank", "alpha", "training")
"""Fields that a region may name, and that an ordinary life chooses itself."""

# What the configs of the table call their sizes. Alpha is no more than the rank where our own
# definition takes the two for equal.
_RANKED = {"r": RANK, "init_r": RANK, "target_r": RANK}
ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "adalora": {**_RANKED, "total_step": 200},
    "boft": {"boft_block_size": 4},
    "c3a": {"block_size": 16},
    "fourierft": {"n_frequency": 1000, "scaling": 150.0},
    "gralora": {"r": RANK, "alpha": RANK},
    "loha": {"r": RANK, "alpha": RANK},
    "lokr": {"r": RANK, "alpha": RANK},
    "lora-patterns": {
        **_RANKED,
        "lora_alpha": ALPHA,
        "rank_pattern": {"q_proj": 16},
        "alpha_pattern": {"q_proj": 64, "lm_head": 32},
    },
    "oft": {"oft_block_size": 32},
    "osf": {"effective_rank": 32},
    "psoft": {"r": RANK, "psoft_alpha": RANK},
    "randlora": {"r": RANK, "randlora_alpha": ALPHA},
    "road": {"group_size": WIDTH // 2},
    "tinylora": {"r": RANK, "u": WIDTH},
    "unilora": {"r": RANK, "theta_d_length": 256},
    "vblora": {"r": RANK, "num_vectors": 64, "vector_length": 16},
    "waveft": {"n_frequency": 1000},
}
"""By tuner, where it is not the rank and LoRA's alpha alone."""


def ordinary(case: AnyCase) -> AnyCase:
    """The witness at an ordinary size."""
    if isinstance(case, Program):
        steps = tuple(_ordinary(taken).step for taken in case.taken)
        return OrdinaryProgram(**{**vars(case), "steps": steps})
    if isinstance(case, TunerCase):
        kept = {field.name: getattr(case, field.name) for field in fields(case)}
        sizes = {**SIZES, "layers": LAYERS, "rank": RANK, "alpha": ALPHA, "training": "adamw"}
        return OrdinaryTunerCase(**{**kept, **sizes})
    if isinstance(case, LoadingCase):
        return OrdinaryLoadingCase(case.device, case.family, case.checkpoint)
    assert isinstance(case, Case)
    return replace(case, **SIZES, rank=RANK, alpha=ALPHA, training="adamw")


def _ordinary(taken: Operation) -> Operation:
    """The step with an adapter of a larger rank, trained by AdamW."""
    if isinstance(taken, Put):
        rank = taken.rank * TIMES
        return replace(taken, rank=rank, alpha=rank * ALPHA // RANK)
    return replace(taken, optimizer="adamw") if isinstance(taken, Train) else taken


@dataclass(frozen=True, repr=False)
class OrdinaryProgram(Program):
    """A program with a larger base."""

    @property
    def base(self) -> Case:
        """A case with this program's base model."""
        return replace(super().base, **SIZES)


@dataclass(frozen=True, repr=False)
class OrdinaryTunerCase(TunerCase):
    """A tuner's case with a larger base and the same config of a larger size."""

    @property
    def what(self) -> Tuner:
        """The tuner with a larger config."""
        tuner = TUNERS[self.tuner]
        older = tuple(self._larger(one) for one in tuner.older)
        return replace(tuner, arguments=self._larger(tuner.arguments), older=older)

    def _larger(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        own = ARGUMENTS.get(self.tuner, {**_RANKED, "lora_alpha": ALPHA})
        return {name: own.get(name, value) for name, value in arguments.items()}


@dataclass(frozen=True)
class OrdinaryLoadingCase(LoadingCase):
    """A loading case of a larger model."""

    @property
    def spec(self) -> ModelSpec:
        """The model that is saved."""
        return replace(super().spec, **SIZES)
