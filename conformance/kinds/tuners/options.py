"""Options of LoRA that change what is computed, each beside what it is documented to compute.

A branch of its own for each: what PEFT gives is a stage, what it should give is the stage of the
same name with ``-defined`` behind it, made of a plain base by ``conformance.engine.hooked``.
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Snapshot
from conformance.engine.hooked import adding, factors, from_token, nearest, regrouped
from conformance.upstream import calls, option_calls
from conformance.upstream.names import ADAPTER, PREFIX, SECOND, adapter_part
from tiny_models import build as tiny
from tiny_models.seeding import reseed

if TYPE_CHECKING:
    from torch import Tensor

    from conformance.kinds.lifecycle.run import Life
    from conformance.kinds.tuners.case import TunerCase

WEIGHTS = "adapter_model.safetensors"
NEW_TOKENS = 3
TOLD = (3, None)
"""The tokens from which the rows of a batch are adapted where the caller says so."""


def _argument(life: Life, name: str) -> Any:
    case: Any = life.case
    return case.what.arguments[name]


def _given(life: Life) -> dict[str, Tensor]:
    return {name: tensor.to(life.device) for name, tensor in life.inputs.items()}


def _see(life: Life, stage: str, model: Any, **more: Any) -> None:
    """The logits of a model as it is, in eval mode or not."""
    import torch

    with torch.no_grad():
        out = model(**_given(life), use_cache=False, **more).logits
    life.stages[stage] = Snapshot(logits=out.detach().to("cpu", copy=True))


def _product(x: Tensor, first: Tensor, second: Tensor) -> Tensor:
    return x.to(first) @ first.T @ second.T


def _found(row: list[int], tokens: list[int]) -> int | None:
    """Where the last occurrence of the tokens begins, or None where there is none."""
    places = range(len(row) - len(tokens), -1, -1)
    return next((at for at in places if row[at : at + len(tokens)] == tokens), None)


def activated(life: Life) -> None:
    """Activated LoRA adapts from its invocation tokens on, or from where the caller says."""
    import torch

    model, plain = life.adapted(), life.fresh_base()
    parts = factors(life.stages["trained"])
    ids = life.inputs["input_ids"]
    long = ids.shape[1]
    offsets = [None if start is None else long - start for start in TOLD]
    own: list[int | None] = [
        _found(row, _argument(life, "alora_invocation_tokens")) for row in ids.tolist()
    ]

    def added(starts: list[int | None]) -> Mapping[str, Callable[[Tensor], Tensor]]:
        def one(x: Tensor, first: Tensor, second: Tensor) -> Tensor:
            moved = life.case.scaling * _product(x, first.to(x.device), second.to(x.device))
            return (from_token(x, starts) * moved).to(x)

        return {name: partial(one, first=a, second=b) for name, (a, b) in parts.items()}

    model.eval()
    for stage, starts, more in (
        ("activated", own, {}),
        ("activated-as-told", list(TOLD), {"alora_offsets": offsets}),
    ):
        with life.at(stage):
            _see(life, stage, model, **more)
            with adding(plain, added(starts)):
                _see(life, f"{stage}-defined", plain)
    with life.at("activated-generated"), torch.no_grad():
        told = model.generate(
            **_given(life),
            alora_offsets=offsets,
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            return_dict_in_generate=True,
            output_logits=True,
        )
        new = len(told.logits)
        life.stages["activated-generated"] = Snapshot(logits=torch.stack(told.logits, dim=1).cpu())
        with adding(plain, added(list(TOLD))):
            whole = plain(input_ids=told.sequences[:, :-1], use_cache=False).logits
        life.stages["activated-generated-defined"] = Snapshot(logits=whole[:, -new:].cpu())


def dropped(life: Life) -> None:
    """In training what goes into A is dropped out; the draws are those of equal seeds."""
    from torch.nn.functional import dropout

    rate = _argument(life, "lora_dropout")

    def one(x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        return life.case.scaling * _product(dropout(x, rate), first.to(x), second.to(x))

    model, plain = life.adapted().train(), life.fresh_base().train()
    with life.at("dropped"):
        parts = factors(life.stages["trained"])
        reseed(life.case.seed)
        _see(life, "dropped", model)
        reseed(life.case.seed)
        with adding(plain, {n: partial(one, first=a, second=b) for n, (a, b) in parts.items()}):
            _see(life, "dropped-defined", plain)


def compressed(life: Life) -> None:
    """VeLoRA computes what LoRA does, and on the way back knows less of what went into A."""
    config = _argument(life, "velora_config")
    groups, scale = config["num_groups"], config["scale"]

    def one(x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        kept, fixed = regrouped(x.detach(), groups, scale), first.detach()
        # the value of A x, whose gradient for A is taken at what was kept of x
        value = x @ fixed.T + kept @ first.T - kept @ fixed.T
        return life.case.scaling * value @ second.T

    model, plain = life.adapted().train(), life.fresh_base().train()
    with life.at("compressed"):
        own = {
            name: tuple(part.clone().to(life.device).requires_grad_() for part in pair)
            for name, pair in factors(life.stages["trained"]).items()
        }
        parts = {adapter_part(name): one for name, one in model.named_parameters()}
        theirs = {" ".join(part): one for part, one in parts.items() if part is not None}
        life.stages["compressed"] = _gradients(_loss(life, model), theirs)
        with adding(plain, {n: partial(one, first=a, second=b) for n, (a, b) in own.items()}):
            loss = _loss(life, plain)
        ours = {f"{name} lora_{'AB'[at]}": pair[at] for name, pair in own.items() for at in (0, 1)}
        life.stages["compressed-defined"] = _gradients(loss, ours)


def _gradients(loss: Tensor, parts: Mapping[str, Tensor]) -> Snapshot:
    """The gradient of each of these in place of its values."""
    import torch

    found = torch.autograd.grad(loss, list(parts.values()))
    return Snapshot(weights={name: one.cpu() for name, one in zip(parts, found, strict=True)})


def _loss(life: Life, model: Any) -> Any:
    given = _given(life)
    return model(**given, labels=given["input_ids"]).loss


def drawn(life: Life) -> None:
    """MonteCLoRA trains with A and a mean of noise that is weighted as it draws the shares."""
    import torch

    model, plain = life.adapted().train(), life.fresh_base().train()
    with life.at("drawn"):
        with option_calls.drawing(model) as met:
            _see(life, "drawn", model)

        def one(x: Tensor, name: str, first: Tensor, second: Tensor) -> Tensor:
            noise, shares = met[name]
            moved = first.to(x) + torch.tensordot(shares, noise, dims=1).T
            return life.case.scaling * _product(x, moved.detach(), second.to(x))

        parts = factors(life.stages["trained"])
        own = {n: partial(one, name=n, first=a, second=b) for n, (a, b) in parts.items()}
        with adding(plain, own):
            _see(life, "drawn-defined", plain)


def replicated(life: Life) -> None:
    """A base whose layers stand in it as often as was asked, each with a LoRA of its own."""
    import torch

    def one(x: Tensor, first: Tensor, second: Tensor) -> Tensor:
        return life.case.scaling * _product(x, first.to(x), second.to(x))

    model, plain = life.adapted().eval(), life.fresh_base().eval()
    with life.at("replicated"):
        _see(life, "replicated", model)
        body = plain.model
        places = [
            at for first, end in _argument(life, "layer_replication") for at in range(first, end)
        ]
        body.layers = torch.nn.ModuleList(copy.deepcopy(body.layers[at]) for at in places)
        body.config.num_hidden_layers = len(places)
        parts = factors(life.stages["trained"])
        with adding(plain, {n: partial(one, first=a, second=b) for n, (a, b) in parts.items()}):
            _see(life, "replicated-defined", plain)


def routed(life: Life) -> None:
    """A router over one adapter, over two of which a third is taken off; merging it is refused."""
    if not option_calls.routes():
        return
    mine = life.folder / "adapter"
    other = _like(mine, life.folder / "other", lambda tensor: tensor.roll(1, -1))
    general = _like(mine, life.folder / "general", lambda tensor: tensor.flip(-1) / 4)
    device = str(life.device)
    with life.at("routed-alone"):
        model = option_calls.route(life.fresh_base(), [os.fspath(mine)], [], device=device).eval()
        _see(life, "routed-alone", model)
        life.stages["routed-alone-defined"] = life.stages["trained"]
    with life.at("routed"):
        tasks = [os.fspath(one) for one in (mine, other)]
        model = option_calls.route(
            life.fresh_base(), tasks, [os.fspath(general)], device=device
        ).eval()
        _see(life, "routed", model)
        plain = life.fresh_base().eval()
        every = [_pairs(folder) for folder in (mine, other, general)]

        def one(x: Tensor, name: str) -> Tensor:
            first, second, off = ([part.to(x) for part in pairs[name]] for pairs in every)
            experts = [(a - off[0], b - off[1]) for a, b in (first, second)]
            return life.case.scaling * nearest(x, experts)

        with adding(plain, {name: partial(one, name=name) for name in every[0]}):
            _see(life, "routed-defined", plain)
    with life.at("router-merged"):
        if not option_calls.is_refused(model.merge_adapter):
            life.stages["router-merged"] = Snapshot()


def _like(folder: Path, place: Path, change: Callable[[Tensor], Tensor]) -> Path:
    """The adapter's folder once more, with its tensors changed."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, place)
    tensors = {key: change(one).contiguous() for key, one in load_file(place / WEIGHTS).items()}
    save_file(tensors, place / WEIGHTS, metadata={"format": "pt"})
    return place


def _pairs(folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """A and B of each module, as they lie in the folder."""
    from safetensors.torch import load_file

    held = load_file(folder / WEIGHTS)
    names = [key.removesuffix(".lora_A.weight") for key in held if ".lora_A." in key]
    return {
        name.removeprefix(PREFIX): (held[f"{name}.lora_A.weight"], held[f"{name}.lora_B.weight"])
        for name in names
    }


def started(life: Life) -> None:
    """Rows of another adapter that start from nothing, then with the values of the first."""
    import torch

    model = life.adapted()
    with life.at("started-anew"):
        rows = list(_argument(life, "token_indices"))
        reseed(life.case.seed)
        layers = option_calls.start_rows(model, SECOND, rows)
        first, base = {}, {}
        for name, layer in layers.items():
            delta = layer.trainable_tokens_delta
            first[name] = delta[SECOND].detach().cpu().clone()
            base[name] = layer.get_base_layer().weight[rows].detach().cpu().clone()
            with torch.no_grad():
                delta[SECOND].copy_(delta[ADAPTER])
        life.stages["first-rows"] = Snapshot(weights=first)
        life.stages["rows-of-the-base"] = Snapshot(weights=base)
        model.eval()
        _see(life, "started-anew", model)
        life.stages["started-anew-defined"] = life.stages["trained"]


def mapped(life: Life) -> None:
    """Without a task type: the file names base and class, and ``AutoPeftModel`` finds both."""
    home, folder = life.folder_for("home"), life.folder_for("mapped")
    with life.at("mapped"):
        life.fresh_base().save_pretrained(home)
        base, _ = tiny.load(life.subject.model_class, home, dtype=life.case.dtype)
        base.to(life.device)  # type: ignore[arg-type]  # transformers wraps it without its types
        config = life.subject.config(life.subject.adapter(life.roles))
        model = calls.wrap(base, config, autocast=life.case.autocast)
        option_calls.take(model, os.fspath(life.folder / "adapter"))
        model.save_pretrained(folder)
        loaded = option_calls.load_by_class(os.fspath(folder), os.fspath(home)).to(life.device)
        _see(life, "mapped", loaded.eval())
        life.stages["mapped-defined"] = life.stages["trained"]


OPTIONS: dict[str, Callable[[Life], None]] = {
    "activated": activated,
    "dropped": dropped,
    "compressed": compressed,
    "drawn": drawn,
    "replicated": replicated,
    "routed": routed,
    "started": started,
    "mapped": mapped,
}


def option(case: TunerCase) -> str:
    """The option's branch that a life takes, or ``""``: one of each tuner, tied and untied."""
    one = case.usual and not case.ensure and case.device == "cpu"
    return case.what.option if one and case.placement == case.what.placements[0] else ""
