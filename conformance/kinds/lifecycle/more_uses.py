"""More uses: further calls and arguments that leave an adapter what it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from conformance.core.observation import Snapshot
from conformance.engine.snapshot import snapshot
from conformance.kinds.lifecycle.frozen import frozen
from conformance.kinds.lifecycle.further_stages import HALF
from conformance.kinds.lifecycle.generation import generate
from conformance.kinds.lifecycle.loaded import HUB_NAME, cached, edited, load, look
from conformance.kinds.lifecycle.told import told
from conformance.upstream import calls, further_calls
from conformance.upstream.names import ADAPTER, SECOND
from tiny_models import build as tiny

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life


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
    root = cached(life, life.folder / "local")
    with life.at("cached-weights"):
        adapter = os.fspath(life.folder / "adapter")
        model = further_calls.set_from_cache(life.fresh_base(), adapter, HUB_NAME, root)
        look(life, "cached-weights", model)


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
        look(life, "offloaded-otherwise", model)


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
        folder = edited(life, "named-base", base_model_name_or_path=os.fspath(home))
        look(life, "beside-base", load(life, life.folder / "adapter", base))
        look(life, "with-base", further_calls.load_with_base(kind, folder, dtype))
    with life.at("with-mapped-base"):
        mapped = {
            "base_model_class": type(plain).__name__,
            "parent_library": type(plain).__module__,
        }
        folder = edited(
            life,
            "mapped-base",
            base_model_name_or_path=os.fspath(home),
            task_type=None,
            auto_mapping=mapped,
        )
        loaded = further_calls.load_with_base("AutoPeftModel", folder, dtype)
        look(life, "with-mapped-base", loaded)


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
