"""Arriving: load the files of a kept life with the versions installed here."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.bits import same_when_cast
from conformance.core.case import Case
from conformance.core.observation import LoadReport, Observation, Snapshot, Trouble
from conformance.engine.devices.deterministic import repeatable
from conformance.engine.snapshot import saved, snapshot
from conformance.kinds.corpus import expected
from conformance.kinds.corpus.manifest import Corpus, CorpusError, KeptLife
from conformance.kinds.corpus.observation import Arrival
from conformance.kinds.lifecycle.branches import adapter
from conformance.kinds.lifecycle.run import Life, as_report
from conformance.kinds.lifecycle.subject import Subject
from conformance.upstream import capabilities
from tiny_models import build as tiny
from tiny_models.compat import canonical_name, parameter_of
from tiny_models.families import FAMILIES

if TYPE_CHECKING:
    from torch import Tensor

FILES = ("adapter-saved", "saved")
LOADING = ("reloaded", "read", "adapter-reloaded", "rewrapped")
"""Stages after the files are written: what the saver met there is in its own verdicts."""


def arrive(corpus: Corpus, case: Case) -> Observation:
    """Load one kept life; raises CorpusError where its files are no part of a corpus."""
    kept, wanted = corpus.lives[case], FAMILIES[case.family]
    about: dict[str, Any] = {"case": case, "saver": corpus.saver, "own": kept.own}
    about["names"] = dict(wanted.matrices) | wanted.in_file
    lacks = capabilities.lacks_base(case) or (f"the saver: {kept.lacks}" if kept.lacks else "")
    if lacks:
        return Arrival(**about, lacks=lacks)
    if not kept.folder:
        return Arrival(**about, troubles=kept.troubles)
    with repeatable(case.device, case.seed):
        arriving = Arriving(corpus, kept)
        for stage, steps in arriving.branches():
            with arriving.branch(stage):
                steps()
    return arriving.seen(about)


class Arriving(Life):
    """A life that begins where another cell's ended: with its files."""

    def __init__(self, corpus: Corpus, kept: KeptLife) -> None:
        subject = Subject(replace(kept.case, reload_dtype="same"))
        super().__init__(subject, corpus.path / kept.folder)
        self.kept, self.saver = kept, corpus.saver
        self.absent: dict[str, str] = {}
        self.stages |= expected.read(corpus.path, kept)
        self.stages |= {stage: Snapshot() for stage in FILES if stage in kept.reached}

    def branches(self) -> list[tuple[str, Any]]:
        """What to do, by the name that its trouble is recorded under."""
        steps: list[tuple[str, Any]] = [("base", self._load_base)]
        if "saved" in self.kept.reached:
            steps.append(("main", self._load_merged))
        if "adapter-saved" in self.kept.reached:
            reason = self._adapter_is_absent()
            if reason:
                self.absent["adapter-reloaded"] = reason
            else:
                steps.append(("adapter", self._load_adapter))
        return steps

    def fresh_base(self, *, grown: bool = True) -> Any:
        """The saver's base, loaded again; ``grown`` it already was when it was saved."""
        del grown
        cls = tiny.model_class(self.case.model)
        model, report = tiny.load(cls, self.folder / "base", dtype=self.case.dtype)
        self.loading["base-loaded"] = as_report(report)
        return model

    def _load_base(self) -> None:
        with self.at("base-loaded"):
            self.stages["base-loaded"] = snapshot(self.fresh_base(), self.inputs)

    def _load_merged(self) -> None:
        with self.at("reloaded"):
            self.saved["merged"] = saved(self.folder / "merged")
            model = self.reload()
            loaded = expected.canonical(snapshot(model, self.inputs))
        self.stages["reloaded"] = loaded
        keys = self.saved["merged"].tensors
        restored = _parts(keys, {**loaded.buffers, **loaded.weights})
        meant = _parts(keys, self.stages["merged"].weights)
        for stage, parts in (("restored", restored), ("meant", meant)):
            self.stages[stage] = Snapshot(weights={key: part for key, (_, part) in parts.items()})
        report = self.loading["reloaded"]
        self.loading["reloaded"] = LoadReport(
            missing=tuple(sorted(map(canonical_name, report.missing))),
            unexpected=report.unexpected,
            mismatched=report.mismatched,
            errors=report.errors,
            reinitialised=self._made_up(loaded, restored),
        )

    def _made_up(
        self, loaded: Snapshot, restored: dict[str, tuple[str, Tensor]]
    ) -> tuple[str, ...]:
        """Loaded parameters that hold neither the file's values nor the saver's."""
        parts: Counter[str] = Counter()
        for key, (name, part) in restored.items():
            if same_when_cast(self.saved["merged"].tensors[key], part):
                parts[name] += part.numel()
        whole = {n for n, tensor in loaded.weights.items() if parts[n] >= tensor.numel()}
        shared = {name for group in loaded.shares if group & whole for name in group}
        saver: Mapping[str, Tensor] = self.stages["merged"].weights
        return tuple(
            name
            for name, tensor in sorted(loaded.weights.items())
            if name not in whole | shared
            and not (name in saver and same_when_cast(saver[name], tensor))
        )

    def _adapter_is_absent(self) -> str:
        """Why the adapter is not tried here, or ``""``."""
        files = (file.name for file in (self.folder / "adapter").iterdir())
        return capabilities.lacks(self.case) or capabilities.finds_no_adapter(files)

    def _load_adapter(self) -> None:
        folder = self.folder / "adapter"
        for file in sorted(folder.glob("*.bin")):
            check_only_tensors(file)
        with self.at("adapter-reloaded"):
            self.saved["adapter"] = saved(folder, config_name="adapter_config.json")
        try:
            adapter(self)
        except NotImplementedError as error:
            # raised where we copy: with low_cpu_mem_usage PEFT leaves what it did not find in the
            # file on the meta device, and there is no model to use
            told = Trouble(
                "adapter-reloaded",
                "adapter",
                "NotImplementedError",
                str(error),
                "peft",
                deliberate=False,
            )
            self.troubles.append(told)

    def seen(self, about: Mapping[str, Any]) -> Arrival:
        """All that was seen, as plain facts."""
        return Arrival(
            **about,
            stages=self.stages,
            saved=self.saved,
            loading=self.loading,
            heard=tuple(self.heard),
            troubles=(*(t for t in self.kept.troubles if t.stage not in LOADING), *self.troubles),
            absent=self.absent,
            unpromised=capabilities.older_than(self.saver["peft"]),
        )


def _parts(keys: Iterable[str], parameters: Mapping[str, Tensor]) -> dict[str, tuple[str, Tensor]]:
    """What each key of a file stands for among parameters, where it stands for something."""
    found = {key: parameter_of(key, parameters) for key in keys}
    return {key: part for key, part in found.items() if part is not None}


def check_only_tensors(file: Path) -> None:
    """Raise CorpusError if a file that old PEFT wrote holds anything but tensors.

    What torch reads with ``weights_only`` names nothing that could run, so that a PEFT or torch
    that would unpickle all of it may read it too.
    """
    import torch

    try:
        held = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError):
        raise CorpusError(f"{file} holds more than tensors, and is never unpickled") from None
    if not isinstance(held, Mapping) or not all(map(torch.is_tensor, held.values())):
        raise CorpusError(f"{file} holds more than tensors, and is never unpickled")
