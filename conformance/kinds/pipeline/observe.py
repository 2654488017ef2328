"""Observing: build a pipeline, save it, load it as its user does, and write down the facts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from conformance.core.load_log import called_missing
from conformance.core.observation import Heard, LoadReport, Saved, Snapshot, Trouble
from conformance.engine.capture import hearing
from conformance.engine.devices.deterministic import repeatable
from conformance.engine.snapshot import saved, snapshot
from conformance.engine.uninitialised import marked_memory, show_unfilled
from conformance.engine.upstream_error import trouble
from conformance.kinds.loading.checkpoints import say_untied
from conformance.kinds.loading.observe import facts_of, printed
from conformance.kinds.pipeline.available import PACKAGE, missing
from conformance.kinds.pipeline.case import DEVICE, PipelineCase
from conformance.kinds.pipeline.merging import merged, moved_by_eps, unnamed
from conformance.kinds.pipeline.observation import PipelineObservation
from conformance.kinds.pipeline.parts import encoded, pipeline
from conformance.upstream import capabilities
from tiny_models import build as tiny
from tiny_models.families import FAMILIES

if TYPE_CHECKING:
    import torch

PART = "text_encoder"
"""What diffusers calls the component that is judged, and its folder."""
FOLDER = "pipeline"


def observe_pipeline(case: PipelineCase) -> PipelineObservation:
    """The facts of one pipeline: a pure function of the case and the installed versions."""
    lacks = capabilities.lacks_family(FAMILIES[case.family]) or missing()
    if lacks:
        return PipelineObservation(case, lacks=lacks)
    # what is made up is random, and the same every time
    with TemporaryDirectory(prefix="conformance-") as folder, repeatable(DEVICE, 0):
        return _observe(case, Path(folder))


def _observe(case: PipelineCase, folder: Path) -> PipelineObservation:
    source: Any = tiny.build(case.spec, folder / "base").model
    lacks = unnamed(source, case.what)
    if lacks:
        return PipelineObservation(case, lacks=lacks)
    run = _Run(case, folder)
    with run.at("merged"):
        source = run.merged(source)
    with run.at("saved"):
        run.save(source)
    loaded: Any = None
    with run.at("loaded"):
        loaded = run.load()
    return run.observation(source if loaded is None else loaded)


@dataclass
class _Run:
    """One pipeline under way; what comes after an error is left out."""

    case: PipelineCase
    folder: Path
    stages: dict[str, Snapshot] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    nudged: tuple[torch.Tensor, ...] = ()
    encoded: dict[str, torch.Tensor] = field(default_factory=dict)
    saved: dict[str, Saved] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @contextlib.contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Hear what is warned, logged and printed, progress bars apart; keep what is raised."""
        hide = os.fspath(self.folder)
        try:
            with hearing(stage, self.heard, hide=hide), printed(self.heard, stage), _no_bars():
                yield
        except Exception as error:  # noqa: BLE001  upstream may raise anything: it is data
            self.troubles.append(trouble(error, stage, "main"))

    @property
    def inputs(self) -> dict[str, torch.Tensor]:
        """What the text encoder is called with."""
        return tiny.inputs(self.case.spec)

    def merged(self, model: Any) -> Any:
        """The text encoder with the variant's adapter merged into it, if it has one."""
        if not self.case.what.targets:
            return model
        found = merged(model, self.case, self.inputs, self.stages, self.called)
        self.nudged = tuple(moved_by_eps(found, self.inputs))
        return found

    def save(self, text_encoder: Any) -> None:
        """Put it into a pipeline, and save that as the case says."""
        if self.troubles:
            return
        self.stages["source"] = snapshot(text_encoder, self.inputs)
        pipe = pipeline(text_encoder, self.case.spec)
        self.encoded["source"] = encoded(pipe)
        pipe.save_pretrained(self.folder / FOLDER)
        if self.case.what.untied:
            say_untied(self.folder / FOLDER / PART / "config.json")
        self.saved[PART] = saved(self.folder / FOLDER / PART)

    def load(self) -> Any:
        """The text encoder of the loaded pipeline; None where none was saved."""
        if self.troubles:
            return None
        diffusers: Any = import_module(PACKAGE)
        with marked_memory():
            pipe = diffusers.DiffusionPipeline.from_pretrained(os.fspath(self.folder / FOLDER))
        loaded = getattr(pipe, PART)
        show_unfilled(loaded)
        self.stages["loaded"] = snapshot(loaded, self.inputs)
        self.encoded["loaded"] = encoded(pipe)
        return loaded

    def observation(self, model: Any) -> PipelineObservation:
        """What was seen; ``model`` is the text encoder that was loaded, or the source."""
        facts: dict[str, Any] = {"case": self.case, "stages": self.stages}
        if PART in self.saved:
            said = [heard for heard in self.heard if heard.stage == "loaded"]
            names = self.stages.get("loaded", Snapshot()).weights
            report = LoadReport(missing=called_missing(said, names))
            facts = facts_of(self.case, model, self.saved[PART], self.stages, report)
        return PipelineObservation(
            **facts,
            called=frozenset(self.called),
            nudged=self.nudged,
            encoded=self.encoded,
            saved=self.saved,
            heard=tuple(self.heard),
            troubles=tuple(self.troubles),
        )


@contextlib.contextmanager
def _no_bars() -> Iterator[None]:
    logging: Any = import_module(f"{PACKAGE}.utils.logging")
    before = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if before:
            logging.enable_progress_bar()
