"""Observing: an adapter of another task is lived with, and the facts are written down."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Heard, Saved, Snapshot, Trouble
from conformance.core.versions import installed
from conformance.engine.capture import hearing
from conformance.engine.copies import copier
from conformance.engine.devices.deterministic import repeatable
from conformance.engine.snapshot import saved, snapshot
from conformance.engine.training import distinct
from conformance.engine.upstream_error import trouble
from conformance.kinds.heads.case import LABELS, HeadCase
from conformance.kinds.heads.observation import HeadObservation
from conformance.upstream import calls, head_calls
from tiny_models import build as tiny
from tiny_models.compat import class_named
from tiny_models.seeding import reseed
from tiny_models.values import fill, named_values

if TYPE_CHECKING:
    from torch import Tensor

RANK = 2
SIZE = 0.3
"""How far each value of an adapter is moved from PEFT's first one."""
STEPS = 2


def observe_head(case: HeadCase) -> HeadObservation:
    """The facts of one case: a pure function of it and the installed versions."""
    if class_named(case.model) is None:
        return HeadObservation(case, lacks=f"transformers has no {case.model}")
    if not head_calls.has_class(case.what.auto):
        return HeadObservation(case, lacks=f"PEFT has no {case.what.auto}")
    with (
        TemporaryDirectory(prefix="conformance-") as folder,
        repeatable(case.device, case.seed),
        calls.without_model_card(),
    ):
        life = _Life(case, Path(folder))
        life.live()
        return life.observation()


class _Life:
    """One case under way."""

    def __init__(self, case: HeadCase, folder: Path) -> None:
        self.case, self.folder = case, folder
        self.inputs = tiny.inputs(case.spec)
        self.stages: dict[str, Snapshot] = {}
        self.saved: dict[str, Saved] = {}
        self.heard: list[Heard] = []
        self.troubles: list[Trouble] = []
        self.targets: frozenset[str] = frozenset()

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Hear what is said inside, and let an upstream error end this stage alone."""
        try:
            with hearing(stage, self.heard, hide=os.fspath(self.folder)):
                yield
        except Exception as error:  # noqa: BLE001  upstream may raise anything: it is data
            met = trouble(error, stage, stage)
            hidden = met.message.replace(os.fspath(self.folder), "<folder>")
            self.troubles.append(replace(met, message=hidden))

    def see(self, stage: str, model: Any, *, weights: bool = True) -> None:
        """Write down outputs, and perhaps all else."""
        found = snapshot(model, None) if weights else Snapshot()
        self.stages[stage] = replace(found, logits=self.outputs(model))

    def outputs(self, model: Any) -> Tensor:
        """What the model computes, whatever its task."""
        import torch

        model.eval()
        with torch.no_grad():
            out = model(**self.inputs)
        if "start_logits" in out:
            found = torch.stack([out.start_logits, out.end_logits], dim=-1)
        else:
            found = out.logits if "logits" in out else out.last_hidden_state
        return found.detach().clone()

    def live(self) -> None:
        """Every stage, as far as it goes."""
        adapter = self.folder / "adapter"
        with self.at("base"):
            self.fresh = copier(self.base())
            self.see("base", self.fresh())
        with self.at("adapted"):
            model = self.wrapped()
            self.see("adapted", model)
        if "adapted" not in self.stages:
            return
        with self.at("trained"):
            self.train(model)
            self.see("trained", model)
            self.stages["defined"] = Snapshot(logits=self.outputs(self.defined()))
        with self.at("disabled"), model.disable_adapter():
            self.see("disabled", model, weights=False)
        with self.at("adapter-saved"):
            model.save_pretrained(adapter)
            self.saved["adapter"] = saved(adapter, config_name="adapter_config.json")
        with self.at("loaded"):
            loaded = calls.load_adapter(
                self.fresh(), os.fspath(adapter), low_cpu_mem_usage=False, is_trainable=False
            )
            self.see("loaded", loaded, weights=False)
        if head_calls.finds_folders():
            with self.at("by-class"):
                found = head_calls.load_by_task(self.case.what.auto, os.fspath(adapter)).to("cpu")
                self.see("by-class", found, weights=False)
        with self.at("unloaded"):
            self.see("unloaded", copy.deepcopy(model).unload())
        with self.at("merged"):
            merged = calls.merge_and_unload(model, safe=False)
            self.see("merged", merged)
            merged.save_pretrained(self.folder / "merged")
        with self.at("reloaded"):
            kind = class_named(self.case.model)
            again, _ = tiny.load(kind, self.folder / "merged", dtype="float32")
            self.see("reloaded", again, weights=False)

    def base(self) -> Any:
        """The base as it is loaded from its folder."""
        config: Any = tiny.config(self.case.spec)
        if self.case.what.counts:
            config.num_labels = LABELS
        model = class_named(self.case.model)(config)
        fill(model, self.case.seed)
        model.save_pretrained(self.folder / "home")
        return tiny.load(type(model), self.folder / "home", dtype="float32")[0]

    def wrapped(self) -> Any:
        """A base with an adapter that has PEFT's first values."""
        reseed(self.case.seed + 1)
        config = calls.lora_config(
            task_type=self.case.what.type,
            r=RANK,
            lora_alpha=RANK,
            target_modules=list(self.case.names),
        )
        base = self.fresh()
        last = {*self.case.names}
        self.targets = frozenset(n for n, _ in base.named_modules() if n.rpartition(".")[2] in last)
        return calls.wrap(base, config, autocast=True)

    def train(self, model: Any) -> None:
        """Values from names, and a few real steps."""
        import torch

        trains = {name for name, one in model.named_parameters() if one.requires_grad}
        with torch.no_grad():
            for name, parameter in distinct(model, trains):
                noise = named_values(self.case.seed, name, tuple(parameter.shape))
                parameter.add_(SIZE * noise)
        self.stages["filled"] = snapshot(model, None)
        parameters = [one for one in model.parameters() if one.requires_grad]
        optimizer = torch.optim.SGD(parameters, lr=0.1, foreach=False)
        model.train()
        for _ in range(STEPS):
            optimizer.zero_grad()
            self.loss(model).backward()
            optimizer.step()
        model.zero_grad()

    def loss(self, model: Any) -> Any:
        """The loss of the task; of features, their size."""
        import torch

        ids = self.inputs["input_ids"]
        labels: Mapping[str, Tensor] = {
            "SEQ_CLS": {"labels": torch.tensor([0, 2])},
            "TOKEN_CLS": {"labels": ids % LABELS},
            "QUESTION_ANS": {
                "start_positions": torch.tensor([1, 2]),
                "end_positions": torch.tensor([3, 4]),
            },
            "SEQ_2_SEQ_LM": {"labels": ids},
        }.get(self.case.what.type, {})
        out = model(**self.inputs, **labels)
        return out.loss if labels else out.last_hidden_state.square().mean()

    def defined(self) -> Any:
        """A plain base that holds W + B A, and the head that was trained."""
        import torch

        plain = self.fresh()
        for name, tensor in self.stages["trained"].weights.items():
            module, _, part = name.partition(" ")
            if not part:
                continue
            with torch.no_grad():
                if part.startswith("saved "):
                    plain.get_parameter(f"{module}.{part.removeprefix('saved ')}").copy_(tensor)
                elif part.endswith("_A"):
                    other = self.stages["trained"].weights[name.removesuffix("A") + "B"]
                    delta = other @ tensor
                    weight = plain.get_parameter(f"{module}.weight")
                    weight.add_(delta.T if "embedding" in part else delta)
        return plain

    def absent(self) -> dict[str, str]:
        """What the installed PEFT does not do, with the reason."""
        here = f"PEFT {installed('peft')}"
        named = {} if head_calls.names_heads() else {"named": f"{here} names no head in a config"}
        found = {} if head_calls.finds_folders() else {"by-class": f"{here} asks the hub first"}
        return {**named, **found}

    def observation(self) -> HeadObservation:
        """All that was seen, as plain facts."""
        return HeadObservation(
            case=self.case,
            stages=self.stages,
            saved=self.saved,
            targets=self.targets,
            absent=self.absent(),
            heard=tuple(self.heard),
            troubles=tuple(self.troubles),
        )
