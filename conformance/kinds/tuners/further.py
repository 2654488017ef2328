"""Which lives of tuners put an adapter to further uses: few, since they take their time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance.kinds.tuners.case import TunerCase
from conformance.kinds.tuners.tuner import TARGETED

SAVED = "save:head"
ROWS = ("lora-tokens", "trainable-tokens")
"""Tuners that train rows: they stand where a wrapper of PEFT's is trained, as saved modules do."""
SEQUENCES, PICTURES = "lora-seq2seq", "lora-image-text"


def _plain(case: TunerCase) -> bool:
    """LoRA in its first family and float32, tied, as adapters are told of in most pages."""
    return case.tuner == "lora" and case.usual and case.tied and not case.ensure


def _trained(case: TunerCase) -> bool:
    """One of each kind of thing that trains: layers, saved modules, rows."""
    layers = _plain(case) and case.placement in ("body", "target:both", SAVED)
    return layers or _rows(case)


def _ensured(case: TunerCase) -> bool:
    """LoRA on embedding and head that is to be one."""
    ends = case.tuner == "lora" and case.placement == "target:both"
    return ends and case.tied and case.ensure and case.usual


def _rows(case: TunerCase) -> bool:
    return case.tuner in ROWS and case.tied and case.usual


def _on_body(case: TunerCase) -> bool:
    return case.tuner == "lora" and case.placement == "body" and case.family == case.first_family


def _sequences(case: TunerCase) -> bool:
    return case.tuner == SEQUENCES and case.usual


FURTHER: Mapping[str, Callable[[TunerCase], bool]] = {
    "generate": lambda case: _plain(case) or _rows(case) or _sequences(case),
    "frozen": _trained,
    "told": lambda case: _trained(case) or _ensured(case),
    "mixed-precision": lambda case: _plain(case) and case.placement in TARGETED,
    "uncast": _on_body,
    "cached-weights": lambda case: _on_body(case) and case.usual,
    "older-names": lambda case: case.tuner == PICTURES and case.usual,
    "offload-again": lambda case: _on_body(case) and case.usual and not case.tied,
    "with-base": lambda case: (_on_body(case) and case.usual) or _sequences(case),
}


def taken(case: TunerCase, use: str) -> bool:
    """Whether an adapter is put to a further use; any other way is no matter of this."""
    return use not in FURTHER or FURTHER[use](case)
