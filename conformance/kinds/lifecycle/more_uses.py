"""More uses: further calls and arguments that leave an adapter what it is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Snapshot
from conformance.engine.snapshot import logits, snapshot
from conformance.kinds.lifecycle.frozen import frozen
from conformance.kinds.lifecycle.further_stages import HALF
from conformance.kinds.lifecycle.generation import generate
from conformance.kinds.lifecycle.told import told
from conformance.upstream import calls, further_calls
from conformance.upstream.names import ADAPTER, SECOND
from tiny_models import build as tiny

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life

CONFIG = "adapter_config.json"
HUB_NAME = "conformance/adapter"
COMMIT = "1" * 40


def mixed_precision(life: Life) -> None:
    """Cast for mixed precision: what trains to float32, all else to half of it."""
    import torch

    model = life.adapted()
    with life.at("mixed-precision"):
        further_calls.cast_but_for_trainable(model, getattr(torch, HALF))
        life.stages["mixed-precision"] = snapshot(model, life.inputs)


def uncast(life: Life) -> None:
    """Injected by the tuner, beside the adapter that is there, with its values and nothing cast."""
    import torch

    model = life.adapted()
    with life.at("injected-uncast"):
        further_calls.inject_uncast(model, SECOND)
        parameters = dict(model.named_parameters())
        with torch.no_grad():
            for name, parameter in parameters.items():
                first = parameters.get(name.replace(f".{SECOND}", f".{ADAPTER}"), parameter)
                parameter.copy_(first)
        model.set_adapter(SECOND)
        life.stages["injected-uncast"] = snapshot(model, life.inputs)


def cached_weights(life: Life) -> None:
    """Its weights alone, out of the folders of the hub's client, with nobody to be asked."""
    root = life.folder / "local"
    kept = root / f"models--{HUB_NAME.replace('/', '--')}"
    shutil.copytree(life.folder / "adapter", kept / "snapshots" / COMMIT)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    with life.at("cached-weights"):
        adapter = os.fspath(life.folder / "adapter")
        model = further_calls.set_from_cache(life.fresh_base(), adapter, HUB_NAME, os.fspath(root))
        _seen(life, "cached-weights", model)


def offload_again(life: Life) -> None:
    """Onto a base on the disk, with the other arguments that say where things go."""
    home, left = life.folder_for("far-base"), life.folder_for("far")
    adapter = os.fspath(life.folder / "adapter")
    away: dict[str, Any] = {"max_memory": dict(tiny.NO_ROOM), "offload_dir": os.fspath(left)}
    twice = {"offload_folder": os.fspath(left)}

    def on_disk() -> Any:
        return tiny.on_disk(life.subject.model_class, home, dtype=life.case.dtype, left=left)

    with life.at("offloading-refused"):
        life.fresh_base().save_pretrained(home)
        refused = {
            "use_safetensors=False": further_calls.refuses(
                on_disk(), adapter, "safetensors", use_safetensors=False, **away
            ),
            "offload_folder beside offload_dir": further_calls.refuses(
                on_disk(), adapter, "offload_folder", **away, **twice
            ),
        }
        said = {what: str(one) for what, one in refused.items()}
        life.stages["offloading-refused"] = Snapshot(settings=said)
    with life.at("offloaded-otherwise"):
        model = calls.load_adapter(
            on_disk(),
            adapter,
            low_cpu_mem_usage=False,
            is_trainable=False,
            torch_device="cpu",
            **away,
            **further_calls.OFFLOADED_BY,
        )
        _seen(life, "offloaded-otherwise", model)


def with_base(life: Life) -> None:
    """Loaded together with the base that its config names, beside a base loaded by itself."""
    import torch

    home, dtype = life.folder_for("own-base"), getattr(torch, life.case.dtype)
    shape = life.family.shape
    kind = {"encoder-decoder": "AutoPeftModelForSeq2SeqLM"}.get(shape, "AutoPeftModelForCausalLM")
    with life.at("with-base"):
        plain = life.fresh_base()
        plain.save_pretrained(home)
        base, _ = tiny.load(life.subject.model_class, home, dtype=life.case.dtype)
        folder = _edited(life, "named-base", base_model_name_or_path=os.fspath(home))
        _seen(life, "beside-base", _load(base, life.folder / "adapter"))
        _seen(life, "with-base", further_calls.load_with_base(kind, folder, dtype))
    with life.at("with-mapped-base"):
        mapped = {
            "base_model_class": type(plain).__name__,
            "parent_library": type(plain).__module__,
        }
        folder = _edited(
            life,
            "mapped-base",
            base_model_name_or_path=os.fspath(home),
            task_type=None,
            auto_mapping=mapped,
        )
        loaded = further_calls.load_with_base("AutoPeftModel", folder, dtype)
        _seen(life, "with-mapped-base", loaded)


MORE_USES: dict[str, Callable[[Life], None]] = {
    "generate": generate,
    "frozen": frozen,
    "told": told,
    "mixed-precision": mixed_precision,
    "uncast": uncast,
    "cached-weights": cached_weights,
    "offload-again": offload_again,
    "with-base": with_base,
}


def _load(base: Any, folder: str | Path) -> Any:
    return calls.load_adapter(base, os.fspath(folder), low_cpu_mem_usage=False, is_trainable=False)


def _edited(life: Life, name: str, **fields: object) -> str:
    """The adapter's folder once more, with other fields of its config."""
    folder = life.folder / name
    shutil.copytree(life.folder / "adapter", folder)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(json.dumps(config | fields), encoding="utf-8")
    return os.fspath(folder)


def _seen(life: Life, stage: str, model: Any) -> None:
    model.eval()
    life.stages[stage] = Snapshot(logits=logits(model, life.inputs))
