"""Uses: calls that leave an adapter what it is, so that it gives the same logits after them.

Each starts from a base or a trained model of its own, as the other ways do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.observation import LoadReport
from conformance.kinds.lifecycle.loaded import edited, load, look
from conformance.upstream import calls, more_calls
from conformance.upstream.names import ADAPTER, SECOND, SUMS
from conformance.upstream.tuner_types import load_adapter_config

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life

HALF = 2
"""What an adapter's alpha is divided by, and its scale multiplied with again."""


def sums(life: Life) -> None:
    """Summed up with an adapter that is zero, nothing pruned, in every way that PEFT sums."""
    model = life.adapted()
    with life.at("summed"):
        more_calls.add_nothing(model, SECOND)
    for how in SUMS:
        with life.at(f"sum-{how}"):
            more_calls.sum_with_nothing(model, SECOND, how, f"of_{how}", life.case.rank)
            model.set_adapter(f"of_{how}")
            look(life, f"sum-{how}", model)


def scale(life: Life) -> None:
    """With half the alpha, and scaled to what it was."""
    alpha: Any = life.saved["adapter"].config["lora_alpha"]
    folder = edited(life, "halved", lora_alpha=alpha / HALF)
    with life.at("rescaled"):
        model = load(life, folder)
        with more_calls.rescaled(model, HALF):
            look(life, "rescaled", model)
    layers = more_calls.scaling(model)
    with life.at("scale-set"):
        for one in layers:
            one.set_scale(ADAPTER, HALF)
        look(life, "scale-set", model)
    with life.at("scaled"):
        for one in layers:
            one.unscale_layer()
            one.scale_layer(HALF * HALF)
            one.unscale_layer(HALF)
        look(life, "scaled", model)


def helped(life: Life) -> None:
    """Where inputs are not cast, and where forward and generate say what they take."""
    model = load(life, life.folder / "adapter")
    with life.at("uncast"), more_calls.uncast(model, active=life.case.dtype == "float32"):
        look(life, "uncast", model)
    with life.at("signed"):
        more_calls.sign(model)
        look(life, "signed", model)


def arguments(life: Life) -> None:
    """Saved and loaded with each other argument: given tensors, a given config, a subfolder."""
    model, adapter = life.adapted(), life.folder / "adapter"
    with life.at("given-tensors"):
        folder = life.folder_for("given-tensors")
        model.save_pretrained(folder, state_dict=model.state_dict())
        look(life, "given-tensors", load(life, folder))
    with life.at("not-main"):
        folder = life.folder_for("not-main")
        model.save_pretrained(folder, is_main_process=False)
        left = tuple(sorted(path.name for path in Path(folder).iterdir()))
        life.loading["not-main"] = LoadReport(unexpected=left)
    with life.at("given-config"):
        config = load_adapter_config(os.fspath(adapter))
        look(life, "given-config", load(life, adapter, config=config))
    with life.at("subfolder"):
        look(life, "subfolder", load(life, life.folder, subfolder=adapter.name))
    if life.case.placement != "body":
        return  # what hot-swapping loses elsewhere is seen where it is swapped as ever
    with life.at("swapped-subfolder"):
        model = load(life, adapter)
        more_calls.zero(model, ADAPTER)
        calls.swap(model, os.fspath(life.folder), subfolder=adapter.name)
        look(life, "swapped-subfolder", model)


def memory(life: Life) -> None:
    """Put on without memory for first values, in each way."""
    adapter = os.fspath(life.folder / "adapter")
    with life.at("wrapped-on-meta"):
        model = more_calls.wrap_without_memory(life.fresh_base(), adapter)
        look(life, "wrapped-on-meta", model)
    with life.at("added-on-meta"):
        more_calls.add_without_memory(model, adapter, SECOND)
        model.set_adapter(SECOND)
        look(life, "added-on-meta", model)
    with life.at("injected-on-meta"):
        model = more_calls.inject_without_memory(life.fresh_base(), adapter)
        look(life, "injected-on-meta", model)


def base(life: Life) -> None:
    """On a base of zeros, that is then given the base's state dict."""
    import torch

    source = life.adapted()
    for stage, strict in (("base-given", True), ("base-given-loosely", False)):
        with life.at(stage):
            plain = life.fresh_base()
            with torch.no_grad():
                for parameter in plain.parameters():
                    parameter.zero_()
            model = load(life, life.folder / "adapter", plain)
            more_calls.give_base(source, model, strict=strict)
            look(life, stage, model)


def mixed(life: Life) -> None:
    """In a model that takes tuners of several kinds."""
    adapter = os.fspath(life.folder / "adapter")
    with life.at("mixed"):
        look(life, "mixed", more_calls.load_mixed(life.fresh_base(), adapter))
    with life.at("wrapped-mixed"):
        source = life.adapted()
        look(life, "wrapped-mixed", more_calls.wrap_mixed(life.fresh_base(), source, adapter))


def as_lora(life: Life) -> None:
    """Turned into a LoRA of all the rank that there is."""
    model, folder = life.adapted(), life.folder_for("as-lora")
    if not model.supports_lora_conversion():
        return
    with life.at("as-lora"):
        more_calls.save_as_lora(model, os.fspath(folder))
        look(life, "as-lora", load(life, folder))


USES: dict[str, Callable[[Life], None]] = {
    "sums": sums,
    "scale": scale,
    "helped": helped,
    "arguments": arguments,
    "memory": memory,
    "base": base,
    "mixed": mixed,
    "as-lora": as_lora,
}
