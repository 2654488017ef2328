"""One life: a case taken through all of its stages."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from conformance.core.observation import (
    Heard,
    LoadReport,
    Observation,
    Saved,
    Snapshot,
    Trouble,
)
from conformance.core.placements import MATRICES, PLACEMENTS
from conformance.core.tolerances import nudges
from conformance.engine.capture import hearing
from conformance.engine.copies import Kept, copier, kept
from conformance.engine.devices import torch_device
from conformance.engine.naive_loader import read_as_config_says
from conformance.engine.oracle import nudged
from conformance.engine.snapshot import calls, canonical, logits, reached, saved, snapshot
from conformance.engine.training import steps
from conformance.engine.upstream_error import trouble
from conformance.kinds.lifecycle.subject import Subject
from conformance.upstream import calls as upstream_calls
from conformance.upstream import capabilities
from conformance.upstream import names as upstream_names
from tiny_models import build as tiny
from tiny_models.checkpoints import SHARD
from tiny_models.compat import auto_class, resize
from tiny_models.roles import linear_modules, module_names
from tiny_models.seeding import reseed
from tiny_models.values import refill

GROWTH = 4  # rows added where a case grows its vocabulary after wrapping


class MergeMethod(Protocol):
    """A way of merging and saving that takes the place of PEFT's and transformers' own."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def absent(self) -> Mapping[str, str]:
        """Stages that a run with it does not have, with the reason."""

    def merged(self, life: Life) -> Any:
        """The merged model of a run whose adapter is saved."""

    def saved(self, life: Life, name: str) -> Path:
        """A folder with the merged model saved, under one name or another."""


def _nothing(_: Any) -> None:
    """Do nothing with a model that starts."""


class Life:
    """One life under way. ``main_line`` first; branches read what it left."""

    def __init__(self, subject: Subject, folder: Path, method: MergeMethod | None = None) -> None:
        self.subject, self.folder, self.method = subject, folder, method
        self.case = case = subject.case
        self.family = subject.family
        self.inputs = subject.inputs()
        self.stages: dict[str, Snapshot] = {}
        self.saved: dict[str, Saved] = {}
        self.loading: dict[str, LoadReport] = {}
        self.heard: list[Heard] = []
        self.troubles: list[Trouble] = []
        self.configs: tuple[Mapping[str, object], ...] = ({}, {}, {})
        self.roles: dict[str, tuple[str, ...]] = {}
        self.targets: frozenset[str] = frozenset()
        self.called: set[str] = set()
        self._to_fill: frozenset[str] = frozenset()
        self.absent: dict[str, str] = {}
        self._copy_of_base: Callable[[], Any]
        self._trained: Kept | None = None
        self.lacks = ""
        self._stage = "base"
        away = torch_device(case.device)
        home = torch_device("cpu")
        self.device = home if case.crossing == "start-on-cpu" else away
        self.reload_device = home if case.crossing == "reload-on-cpu" else away

    @property
    def side_branches(self) -> tuple[str, ...]:
        """The side branches that this life takes."""
        return () if self.method else self.subject.side_branches

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Hear everything said inside as said at ``stage``."""
        self._stage = stage
        with hearing(stage, self.heard, hide=os.fspath(self.folder)):
            yield

    @contextmanager
    def _unheard(self, stage: str) -> Iterator[None]:
        """Be at ``stage``, and keep nothing that is said."""
        self._stage = stage
        with hearing(stage, [], hide=os.fspath(self.folder)):
            yield

    @contextmanager
    def branch(self, name: str) -> Iterator[None]:
        """Let an upstream error end this branch alone, and record it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  upstream may raise anything: it is data
            met = trouble(error, self._stage, name)
            hidden = met.message.replace(os.fspath(self.folder), "<folder>")
            self.troubles.append(replace(met, message=hidden))

    def folder_for(self, name: str) -> Path:
        """A fresh folder for files of this life."""
        path = self.folder / name
        path.mkdir()
        return path

    def main_line(self) -> None:
        """base, adapted, trained, adapter-saved, merged, saved, reloaded, read."""
        with self.at("base"):
            self._make_base()
        if self.lacks:
            return
        model = self.adapted(first=True)
        undefined = self.subject.undefined(self.stages["trained"])
        if undefined:
            self.absent["defined"] = undefined
        else:
            with self.at("defined"):
                self._define()
        with self.at("disabled"):
            with model.disable_adapter():
                self.stages["disabled"] = Snapshot(logits=logits(model, self.inputs))
            self.stages["enabled-again"] = snapshot(model, None)
        with self.at("adapter-saved"):
            self.saved["adapter"] = self.save_adapter(model, "adapter")
            self.saved["adapter-again"] = self.save_adapter(model, "adapter-again")
        if self.subject.not_merged:
            self.absent["merged"] = self.subject.not_merged
            return
        with self.at("merged"):
            merged = self._merge(model)
            self.stages["merged"] = snapshot(merged, self.inputs)
        with self.at("saved"):
            self.saved["merged"] = self.save_merged(merged, "merged")
            self.saved["merged-again"] = self.save_merged(merged, "merged-again")
        with self.at("reloaded"):
            reloaded = self.reload()
            self.stages["reloaded"] = snapshot(reloaded, self.inputs)
        with self.at("read"):
            found = read_as_config_says(reloaded, self.saved["merged"], self.family, self.names)
            if isinstance(found, Trouble):
                self.troubles.append(found)
            else:
                where = self.stages["reloaded"].devices
                self.stages["read"] = Snapshot(logits=logits(found, self.inputs), devices=where)

    def _make_base(self) -> None:
        base = self.subject.build(self.folder_for("base"))
        self._copy_of_base = copier(base.model)
        if base.loading is not None:
            self.loading["base"] = as_report(base.loading, base.reinitialised)
        self.roles = module_names(base.model, self.family)
        self.lacks = self._no_module_of_its_own(base.model)
        linear = linear_modules(base.model, but=self.roles.get("head", ()))
        self.targets = self.subject.targets(self.roles, linear)
        self.stages["base"] = snapshot(self.fresh_base(), self.inputs)

    def _no_module_of_its_own(self, model: Any) -> str:
        """Says that a module to adapt is another's under a second name, or ``""``.

        T5 hands ``shared`` itself to encoder and decoder in transformers 4, and whenever its
        vocabulary was resized.
        """
        others = dict(self.names)
        for role in MATRICES[1:]:
            if role in PLACEMENTS[self.case.placement].touches:
                mine = model.get_submodule(others.pop(role))
                if any(model.get_submodule(name) is mine for name in others.values()):
                    return f"the {role} of this {self.case.family} is another's module"
        return ""

    def fresh_base(self, *, grown: bool = True) -> Any:
        """A new copy of the base on the device the adapter is made on."""
        model = self._copy_of_base()
        if self.device.type != "cpu":  # where the first one lies; moving walks every module
            model.to(self.device)
        if grown and self.case.grown:
            self._grow(model)
        return model

    def _grow(self, model: Any) -> None:
        """Add rows to the vocabulary, and give embedding and head values from their names."""
        resize(model, self.case.vocab + GROWTH)
        for name in reversed(list(self.names.values())):  # a tied weight keeps the embedding's
            for part, parameter in model.get_submodule(name).named_parameters():
                refill(parameter, self.case.seed, f"{name}.{part}")

    def adapted(self, *, first: bool = False, started: Callable[[Any], object] = _nothing) -> Any:
        """A built, wrapped and trained model of its own; the first one is written down.

        ``started`` is called with the model before it is trained.
        """
        if self._trained and started is _nothing:
            model = self._trained.copy()
        else:
            model = self._adapted(started, first=first)
        reseed(self.case.seed + 2)
        return model

    def _adapted(self, started: Callable[[Any], object], *, first: bool) -> Any:
        """A model that is wrapped and trained now; what is said of a later one is nothing new."""
        reseed(self.case.seed + 1)
        model = self.fresh_base(grown=False)
        arguments = self.subject.adapter(self.roles)
        with self.at("adapted") if first else self._unheard("adapted"):
            config = self.subject.config(arguments)
            if first:
                passed = {"lists passed": arguments}
                before = copy.deepcopy(config.to_dict() | passed)
            model = upstream_calls.wrap(model, config, autocast=self.case.autocast)
            if self.case.grown:
                self._grow(model.base_model.model)
            modes = {module: module.training for module in model.modules()}
            if first:
                held = copy.deepcopy(model.peft_config[upstream_names.ADAPTER].to_dict())
                self.configs = before, config.to_dict() | passed, held
                with calls(model, self.names.values()) as self.called:
                    self.stages["adapted"] = snapshot(model, self.inputs)
            started(model)
        if first:
            self._ask_what_is_reached(model)
        with self.at("trained") if first else self._unheard("trained"):
            for module, mode in modes.items():
                module.training = mode  # looking at the first one put it in eval mode
            self.subject.fill(model, self._to_fill)
            if self.case.training != "values":
                if first:
                    self.stages["filled"] = snapshot(model, None)
                steps(model, self.inputs, self.case)
            model.zero_grad(set_to_none=True)
            if first:
                self._trained = kept(model)
                self.stages["trained"] = snapshot(model, self.inputs)
        return model

    def _ask_what_is_reached(self, model: Any) -> None:
        """Which of the adapter's parameters a gradient reaches; nothing that is said is kept."""
        with self._unheard("trained"):
            if (
                self.subject.samples
            ):  # what it draws is drawn by a copy: the next life draws the same
                self._to_fill = reached(copy.deepcopy(model), self.inputs, training=True)
            else:
                self._to_fill = reached(model, self.inputs)

    def _define(self) -> None:
        """Logits of a plain model, nothing of it tied, that holds what the adapter stands for."""
        import torch

        base, trained = self.stages["base"], self.stages["trained"]
        defined = self.subject.definition(self.names, base, trained)
        weights = base.weights if defined is None else defined
        plain = self.fresh_base()
        for name in list(self.names.values())[1:]:
            plain.set_submodule(name, copy.deepcopy(plain.get_submodule(name)))
        with torch.no_grad():
            for name, parameter in plain.named_parameters(remove_duplicate=False):
                parameter.copy_(weights[name])
        if defined is not None:
            self.stages["defined"] = Snapshot(logits=logits(plain, self.inputs), weights=weights)
        for stage in nudges(self.case.dtype):
            with torch.no_grad():
                for name, parameter in plain.named_parameters():
                    parameter.copy_(nudged(weights[name], name, stage))
            self.stages[stage] = Snapshot(logits=logits(plain, self.inputs))

    @property
    def names(self) -> dict[str, str]:
        """Full names of the modules that hold the tied matrix, by role."""
        return {role: self.roles[role][0] for role in MATRICES if role in self.roles}

    def save_adapter(self, model: Any, name: str) -> Saved:
        """Save the adapter in a folder of its own."""
        folder = self.folder_for(name)
        upstream_calls.save_adapter(
            model, os.fspath(folder), save_embedding_layers=self.case.save_embedding_layers
        )
        return saved(folder, config_name="adapter_config.json")

    def _merge(self, model: Any) -> Any:
        if self.method is not None:
            return self.method.merged(self)
        return upstream_calls.merge_and_unload(model, safe=self.case.safe_merge)

    def save_merged(self, model: Any, name: str) -> Saved:
        """Save a plain model in a folder of its own."""
        if self.method is not None:
            return saved(self.method.saved(self, name))
        folder = self.folder_for(name)
        options = {"max_shard_size": SHARD} if self.case.sharded else {}
        model.save_pretrained(folder, **options)
        return saved(folder)

    def reload(self, name: str = "merged") -> Any:
        """Load what was saved there, as the case does."""
        cls: Any = auto_class(self.family.shape) if self.case.loader == "auto" else None
        cls = cls or self.subject.model_class
        same = self.case.reload_dtype == "same"
        dtype = self.case.dtype if same else self.case.reload_dtype
        model, report = tiny.load(cls, self.folder / name, dtype=dtype)
        self.loading["reloaded"] = as_report(report)
        # transformers wraps nn.Module.to without its types
        return model.to(self.reload_device)  # type: ignore[arg-type]

    def _plain_keys(self) -> dict[bool, frozenset[str]]:
        """The keys of a plain checkpoint that says what the merged one says of its tie."""
        if "merged" not in self.saved:
            return {}
        tied = bool(next(iter(self.saved["merged"].flags.values()), self.case.tied))
        return {tied: self.subject.plain_keys(tied=tied)}

    def observation(self) -> Observation:
        """All that was seen, as plain facts."""
        return Observation(
            case=self.case,
            names=self.names | self.family.in_file if self.roles else {},
            stages=self.stages,
            saved=self.saved,
            loading=self.loading,
            heard=tuple(self.heard),
            troubles=tuple(self.troubles),
            plain_keys=self._plain_keys(),
            targets=self.targets,
            called=frozenset(self.called),
            reached=frozenset(map(canonical, self._to_fill)),
            config_before=self.configs[0],
            config_after=self.configs[1],
            config_held=self.configs[2],
            absent={
                **capabilities.absent(),
                **self.absent,
                **(self.method.absent if self.method else {}),
            },
            merger=self.method.name if self.method else "",
        )


def as_report(loading: tiny.Loading, reinitialised: tuple[str, ...] = ()) -> LoadReport:
    """A load report as an observation keeps it."""
    return LoadReport(**vars(loading), reinitialised=reinitialised)
