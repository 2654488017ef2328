"""Telling: what a wrapped model says of its layers and sizes, beside what is counted of them."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Snapshot
from conformance.kinds.lifecycle.further_stages import counted
from conformance.upstream import further_calls
from conformance.upstream.names import ADAPTER, SECOND, part_of_adapter

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life


def told(life: Life) -> None:
    """Asked again after each change of which adapters there are, and which of them count."""
    model = life.adapted()
    with life.at("told"):
        _ask(life, "told", model)
    with life.at("told-of-two"):
        model.add_adapter(SECOND, copy.deepcopy(model.peft_config[ADAPTER]))
        _ask(life, "told-of-two", model)
    with life.at("told-off"):
        model.base_model.disable_adapter_layers()
        _ask(life, "told-off", model, enabled=False)
    if "merged" in life.stages:
        with life.at("told-merged"):
            model.base_model.enable_adapter_layers()
            model.base_model.merge_adapter()
            _ask(life, "told-merged", model, merged=[ADAPTER])


def _ask(
    life: Life, stage: str, model: Any, *, enabled: bool = True, merged: list[str] | None = None
) -> None:
    asked = life.subject.adapter(life.roles).get("modules_to_save")
    said = {f"layer {name}": one for name, one in further_calls.told_of_layers(model).items()}
    ours = {f"layer {n}": one for n, one in _layers(model, enabled, merged or []).items()}
    trainable, every, share = further_calls.told_of_counts(model)
    found = {
        "trainable parameters": trainable,
        "all parameters": every,
        "share of trainable parameters": share,
        "modules_to_save": sorted(model.modules_to_save or ()),
        "base_model_torch_dtype": model.base_model_torch_dtype,
        **said,
    }
    trains, counts = _count(model)
    expected = {
        "trainable parameters": trains,
        "all parameters": counts,
        "share of trainable parameters": round(100 * trains / counts, 4),
        "modules_to_save": sorted(asked or ()),
        "base_model_torch_dtype": f"torch.{life.case.dtype}",
        **ours,
    }
    life.stages[stage] = Snapshot(settings={key: str(one) for key, one in found.items()})
    life.stages[counted(stage)] = Snapshot(
        settings={key: str(one) for key, one in expected.items()}
    )


def _layers(model: Any, enabled: bool, merged: list[str]) -> dict[str, tuple[object, ...]]:  # noqa: FBT001
    """What is to be told of each module that carries a part of an adapter.

    A saved module is put in another's place, and never merged.
    """
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    saved = set()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        part = part_of_adapter(name)
        if part is not None:
            found[part[1]][part[0]].append(parameter)
            saved |= {part[1]} if part[2].startswith("saved ") else set()
    return {
        module: (
            enabled,
            [ADAPTER],
            [] if module in saved else merged,
            {name: _all(one.requires_grad for one in parts[name]) for name in sorted(parts)},
            sorted(parts),
            {name: sorted({one.device.type for one in parts[name]}) for name in sorted(parts)},
            None,
        )
        for module, parts in found.items()
    }


def _all(values: Any) -> bool | str:
    """What all values are, or that they are not alike."""
    met = set(values)
    return met.pop() if len(met) == 1 else "irregular"


def _count(model: Any) -> tuple[int, int]:
    """The numbers of a model's parameters that train, and of all; what is tied counts once."""
    once = {one.untyped_storage().data_ptr(): one for one in model.parameters()}
    trains = sum(one.numel() for one in once.values() if one.requires_grad)
    return trains, sum(one.numel() for one in once.values())
