"""A tuner case: one tuner on one placement of one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from conformance.core.case import CHOICES, Case
from conformance.core.device_names import DEVICES
from conformance.core.literals import CaseError, chosen, literals
from conformance.kinds.tuners.table import TUNERS
from conformance.kinds.tuners.tuner import SAVED, TARGETED, Tuner
from tiny_models.families import DECODERS

# The family that every row is lived with, and those that show more on an untied base: GPT-2's
# linear layers are transposed, Gemma 3's embedding scales what it looks up.
FIRST = "llama"
MORE: Mapping[str, tuple[str, ...]] = {"body": ("gpt2",), "target:embedding": ("gemma3-text",)}
# One row of each tuner is lived in other precisions: over half, PEFT casts an adapter to float32.
PRECISIONS: Mapping[str, tuple[str, ...]] = {"body": ("bfloat16", "float16", "float64")}
FAMILIES_OF_TUNERS = tuple(
    dict.fromkeys((*DECODERS, *(one for tuner in TUNERS.values() for one in tuner.families)))
)
"""The families that a tuner may be lived with: decoders, and those that a row names."""
BRIEF = ("body", "target:head", "target:both")
OF_TIES = ("lora-tokens", "trainable-tokens", "trainable-tokens-init-false")
"""Tuners that a tie makes another, beside those that may be asked to keep one."""
SHOWN = ("device", "tied", "ensure", "placement", "family", "dtype", "tuner", "seed")
OMITTED = ("family", "dtype", "seed")
"""What a repr leaves out where it is the default."""


@dataclass(frozen=True, repr=False)
class TunerCase(Case):
    """One run with a tuner of the table, made by ``tuner_case``; its ``repr`` reads back."""

    tuner: str = "lora"

    def __repr__(self) -> str:
        defaults = {field.name: field.default for field in fields(self)}
        parts = [
            f"{name}={getattr(self, name)!r}"
            for name in SHOWN
            if name not in OMITTED or getattr(self, name) != defaults[name]
        ]
        return f"TunerCase({', '.join(parts)})"

    @property
    def id(self) -> str:
        """``<device>-<tuner>-<tied|untied>-<ensure|default>-<placement>``, and what is unusual.

        That is another family than the tuner's first, or another precision than float32.
        """
        tie, how = "tied" if self.tied else "untied", "ensure" if self.ensure else "default"
        family = "" if self.family == self.first_family else f"-{self.family}"
        precision = "" if self.dtype == "float32" else f"-{self.dtype}"
        return f"{self.device}-{self.tuner}-{tie}-{how}-{self.placement}{family}{precision}"

    @property
    def first_family(self) -> str:
        """The family that a row of this tuner is lived with."""
        return (self.what.families or (FIRST,))[0]

    @property
    def usual(self) -> bool:
        """Whether it is lived with the first family, in float32."""
        return (self.family, self.dtype) == (self.first_family, "float32")

    @property
    def what(self) -> Tuner:
        """The tuner by what it is."""
        return TUNERS[self.tuner]

    @property
    def as_lora(self) -> bool:
        """Whether what is declared of LoRA's lives is true of this one.

        It is of LoRA itself, and where modules are saved: they are PEFT's, whatever the tuner.
        """
        return self.what.kind == "LORA" or self.placement in SAVED

    @property
    def tied_by_itself(self) -> bool:
        """Equal trainable tokens of what is tied are one, as PEFT documents."""
        return self.what.kind == "TRAINABLE_TOKENS" and self.placement != "target:head"

    @property
    def computes_in(self) -> str:
        """What the table says, or the base's precision."""
        return self.what.computes_in or self.dtype

    @property
    def frozen_parts(self) -> tuple[str, ...]:
        """Parts of the adapter that never train."""
        return self.what.frozen


def tuner_case(
    *,
    device: str = "cpu",
    tied: bool = True,
    ensure: bool = False,
    placement: str = "target:head",
    family: str = FIRST,
    dtype: str = "float32",
    seed: int = 0,
    tuner: str = "lora",
) -> TunerCase:
    """The run of a tuner on a placement; of a case's other fields, some follow from the tuner."""
    follows = dict(TUNERS[tuner].fields)
    if placement == "body":  # real steps, on one placement of each
        # AdamW divides by sqrt(v) + 1e-8, and both underflow to zero in float16
        follows["training"] = "sgd" if dtype == "float16" else "adamw"
    given: dict[str, Any] = {
        "family": family,
        "dtype": dtype,
        "seed": seed,
        "tuner": tuner,
        **follows,
    }
    return TunerCase(device, tied, ensure, placement, **given)


def tuner_cases(
    devices: tuple[str, ...], families: tuple[str, ...], *, brief: bool, turn: int | None = None
) -> list[TunerCase]:
    """Every life of the table with these families, in a fixed order; some of them in ``brief``.

    With a ``turn`` a tuner is lived in some of them, and the next one in others: ``has_its_turn``.
    """
    return [
        case
        for device in devices
        for number, (name, tuner) in enumerate(TUNERS.items())
        if not tuner.skipped and not (tuner.narrow and device == "emulated")
        for tied in (True, False)
        for ensure in ((False, True) if tuner.ensures else (False,))
        for placement in tuner.placements
        if tells(tied=tied, ensure=ensure, placement=placement)
        if placement in (BRIEF if brief else tuner.placements)
        for family in tuner.families or (FIRST, *(() if tied or brief else MORE.get(placement, ())))
        if family in families
        for dtype in precisions(
            tied=tied, placement=placement, family=family, tuner=tuner, brief=brief
        )
        for case in (
            tuner_case(
                device=device,
                tied=tied,
                ensure=ensure,
                placement=placement,
                family=family,
                dtype=dtype,
                tuner=name,
            ),
        )
        if turn is None or has_its_turn(case, turn + number)
    ]


def has_its_turn(case: TunerCase, turn: int) -> bool:
    """Whether a life is one of those that are taken in this turn.

    Of most tuners a placement is lived tied or untied, and one of the other precisions; every other
    tuner is lived on a scaled embedding. Where ties decide nothing is left out.
    """
    if case.dtype != "float32":
        others = other_precisions(case.what, case.placement)
        return case.dtype == others[turn % len(others)]
    if case.what.ensures or case.tuner in OF_TIES:
        return True
    if case.family != case.first_family:
        return case.placement == "body" or turn % 2 == 0
    return case.tied == bool((turn + case.what.placements.index(case.placement)) % 2)


def precisions(
    *, tied: bool, placement: str, family: str, tuner: Tuner, brief: bool
) -> tuple[str, ...]:
    """The precisions that a row is lived in: an untied one of each tuner in more than float32."""
    first = family == (tuner.families or (FIRST,))[0]
    return ("float32", *(() if tied or brief or not first else other_precisions(tuner, placement)))


def other_precisions(tuner: Tuner, placement: str) -> tuple[str, ...]:
    """The precisions beside float32 that a tuner is lived in on a placement."""
    others = PRECISIONS.get(placement, ())
    return others[:1] if tuner.narrow else others


def tells(*, tied: bool, ensure: bool, placement: str) -> bool:
    """Whether a row says what no other says: some are alike in all that they do.

    Where nothing is tied a saved embedding is a saved head, and where neither is named there is
    no tie to ensure.
    """
    if ensure and placement == "body":
        return False
    return tied or placement != "save:embedding"


def parse_tuner_case(text: str) -> TunerCase:
    """Read ``TunerCase(...)`` as literals; raises CaseError, in one sentence."""
    flags = (False, True)
    values: dict[str, Any] = literals(text, "TunerCase")
    seed = values.pop("seed", 0)
    accepted: dict[str, tuple[Any, ...]] = {
        "device": DEVICES,
        "tied": flags,
        "ensure": flags,
        "placement": (*TARGETED, *SAVED),
        "family": FAMILIES_OF_TUNERS,
        "dtype": CHOICES["dtype"],
        "tuner": tuple(TUNERS),
    }
    given = chosen(values, accepted, "a tuner case")
    if type(seed) is not int or not 0 <= seed < 2**32:
        raise CaseError("the field 'seed' of a tuner case accepts a whole number from 0 on")
    return tuner_case(**given, seed=seed)
