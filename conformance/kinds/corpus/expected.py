"""Expected tensors: the logits of a life's stages and its merged weights, as safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.core.observation import NUDGED, Snapshot
from conformance.kinds.corpus.manifest import EXPECTED, CorpusError, KeptLife
from tiny_models.compat import canonical_name

if TYPE_CHECKING:
    from torch import Tensor

LOGITS = ("base", "trained", "defined", *NUDGED, "merged")
"""Stages whose logits are kept: what is compared, and what allowances are derived from."""


def canonical(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the names that transformers 5 gives, so that two versions compare."""
    return replace(
        snapshot,
        weights={canonical_name(name): tensor for name, tensor in snapshot.weights.items()},
        buffers={canonical_name(name): tensor for name, tensor in snapshot.buffers.items()},
        shares=frozenset(frozenset(map(canonical_name, group)) for group in snapshot.shares),
    )


def write(folder: Path, stages: Mapping[str, Snapshot]) -> None:
    """Write what is expected of a life that reached ``stages``."""
    from safetensors.torch import save_file

    kept: dict[str, Tensor] = {}
    for stage in LOGITS:
        logits = stages[stage].logits if stage in stages else None
        if logits is not None:
            kept[f"logits {stage}"] = logits.contiguous()
    if "merged" in stages:
        for name, tensor in stages["merged"].weights.items():
            kept[f"weight {name}"] = tensor.contiguous()
    save_file(kept, folder / EXPECTED)


def read(path: Path, life: KeptLife) -> dict[str, Snapshot]:
    """The saver's stages; raises CorpusError if the file does not hold what was reached."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    name = f"{life.folder}/{EXPECTED}"
    try:
        kept = load_file(path / life.folder / EXPECTED)
    except (SafetensorError, OSError):
        raise CorpusError(f"{path}: {name} is not a safetensors file") from None
    stages: dict[str, Snapshot] = {}
    for stage in LOGITS:
        if stage not in life.reached:
            continue
        if f"logits {stage}" not in kept:
            raise CorpusError(f"{path}: {name} lacks the logits of {stage}")
        weights = {
            key.removeprefix("weight "): tensor
            for key, tensor in kept.items()
            if stage == "merged" and key.startswith("weight ")
        }
        snapshot = life.snapshot(stage)
        stages[stage] = replace(snapshot, logits=kept[f"logits {stage}"], weights=weights)
    return stages
