"""Uses that one case of the table is enough for: they depend on nothing that differs between them.

Each starts from a base or a trained model of its own, as the other ways do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from conformance.core.observation import LoadReport, Snapshot
from conformance.engine.snapshot import logits
from conformance.kinds.lifecycle.loaded import HUB_NAME, cached, load, look
from conformance.kinds.lifecycle.sampled import corda, eva, lora_ga
from conformance.upstream import calls, more_calls, once_calls
from conformance.upstream.names import ADAPTER, SECOND
from tiny_models.seeding import reseed

if TYPE_CHECKING:
    from conformance.kinds.lifecycle.run import Life

TAG = "v1"
DENSITY = 0.5
"""The share of values that a sum which prunes keeps."""
QUANTILE = 0.75
"""Of the values of both factors: beyond it they are clamped."""
PRUNED: dict[str, tuple[str, dict[str, Any]]] = {
    "pruned-by-magnitude": ("magnitude_prune", {"density": DENSITY}),
    "pruned-by-chance": ("dare_linear", {"density": DENSITY}),
    "unclamped": ("svd", {}),
    "clamped": ("svd", {"svd_clamp": QUANTILE}),
}


def pruned(life: Life) -> None:
    """Summed up with an adapter that is zero, where a sum keeps a part of the values alone."""
    model = life.adapted()
    with life.at("pruned"):
        more_calls.add_nothing(model, SECOND)
    for stage, (how, more) in PRUNED.items():
        with life.at(stage):
            reseed(life.case.seed + 3)
            once_calls.sum_with(model, SECOND, stage, how, **more)
            told = {name: str(value) for name, value in more.items()}
            life.stages[stage] = Snapshot(weights=once_calls.parts(model, stage), settings=told)


def prepared(life: Life) -> None:
    """Padded to be compiled, and swapped for another one of the rank that it had.

    As padded it is not saved: PEFT 0.21 writes the new rank beside the old alpha, and what is
    loaded is scaled otherwise.
    """
    folder, rank = os.fspath(life.folder / "adapter"), 2 * life.case.rank
    with life.at("padded"):
        model = load(life, folder)
        told = once_calls.prepare_swap(model, rank)
        padded = once_calls.parts(model, ADAPTER)
        settings = {"asked": str(rank), "told": str(told)}
        seen = logits(model, life.inputs)
        life.stages["padded"] = Snapshot(weights=padded, logits=seen, settings=settings)
    with life.at("swapped-padded"):
        more_calls.zero(model, ADAPTER)
        calls.swap(model, folder)
        look(life, "swapped-padded", model)


def swapped(life: Life) -> None:
    """Swapped from the folders of the hub's client by its tag, and one factor of it alone."""
    cache = cached(life, life.folder / "tagged", TAG)
    with life.at("swapped-by-tag"):
        model = load(life, life.folder / "adapter")
        more_calls.zero(model, ADAPTER)
        calls.swap(model, HUB_NAME, cache_dir=cache, revision=TAG)
        look(life, "swapped-by-tag", model)
    with life.at("swapped-half"):
        model = load(life, life.folder / "adapter")
        once_calls.zero_half(model)
        once_calls.swap_half(model, load(life, life.folder / "adapter"))
        look(life, "swapped-half", model)


def named(life: Life) -> None:
    """Under another name, turned into a LoRA and merged, with progress shown.

    Of a tuner whose every adapter can be: PEFT 0.21 asks of the one named ``default`` alone.
    """
    folder = life.folder_for("as-lora-by-name")
    with life.at("as-lora-by-name"):
        model = load(life, life.folder / "adapter", name=SECOND)
        said = once_calls.says_it_converts(model, SECOND)
        done = once_calls.save_as_lora_shown(model, os.fspath(folder), SECOND)
        found = tuple(w for w, one in zip(("model", "tuner"), said, strict=True) if one != done)
        life.loading["as-lora-by-name"] = LoadReport(mismatched=found)
        if done:
            look(life, "as-lora-by-name", load(life, folder))
    with life.at("merged-shown"):
        look(life, "merged-shown", once_calls.merge_shown(life.adapted()))


SINGLE: dict[str, Callable[[Life], None]] = {
    "pruned": pruned,
    "prepared": prepared,
    "swapped": swapped,
    "eva": eva,
    "corda": corda,
    "lora-ga": lora_ga,
    "named": named,
}
"""Those of LoRA, and ``named``, which is of a tuner that can be turned into one."""
