"""Adapters whose first values PEFT computes from sample data, and a short life of each.

What the data are is seen by hooks of our own on a plain base: what a layer is called with, or the
gradient of its weight.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Snapshot
from conformance.engine.snapshot import logits
from conformance.engine.training import trained_values
from conformance.kinds.lifecycle.loaded import load, look
from conformance.upstream import calls, first_values, once_calls
from conformance.upstream.names import ADAPTER, SECOND, plain_parameters
from tiny_models.seeding import reseed

if TYPE_CHECKING:
    from torch import Tensor

    from conformance.kinds.lifecycle.run import Life

RANKS = {"eva": 7, "eva-own": 4, "corda": 4, "lora-ga": 4}
"""PEFT takes a randomized decomposition, twice or four times as wide as the rank. At these ranks
that is all there is in the data, and it is exact."""
KEPT = 9
"""How many of the tokens count where we say which."""
SCALING = 2
"""Beside one a scaling that is forgotten would not be seen."""
DATA = "data"
ASKED = ("task_type", "target_modules")
"""Fields that are those of the case."""


def eva(life: Life) -> None:
    """EVA: directions in which the inputs of a layer vary most."""
    met = _inputs(life)
    with life.at("eva-started"):
        fields = _fields(life, RANKS["eva"])
        model = calls.wrap(life.fresh_base(), first_values.eva_config(**fields), autocast=True)
        first_values.start_eva(model, [life.inputs])
        _started(life, "eva-started", model, ADAPTER, met)
    fields = _fields(life, RANKS["eva-own"])
    ids, few = life.inputs["input_ids"], {name: one[:KEPT] for name, one in met.items()}
    for stage in ("eva-own", "eva-handed"):
        with life.at(stage):
            config = first_values.eva_config(**fields)
            other = calls.wrap(life.fresh_base(), config, autocast=True, name=SECOND)
            handed = stage == "eva-handed"
            first_values.start_eva_otherwise(other, SECOND, [ids], KEPT, handed=handed)
            _started(life, stage, other, SECOND, few)
    _goes_on(life, "eva", model)
    with life.at("eva-reloaded"):
        folder = life.folder_for("eva")
        model.save_pretrained(folder)
        look(life, "eva-reloaded", load(life, folder))


def corda(life: Life) -> None:
    """CorDA: what of a weight matters most for the inputs of its layer; then from its cache."""
    lacks = first_values.lacks_corda()
    if lacks:
        life.absent["corda-started"] = lacks
        return
    one = {name: tensor[:1] for name, tensor in life.inputs.items()}
    met, cache = _inputs(life, one), os.fspath(life.folder_for("of-corda") / "cache.pt")
    for stage in ("corda-started", "corda-cached"):
        with life.at(stage):
            base = life.fresh_base()
            run = partial(logits, base, one) if stage == "corda-started" else None
            model = first_values.corda(base, run, cache, **_fields(life, RANKS["corda"]))
            _started(life, stage, model, ADAPTER, met)
    _converted(life, "corda", model)


def lora_ga(life: Life) -> None:
    """LoRA-GA: directions of the largest gradient of a weight; then from its cache."""
    met, cache = _gradients(life), os.fspath(life.folder_for("of-lora-ga") / "cache.pt")
    for stage in ("lora-ga-started", "lora-ga-cached"):
        with life.at(stage):
            reseed(life.case.seed + 4)
            base = life.fresh_base()
            first = stage == "lora-ga-started"

            def step(base: Any = base, *, first: bool = first) -> None:
                if first:  # otherwise the cache has it
                    _loss(life, base).backward()  # type: ignore[no-untyped-call]

            model = first_values.lora_ga(base, step, cache, **_fields(life, RANKS["lora-ga"]))
            _started(life, stage, model, ADAPTER, met)
    _converted(life, "lora-ga", model)


def _fields(life: Life, rank: int) -> dict[str, Any]:
    """Fields of a config, but for how it starts."""
    given = life.subject.adapter(life.roles)
    asked: dict[str, Any] = {name: given[name] for name in ASKED if name in given}
    return {**asked, "r": rank, "lora_alpha": SCALING * rank}


def _inputs(life: Life, given: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """What each layer that is asked for is called with on a plain base, a row for each token."""
    base, found = life.fresh_base(), dict[str, Any]()

    def hook(name: str) -> Any:
        return lambda _module, called, _out: found.update({name: called[0].detach().flatten(0, -2)})

    for name in life.targets:
        base.get_submodule(name).register_forward_hook(hook(name))
    logits(base, life.inputs if given is None else given)
    return {name: one.cpu() for name, one in found.items()}


def _gradients(life: Life) -> dict[str, Tensor]:
    """The gradient of each weight that is asked for on a plain base."""
    import torch

    base = life.fresh_base()
    weights = [base.get_submodule(name).weight for name in life.targets]
    found = torch.autograd.grad(_loss(life, base), weights)
    return dict(zip(life.targets, (one.cpu() for one in found), strict=True))


def _loss(life: Life, model: Any) -> Tensor:
    device = next(model.parameters()).device
    given = {name: tensor.to(device) for name, tensor in life.inputs.items()}
    loss: Tensor = model(**given, labels=given["input_ids"]).loss
    return loss


def _started(life: Life, stage: str, model: Any, name: str, met: Mapping[str, Tensor]) -> None:
    """The adapter's first values, the weights of its layers, and the data that they come from."""
    model.eval()
    plain = {key: one.cpu().clone() for key, one in plain_parameters(model).items()}
    below = {f"{one}.weight": plain[f"{one}.weight"] for one in life.targets}
    data = {f"{module} {DATA}": one for module, one in met.items()}
    life.stages[stage] = Snapshot(
        weights={**below, **once_calls.parts(model, name), **data},
        logits=logits(model, life.inputs),
        settings={"scaling": str(SCALING)},
    )


def _goes_on(life: Life, method: str, model: Any) -> None:
    """Trained, and a copy of it merged."""
    import copy

    with life.at(f"{method}-trained"):
        trains = {name for name, one in model.named_parameters() if one.requires_grad}
        trained_values(model, life.case, trains)
        look(life, f"{method}-trained", model)
    with life.at(f"{method}-merged"):
        merged = calls.merge_and_unload(copy.deepcopy(model), safe=life.case.safe_merge)
        look(life, f"{method}-merged", merged)


def _converted(life: Life, method: str, model: Any) -> None:
    """Trained, merged, and what training changed saved as LoRA for the base as it was."""
    start, end = (os.fspath(life.folder / f"{method}-{when}") for when in ("start", "end"))
    with life.at(f"{method}-saved"):
        model.save_pretrained(start)
    _goes_on(life, method, model)
    with life.at(f"{method}-converted"):
        model.save_pretrained(end, path_initial_model_for_weight_conversion=start)
        look(life, f"{method}-converted", load(life, end))
