"""Observing: save a model as users' checkpoints are, load it, and write down the facts."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from conformance.core.bits import same_bits
from conformance.core.observation import Heard, LoadReport, Saved, Snapshot, Trouble
from conformance.engine.capture import hearing
from conformance.engine.devices import torch_device
from conformance.engine.devices.deterministic import repeatable
from conformance.engine.snapshot import logits, saved, snapshot
from conformance.engine.uninitialised import marked_memory, show_unfilled
from conformance.engine.upstream_error import trouble
from conformance.kinds.loading.case import ENCODERS, KINDS, AnyLoading, LoadingCase
from conformance.kinds.loading.checkpoints import write
from conformance.kinds.loading.observation import LoadingObservation
from conformance.upstream import capabilities
from tiny_models import build as tiny
from tiny_models import compat
from tiny_models.compat import canonical_name, parameter_of
from tiny_models.families import FAMILIES
from tiny_models.roles import matrix_names
from tiny_models.spec import ModelSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def observe_loading(case: LoadingCase) -> LoadingObservation:
    """The facts of one loading: a pure function of the case and the installed versions."""
    lacks = _lacks(case)
    if lacks:
        return LoadingObservation(case, lacks=lacks)
    # what transformers makes up is random, and the same every time
    with TemporaryDirectory(prefix="conformance-") as folder, repeatable(case.device, 0):
        return _observe(case, Path(folder))


def _lacks(case: LoadingCase) -> str:
    for name in (case.family, case.saver):
        missing = capabilities.lacks_family(FAMILIES[name])
        if missing:
            return missing
    return ""


def _observe(case: LoadingCase, folder: Path) -> LoadingObservation:
    spec = case.spec
    source: Any = tiny.build(spec, folder / "base").model
    target = folder / "checkpoint"
    with compat.quiet_progress():
        write(case, source, target)
    file = saved(target)
    inputs = tiny.inputs(spec)
    stages = {"source": _seen(case, source.to(torch_device(case.device)), inputs)}
    heard: list[Heard] = []
    troubles: list[Trouble] = []
    loaded: Any = None
    report = LoadReport()
    try:
        with hearing("loaded", heard, hide=os.fspath(folder)), printed(heard):
            cls = tiny.model_class(ModelSpec(family=case.family))
            safe = not KINDS[case.checkpoint].form
            with marked_memory():
                loaded, told = tiny.load(cls, target, dtype="float32", safetensors=safe)
            report = LoadReport(**vars(told))
        show_unfilled(loaded)
        stages["loaded"] = _seen(case, loaded.to(torch_device(case.device)), inputs)
    except Exception as error:  # noqa: BLE001  upstream may raise anything: it is data
        troubles.append(trouble(error, "loaded", "main"))
    whole = source if loaded is None else loaded
    facts = facts_of(case, whole, file, stages, report)
    return LoadingObservation(**facts, heard=tuple(heard), troubles=tuple(troubles))


def facts_of(
    case: AnyLoading,
    model: Any,
    file: Saved,
    stages: Mapping[str, Snapshot],
    report: LoadReport,
) -> dict[str, Any]:
    """Fields of an observation that follow from a file, what it became and what was reported.

    ``model`` is the loaded one, or the source where none was loaded.
    """
    entry = FAMILIES[case.family]
    members = matrix_names(model, entry)
    seen = stages.get("loaded", Snapshot())
    became = _became(file.tensors, {**seen.weights, **seen.buffers})
    meant = _meant(case, stages["source"].weights, members, file.tensors, became)
    lost = [n for n, t in seen.weights.items() if n not in meant or not same_bits(t, meant[n])]
    return {
        "case": case,
        "members": members,
        "biases": entry.biases,
        "stages": stages,
        "file": file.tensors,
        "became": became,
        "meant": meant,
        "report": replace(report, reinitialised=tuple(lost)),
    }


def _seen(case: AnyLoading, model: Any, inputs: Mapping[str, torch.Tensor]) -> Snapshot:
    """A snapshot whose logits are the encoder's where only that can be compared."""
    if case.form not in ENCODERS:
        return snapshot(model, inputs)
    texts = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    found = snapshot(model, None)
    return Snapshot(**{**vars(found), "logits": logits(model.get_encoder(), texts)})


@contextlib.contextmanager
def printed(heard: list[Heard], stage: str = "loaded") -> Iterator[None]:
    """What is printed is heard too."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        yield
    heard += [
        Heard(stage, text, "printed", about_tying=False) for text in out.getvalue().splitlines()
    ]


def _became(
    file: Mapping[str, Tensor], loaded: Mapping[str, Tensor]
) -> dict[str, tuple[str, Tensor]]:
    names = {canonical_name(name): name for name in loaded}
    parameters = {canonical_name(name): tensor for name, tensor in loaded.items()}
    found = {key: parameter_of(key, parameters) for key in file}
    return {key: (names[one[0]], one[1]) for key, one in found.items() if one is not None}


def _meant(
    case: AnyLoading,
    source: Mapping[str, Tensor],
    members: Mapping[str, str],
    file: Mapping[str, Tensor],
    became: Mapping[str, tuple[str, Tensor]],
) -> dict[str, Tensor]:
    """What each parameter is to hold, by our own reading of the file and of the tie."""
    meant = dict(source)
    if case.form == "all-different":
        own = {name: key for key, (name, _) in became.items()}
        meant |= {name: file[own[name]] for name in members.values() if name in own}
    elif case.tied:
        matrix = source[next(name for name in members.values() if name in source)]
        meant |= dict.fromkeys(members.values(), matrix)
    return meant
