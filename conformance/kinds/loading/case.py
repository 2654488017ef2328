"""A loading case: a family, and the kind of checkpoint that it is loaded from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from conformance.core.device_names import DEVICES
from conformance.core.literals import CaseError, chosen, literals
from tiny_models.families import FAMILIES, Family
from tiny_models.spec import ModelSpec


class AnyLoading(Protocol):
    """What is loaded from a checkpoint: a model, or the part of a pipeline."""

    @property
    def device(self) -> str:
        """Where it is loaded to."""

    @property
    def id(self) -> str:
        """The id of its items."""

    @property
    def family(self) -> str:
        """The family that it is loaded as."""

    @property
    def checkpoint(self) -> str:
        """The kind of its checkpoint."""

    @property
    def form(self) -> str:
        """What its file holds, in whatever layout."""

    @property
    def tied(self) -> bool:
        """Whether the saved model's head, if it has one, is its embedding."""

    @property
    def spec(self) -> ModelSpec:
        """The model that is saved."""


@dataclass(frozen=True)
class LoadingCase:
    """One model loaded once; its ``repr`` is valid Python."""

    device: str = "cpu"
    family: str = "t5"
    checkpoint: str = "full"

    @property
    def id(self) -> str:
        """``<device>-<family>-<checkpoint kind>``."""
        return f"{self.device}-{self.family}-{self.checkpoint}"

    @property
    def saver(self) -> str:
        """The family whose checkpoint it is."""
        entry = FAMILIES[self.family]
        if self.form == "encoder-from-full":
            return entry.encoder_of
        return encoder_alone(entry) if self.form == "full-from-encoder" else self.family

    @property
    def spec(self) -> ModelSpec:
        """The model that is saved."""
        return ModelSpec(family=self.saver, tied=self.tied)

    @property
    def tied(self) -> bool:
        """Whether the saved model's head, if it has one, is its embedding."""
        return self.form not in OWN_HEAD or not FAMILIES[self.family].head

    @property
    def form(self) -> str:
        """What its file holds, in whatever layout."""
        return form_of(self.checkpoint)


def encoder_alone(entry: Family) -> str:
    """The family that is the encoder of this one, or nothing."""
    return next((name for name, one in FAMILIES.items() if one.encoder_of == entry.name), "")


@dataclass(frozen=True)
class Kind:
    """One kind of checkpoint: what it is, and which families have it.

    ``form`` is the kind that holds the same in the newer layout, where this is in the older one.
    """

    text: str
    of: Callable[[Family], bool]
    form: str = ""


def _every(_: Family) -> bool:
    return True


def _several(entry: Family) -> bool:
    return bool(entry.copies)


def _headed(entry: Family) -> bool:
    return bool(entry.head)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "full": Kind("all that the installed transformers writes", _every),
        "sharded": Kind("the same in several files", _every),
        "source-only": Kind("of the tied matrix only the source's name", _every),
        "encoder-embedding-only": Kind("only encoder.embed_tokens.weight", _several),
        "head-only": Kind("only the head's name", _headed),
        "all-equal": Kind("every name of the tied matrix, all equal", _every),
        "all-different": Kind("every name of the tied matrix, each another matrix", _every),
        "own-head": Kind("of a model whose head has a matrix of its own", _headed),
        "own-head-no-source": Kind(
            "the same without the source's name: encoder, decoder and head",
            lambda entry: _headed(entry) and _several(entry),
        ),
        "untied-config": Kind(
            "a config that says untied, as of Flan-T5 with its own head and of Wan's text encoder",
            _several,
        ),
        "encoder-from-full": Kind(
            "an encoder's class on a checkpoint with encoder and decoder",
            lambda entry: bool(entry.encoder_of),
        ),
        "full-from-encoder": Kind(
            "a class with encoder and decoder on an encoder's checkpoint",
            lambda entry: bool(encoder_alone(entry)),
        ),
        "no-head": Kind(
            "a config that says untied, and of a tied model no head: it is made up",
            lambda entry: _headed(entry) and not _several(entry),
        ),
        "bin": Kind(
            "in the older layout, pytorch_model.bin: every name of the tied matrix, all equal",
            _every,
            "all-equal",
        ),
        "bin-source-only": Kind(
            "in the older layout, of the tied matrix only the source's name", _every, "source-only"
        ),
        "bin-all-different": Kind(
            "in the older layout, every name of the tied matrix, each another matrix",
            _every,
            "all-different",
        ),
        "bin-own-head": Kind(
            "in the older layout, of a model whose head has a matrix of its own",
            _headed,
            "own-head",
        ),
        "bin-untied-config": Kind(
            "in the older layout, with a config that says untied", _several, "untied-config"
        ),
        "bin-no-head": Kind(
            "in the older layout, with a config that says untied, and no head",
            lambda entry: _headed(entry) and not _several(entry),
            "no-head",
        ),
    }
)
OWN_HEAD = ("own-head", "own-head-no-source", "untied-config")
ENCODERS = ("encoder-from-full", "full-from-encoder")
"""Kinds of which only the encoder can be compared."""


def form_of(kind: str) -> str:
    """The kind of checkpoint that holds the same in safetensors."""
    return KINDS[kind].form or kind


def loading_cases(
    devices: tuple[str, ...],
    families: tuple[str, ...],
    kinds: tuple[str, ...],
    turn: int | None = None,
) -> list[LoadingCase]:
    """Every loading case of these, in a fixed order.

    With a ``turn`` a family has one checkpoint in the older layout, and the next one another kind:
    how a file is written says little of what it holds.
    """
    found = []
    for device in devices:
        for number, name in enumerate(families):
            has = [kind for kind in KINDS if kind in kinds and KINDS[kind].of(FAMILIES[name])]
            older = [kind for kind in has if KINDS[kind].form]
            if turn is not None and older:
                mine = older[(turn + number) % len(older)]
                has = [kind for kind in has if kind not in older or kind == mine]
            found += [LoadingCase(device, name, kind) for kind in has]
    return found


def parse_loading_case(text: str) -> LoadingCase:
    """Read ``LoadingCase(...)`` as literals; raises CaseError, in one sentence."""
    accepted = {"device": DEVICES, "family": tuple(FAMILIES), "checkpoint": tuple(KINDS)}
    case = LoadingCase(**chosen(literals(text, "LoadingCase"), accepted, "a loading case"))
    if not KINDS[case.checkpoint].of(FAMILIES[case.family]):
        raise CaseError(f"{case.family} has no checkpoint {case.checkpoint!r}")
    return case
