"""Changes of an observation: what a sick life would have shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from observations import BODY, EMBEDDING, HEAD, at, disk, put

from conformance.core.observation import Heard, Observation, Trouble

Change = Callable[[Observation], Observation]
E_WEIGHT, H_WEIGHT, Q_WEIGHT = (f"{name}.weight" for name in (EMBEDDING, HEAD, BODY))
Q_LORA = f"{BODY} lora_A"


def moved(stage: str, name: str) -> Change:
    """Another value of one weight."""
    return lambda seen: put(seen, stage, **{name: seen.stages[stage].weights[name] + 0.5})


def swapped(stage: str) -> Change:
    """Logits of the wrong sign."""

    def change(seen: Observation) -> Observation:
        logits = seen.stages[stage].logits
        assert logits is not None
        return at(seen, stage, logits=-logits)

    return change


def nan(stage: str) -> Change:
    """Logits with a NaN."""

    def change(seen: Observation) -> Observation:
        logits = seen.stages[stage].logits
        assert logits is not None
        return at(seen, stage, logits=logits.index_fill(0, torch.tensor([0]), float("nan")))

    return change


def gone(stage: str, name: str) -> Change:
    return lambda seen: put(seen, stage, **{name: None})


def flag(stage: str, *, value: bool) -> Change:
    return lambda seen: at(seen, stage, flags={"text_config.tie_word_embeddings": value})


def trains(stage: str, *names: str) -> Change:
    """Only these train."""
    return lambda seen: at(seen, stage, trainable=frozenset(names))


def traced(stage: str, trace: str) -> Change:
    return lambda seen: at(seen, stage, traces=frozenset({trace}))


def setting(stage: str, **changes: str) -> Change:
    """Other settings of config or generation config."""
    return lambda seen: at(seen, stage, settings={**seen.stages[stage].settings, **changes})


def cut(stage: str) -> Change:
    """No two tensors share storage."""
    return lambda seen: at(seen, stage, shares=frozenset())


def rounded(stage: str, name: str = Q_WEIGHT) -> Change:
    return lambda seen: put(seen, stage, **{name: seen.stages[stage].weights[name].bfloat16()})


def on_disk(**changes: Any) -> Change:
    return lambda seen: disk(seen, "merged", **changes)


def file_without(key: str) -> Change:
    return lambda seen: disk(
        seen,
        "merged",
        tensors={n: t for n, t in seen.saved["merged"].tensors.items() if n != key},
    )


def file_with(key: str, folder: str = "merged") -> Change:
    return lambda seen: disk(
        seen, folder, tensors={**seen.saved[folder].tensors, key: torch.ones(4, 2)}
    )


def troubled(stage: str, branch: str = "main", message: str = "ouch") -> Change:
    said = Trouble(stage, branch, "ValueError", message, "peft", deliberate=True)
    return lambda seen: replace(seen, troubles=(*seen.troubles, said))


def heard(stage: str, text: str) -> Change:
    said = Heard(stage, text, "UserWarning", about_tying=True)
    return lambda seen: replace(seen, heard=(*seen.heard, said))


def left(**changes: object) -> Change:
    return lambda seen: replace(seen, config_after={**seen.config_after, **changes})


def after(*changes: Change) -> Change:
    """One change after the other."""

    def change(seen: Observation) -> Observation:
        for one in changes:
            seen = one(seen)
        return seen

    return change


def configured(**changes: object) -> Change:
    """Another adapter_config.json."""
    return lambda seen: disk(seen, "adapter", config={**seen.saved["adapter"].config, **changes})


def typed(stage: str, **modules: str) -> Change:
    return lambda seen: at(seen, stage, modules={**seen.stages[stage].modules, **modules})


NAN_MERGED: Change = lambda seen: replace(  # noqa: E731  one row of the table below
    seen, stages={**seen.stages, "merged-infinity": seen.stages["merged"]}
)
