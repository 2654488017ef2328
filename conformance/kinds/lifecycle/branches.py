"""Side branches of a life: each starts from its own freshly adapted model."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.core.observation import CYCLES, Snapshot
from conformance.engine.snapshot import snapshot
from conformance.upstream import calls, capabilities, tuner_types
from tiny_models.seeding import reseed

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life


def adapter(life: Life) -> None:
    """Load the saved adapter onto a fresh base; wrap another with its saved config alone."""
    folder = str(life.folder / "adapter")
    if "adapter" not in life.saved:
        return
    reseed(life.case.seed + 2)
    with life.at("adapter-reloaded"):
        loaded = calls.load_adapter(
            life.fresh_base(),
            folder,
            low_cpu_mem_usage=life.case.low_cpu_mem_usage,
            is_trainable=life.case.is_trainable,
            autocast=life.case.autocast,
        )
        life.stages["adapter-reloaded"] = snapshot(loaded, life.inputs)
    with life.at("rewrapped"):
        config = tuner_types.load_adapter_config(folder)
        again = calls.wrap(life.fresh_base(), config, autocast=life.case.autocast)
        life.stages["rewrapped"] = snapshot(again, None)


def unmerge(life: Life) -> None:
    """Merge in place, merge again, unmerge; then both as often as ``CYCLES`` says."""
    model = life.adapted()
    with life.at("merged-in-place"):
        model.merge_adapter()
        life.stages["merged-in-place"] = snapshot(model, life.inputs)
    with life.at("merged-twice"):
        model.merge_adapter()
        life.stages["merged-twice"] = snapshot(model, life.inputs)
    with life.at("unmerged"):
        model.unmerge_adapter()
        life.stages["unmerged"] = snapshot(model, life.inputs)
    with life.at("unmerged-often"):
        for _ in range(CYCLES - 1):
            model.merge_adapter()
            model.unmerge_adapter()
        life.stages["unmerged-often"] = snapshot(model, None)


def unload(life: Life) -> None:
    """Take the adapter off without merging."""
    if "unloaded" in capabilities.absent():
        return
    model = life.adapted()
    with life.at("unloaded"):
        life.stages["unloaded"] = snapshot(model.unload(), life.inputs)


def safe(life: Life) -> None:
    """Merge the other way round; where the main line merged safely, have a merge refused too."""
    import torch

    if "merged-otherwise" in capabilities.absent():
        return
    model = life.adapted()
    with life.at("merged-otherwise"):
        other = calls.merge_and_unload(model, safe=not life.case.safe_merge)
        life.stages["merged-otherwise"] = snapshot(other, life.inputs)
    if not life.case.safe_merge or "safe_merge in place" not in capabilities.options():
        return
    broken = life.adapted()
    with torch.no_grad():
        for parameter in broken.parameters():
            if parameter.requires_grad:
                # infinities keep their bits in every cast; those of a NaN may change
                parameter.fill_(float("inf"))
    with life.at("merge-refused"):
        before = snapshot(broken, None)
        try:
            broken.merge_adapter(safe_merge=True)
        except ValueError:
            life.stages["before-refusal"] = before
            life.stages["after-refusal"] = snapshot(broken, None)
        else:
            life.stages["merged-infinity"] = Snapshot()


def convert(life: Life) -> None:
    """Save what training changed as LoRA of twice the rank, and load that onto a fresh base."""
    if "converted" in capabilities.absent():
        return
    start = os.fspath(life.folder / "start")
    model = life.adapted(started=lambda model: model.save_pretrained(start))
    for stage, safe in (("converted", True), ("converted-pickled", False)):
        end = os.fspath(life.folder / stage)
        with life.at(stage):
            model.save_pretrained(
                end, safe_serialization=safe, path_initial_model_for_weight_conversion=start
            )
            loaded = calls.load_adapter(
                life.fresh_base(), end, low_cpu_mem_usage=False, is_trainable=False
            )
            life.stages[stage] = snapshot(loaded, life.inputs)


BRANCHES: dict[str, Callable[[Life], None]] = {
    "adapter": adapter,
    "unmerge": unmerge,
    "unload": unload,
    "safe": safe,
    "convert": convert,
}
