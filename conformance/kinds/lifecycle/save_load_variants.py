"""Ways: what else an adapter can be saved in and loaded by, and what loading one says.

All but the first load the folder that the main line saved; each starts from a base of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from conformance.core.observation import LoadReport, Snapshot
from conformance.engine.snapshot import logits, saved, snapshot
from conformance.kinds.lifecycle.handed import handed
from conformance.kinds.lifecycle.loaded import CONFIG, HUB_NAME, cached
from conformance.kinds.lifecycle.more_uses import MORE_USES
from conformance.kinds.lifecycle.once import SINGLE
from conformance.kinds.lifecycle.uses import USES
from conformance.upstream import calls, more_calls
from conformance.upstream.names import ADAPTER, PREFIX, SECOND
from tiny_models import build as tiny
from tiny_models.compat import older_name

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life

OLDER = "older_"
"""What a file of an older layout calls the modules: their first name with this before it."""
WEIGHTS = "adapter_model.safetensors"


@contextmanager
def elsewhere(life: Life) -> Iterator[None]:
    """Stand in an empty folder, and write down what is left there."""
    before, here = Path.cwd(), life.folder / "here"
    here.mkdir(exist_ok=True)
    os.chdir(here)
    try:
        yield
    finally:
        os.chdir(before)
        left = sorted(path.name for path in here.rglob("*") if path.is_file())
        life.loading["here"] = LoadReport(unexpected=tuple(left))


def pickle(life: Life) -> None:
    """Saved with ``safe_serialization=False``; PEFT reads that file as tensors alone."""
    model = life.adapted()
    folder = life.folder_for("pickled")
    with life.at("pickled"):
        model.save_pretrained(folder, safe_serialization=False)
        life.saved["pickled"] = saved(folder, config_name=CONFIG)
        _seen(life, "pickled", _load(life, folder))
    far = life.folder_for("pickled-on-cuda")
    with life.at("pickled-on-cuda"), patch("torch.serialization.location_tag", lambda _: "cuda:0"):
        model.save_pretrained(far, safe_serialization=False)
        _seen(life, "pickled-on-cuda", _load(life, far))
    with life.at("onto-a-file"):
        life.stages["spared" if _refused(model, life.folder / "file") else "lost"] = Snapshot()


def _refused(model: Any, file: Path) -> bool:
    """Whether saving where a file lies is refused, and leaves it."""
    file.write_text("mine", encoding="utf-8")
    try:
        model.save_pretrained(file)
    except ValueError:
        return file.read_text(encoding="utf-8") == "mine"
    return False


def cache(life: Life) -> None:
    """In the folders of the hub's client, as it leaves them, with no hub to ask."""
    root = cached(life, life.folder / "cache")
    with life.at("cached"):
        _seen(life, "cached", _load(life, HUB_NAME, cache_dir=root))


def inject(life: Life) -> None:
    """Put into the base itself, which becomes no PeftModel."""
    base = life.fresh_base()
    with life.at("injected"):
        _seen(life, "injected", calls.inject(base, os.fspath(life.folder / "adapter")))


def swap(life: Life) -> None:
    """Put in the place of another adapter of the same shape, which is of zeros here."""
    with life.at("swapped"):
        model = _load(life, life.folder / "adapter")
        more_calls.zero(model, ADAPTER)
        calls.swap(model, os.fspath(life.folder / "adapter"))
        _seen(life, "swapped", model)


def rename(life: Life) -> None:
    """In a file whose modules have older names, with ``key_mapping`` to tell the new ones."""

    def older(tensors: dict[str, Any]) -> None:
        for key in list(tensors):
            plain = key.removeprefix(PREFIX)
            if plain != key:
                tensors[f"{PREFIX}{OLDER}{plain}"] = tensors.pop(key)

    folder = _edited(life, "renamed", older)
    with life.at("renamed"):
        _seen(life, "renamed", _load(life, folder, key_mapping={f"^{OLDER}": ""}))


def older_names(life: Life) -> None:
    """From a file with the names that transformers 4 had for the modules, which 5 converts."""

    def older(tensors: dict[str, Any]) -> None:
        for key in list(tensors):
            tensors[PREFIX + older_name(key.removeprefix(PREFIX))] = tensors.pop(key)

    folder = _edited(life, "older-names", older)
    with life.at("older-names"):
        _seen(life, "older-names", _load(life, folder))


def offload(life: Life) -> None:
    """Onto a base that lies on the disk, where accelerate puts what has no room."""
    home, left = life.folder_for("offloaded-base"), life.folder_for("offloaded")
    with life.at("offloaded"):
        life.fresh_base().save_pretrained(home)
        model = _load(
            life,
            life.folder / "adapter",
            tiny.on_disk(life.subject.model_class, home, dtype=life.case.dtype, left=left),
            torch_device="cpu",
            max_memory=dict(tiny.NO_ROOM),
            offload_folder=os.fspath(left),
        )
        life.stages["offloaded"] = Snapshot(logits=logits(model, life.inputs))


def second(life: Life) -> None:
    """Beside the adapter that is there, to be trained too; then alone."""
    model = life.adapted()
    with life.at("second"):
        folder = os.fspath(life.folder / "adapter")
        told = calls.load_more(model, folder, SECOND, is_trainable=True)
        life.loading["second"] = _report(told)
        trains = frozenset(n for n, p in model.named_parameters() if p.requires_grad)
        trained = {"inference_mode": str(model.peft_config[SECOND].inference_mode)}
        life.stages["second"] = Snapshot(trainable=trains, settings=trained)
    if life.subject.rebases:
        return  # the base is no longer what the second one was trained on
    with life.at("second-alone"):
        model.set_adapter(SECOND)
        _seen(life, "second-alone", model)


def added(life: Life) -> None:
    """Beside the first one, with a config of its own, and the first one's values; then merged."""
    import torch

    if life.subject.rebases:
        life.absent["added"] = "the base is no longer what the first adapter found"
        return
    model = life.adapted()
    with life.at("added"):
        config = life.subject.config(life.subject.adapter(life.roles))
        model.add_adapter(SECOND, config)
        parameters = dict(model.named_parameters())
        with torch.no_grad():
            for name, parameter in parameters.items():
                first = parameters.get(name.replace(f".{SECOND}", f".{ADAPTER}"), parameter)
                parameter.copy_(first)
        model.set_adapter(SECOND)
        _seen(life, "added", model)
    with life.at("added-merged"):
        _seen(life, "added-merged", calls.merge_and_unload(model, safe=life.case.safe_merge))


def again(life: Life) -> None:
    """Once more into the adapter that was loaded."""
    folder = os.fspath(life.folder / "adapter")
    with life.at("again"):
        model = _load(life, folder)
        life.loading["again"] = _report(calls.load_more(model, folder, ADAPTER))
        life.stages["again"] = Snapshot(logits=logits(model, life.inputs))


def far(life: Life) -> None:
    """Read onto the CPU, without memory for first values, where the base is on another device."""
    if life.device.type == "cpu" or life.subject.rebases:
        return  # first values that are taken off the base need their memory
    with life.at("far"):
        near = {"torch_device": "cpu", "low_cpu_mem_usage": True}
        _seen(life, "far", _load(life, life.folder / "adapter", **near))


def incomplete(life: Life) -> None:
    """From a file that lacks a tensor of the adapter."""
    lost = _one_of_its_own(life)
    if lost is None:
        return
    folder = _edited(life, "incomplete", lambda tensors: tensors.pop(lost))
    with life.at("incomplete"):
        life.saved["incomplete"] = saved(folder, config_name=CONFIG)
        _load(life, folder)
        life.stages["incomplete"] = Snapshot()


def resize(life: Life) -> None:
    """From a file in which a tensor is longer; then with other sizes passed by."""
    import torch

    longer = _one_of_its_own(life)
    if longer is None:
        return

    def lengthen(tensors: dict[str, Any]) -> None:
        # twice as long, a column is taken for one of packed 4-bit values
        tensors[longer] = torch.cat([tensors[longer]] * 3)

    folder = _edited(life, "resized", lengthen)
    life.saved["resized"] = saved(folder, config_name=CONFIG)
    with life.at("resized"):
        try:
            _load(life, folder)
        except (RuntimeError, ValueError):
            life.stages["refused"] = Snapshot()
        else:
            life.stages["loaded"] = Snapshot()
    with life.at("passed-by"):
        model = _load(life, folder, ignore_mismatched_sizes=True)
        life.stages["passed-by"] = snapshot(model, None)


WAYS: dict[str, Callable[[Life], None]] = {
    "pickle": pickle,
    "cache": cache,
    "inject": inject,
    "swap": swap,
    "rename": rename,
    "older-names": older_names,
    "offload": offload,
    "second": second,
    "added": added,
    "again": again,
    "handed": handed,
    "far": far,
    "incomplete": incomplete,
    "resize": resize,
    **USES,
    **SINGLE,
    **MORE_USES,
}


def _load(life: Life, folder: str | Path, base: Any = None, **more: Any) -> Any:
    return calls.load_adapter(
        life.fresh_base() if base is None else base,
        os.fspath(folder),
        **{"low_cpu_mem_usage": life.case.low_cpu_mem_usage, **more},
        is_trainable=life.case.is_trainable,
    )


def _seen(life: Life, stage: str, model: Any) -> None:
    life.stages[stage] = snapshot(model, life.inputs)


def _report(told: Any) -> LoadReport:
    return LoadReport(
        missing=tuple(sorted(told.missing_keys)), unexpected=tuple(sorted(told.unexpected_keys))
    )


def _edited(life: Life, name: str, change: Callable[[dict[str, Any]], object]) -> Path:
    """The adapter's folder once more, with its tensors changed."""
    from safetensors.torch import load_file, save_file

    folder = life.folder / name
    shutil.copytree(life.folder / "adapter", folder)
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def _one_of_its_own(life: Life) -> str | None:
    """The key of a tensor that the tuner trains, none of a saved module; None where none is."""
    trains = {name.replace(" ", ".") for name in life.stages["trained"].trainable if " " in name}
    keys = sorted(life.saved["adapter"].tensors)
    return next((k for k in keys if k.removeprefix(PREFIX).removesuffix(".weight") in trains), None)
