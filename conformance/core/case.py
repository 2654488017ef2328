"""A case: everything that decides one life, as a frozen record of plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, get_args, get_origin, get_type_hints

from conformance.core.literals import CaseError, _shown, literals
from conformance.core.placements import PLACEMENTS
from tiny_models.families import FAMILIES
from tiny_models.spec import BASES, DTYPES, ModelSpec, SpecError, ties_more


@dataclass(frozen=True, repr=False)
class Case:
    """One life, from how the base came to be to how the result is loaded again.

    The first four fields are the stratum. The others are ordered, and their choices listed in
    ``CHOICES``, from simplest on: defaults are the simplest choice, and ``repr`` omits them.
    ``tokens`` counts from the end when negative, as Python does.
    """

    device: str = "cpu"
    tied: bool = True
    ensure: bool = False
    placement: str = "target:head"
    family: str = "llama"
    layers: int = 1
    base: str = "built"
    dtype: str = "float32"
    hidden: int = 16
    vocab: int = 24
    also: tuple[str, ...] = ()
    excluded: bool = False
    writing: str = "names"
    rank: int = 2
    alpha: int = 2
    rslora: bool = False
    dora: bool = False
    bias: str = "none"
    autocast: bool = True
    tokens: tuple[int, ...] = (0,)
    training: str = "values"
    grown: bool = False
    safe_merge: bool = False
    loader: str = "auto"
    sharded: bool = False
    reload_dtype: str = "same"
    crossing: str = "none"
    low_cpu_mem_usage: bool = False
    is_trainable: bool = False
    save_embedding_layers: str = "auto"
    seed: int = 0

    def __repr__(self) -> str:
        parts = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name in STRATUM_FIELDS or getattr(self, field.name) != field.default
        ]
        return f"Case({', '.join(parts)})"

    @property
    def model(self) -> ModelSpec:
        """The base model of this case."""
        return ModelSpec(
            family=self.family,
            tied=self.tied,
            layers=self.layers,
            hidden=self.hidden,
            vocab=self.vocab,
            dtype=self.dtype,
            base=self.base,
            seed=self.seed,
        )

    @property
    def tied_by_itself(self) -> bool:
        """Whether an adapter ties what is tied without being asked: LoRA never does."""
        return False

    @property
    def frozen_parts(self) -> tuple[str, ...]:
        """Parts of the adapter that never train: LoRA has none."""
        return ()

    @property
    def computes_in(self) -> str:
        """The coarsest precision that the adapter computes anything in: LoRA in the base's."""
        return self.dtype

    @property
    def scaling(self) -> float:
        """What LoRA multiplies B A with: alpha / r, or alpha / sqrt(r) for rsLoRA."""
        return self.alpha / (math.sqrt(self.rank) if self.rslora else self.rank)

    @property
    def token_rows(self) -> tuple[int, ...]:
        """The drawn token indices as row numbers of the vocabulary, in order, without repeats."""
        return tuple(dict.fromkeys(token % self.vocab for token in self.tokens))

    @property
    def other_rows(self) -> tuple[int, ...]:
        """The head's rows where embedding and head train different tokens."""
        return tuple((row + 1) % self.vocab for row in self.token_rows)


STRATUM_FIELDS = ("device", "tied", "ensure", "placement")

# What each drawn field accepts, simplest first. A repeated choice is drawn more often.
CHOICES: dict[str, tuple[Any, ...]] = {
    "family": tuple(FAMILIES),
    "layers": (1, 2),
    "base": BASES,
    "dtype": DTYPES,
    "hidden": (16, 32),
    "vocab": (24, 40),
    "also": ((), ("mlp",), ("attention",), ("attention", "mlp")),
    "excluded": (False, True),
    "writing": ("names", "paths", "regex", "all-linear"),
    "rank": (2, 1, 4),
    "alpha": (2, 4, 1),
    "rslora": (False, True),
    "dora": (False, True),
    "bias": ("none", "lora_only", "all"),
    "autocast": (True, False),
    "tokens": ((0,), (-1,), (1,), (0, -1), (2, 0), (-1, 3, 1)),
    "training": ("values", "sgd", "adamw"),
    "grown": (False, True),
    "safe_merge": (False, True),
    "loader": ("auto", "concrete"),
    "sharded": (False, True),
    "reload_dtype": ("same", "float32", "bfloat16"),
    "crossing": ("none", "reload-on-cpu", "start-on-cpu"),
    "low_cpu_mem_usage": (False, True),
    "is_trainable": (False, True),
    "save_embedding_layers": ("auto", "yes", "no"),
}

SEEDS = tuple(range(100))
"""The seeds of values that are drawn."""
BODY = ("attention", "mlp")
SIZES = {  # smallest and largest of what may be chosen freely
    "layers": (1, 8),
    "hidden": (1, 256),
    "vocab": (1, 4096),
    "rank": (1, 64),
    "alpha": (1, 256),
    "seed": (0, 2**32 - 1),
}


def fits(family: str, placement: str, *, tied: bool) -> bool:
    """Whether a family has every module that a placement names, and can be tied or not so."""
    roles = FAMILIES[family].matrices
    return PLACEMENTS[placement].touches <= set(roles) and (tied or "head" in roles)


def body_roles(family: str) -> tuple[str, ...]:
    """Which of attention and mlp the family has linear modules for."""
    return tuple(role for role in BODY if FAMILIES[family].roles[role])


def parse_case(text: str) -> Case:
    """Read ``Case(...)`` as literals, never by evaluating it.

    Raises CaseError with one sentence for anything that is not a possible case.
    """
    return make_case(literals(text, "Case"))


def make_case(values: dict[str, Any]) -> Case:
    """Build a checked case from plain values; lists are taken as tuples."""
    hints = get_type_hints(Case)
    for name, value in values.items():
        if name not in hints:
            fields_ = ", ".join(hints)
            raise CaseError(f"a case has no field {_shown(name)}; its fields are {fields_}")
        if isinstance(value, list):
            values = {**values, name: (value := tuple(value))}
        if not _is_a(value, hints[name]):
            kind = str(hints[name]) if get_origin(hints[name]) else hints[name].__name__
            raise CaseError(
                f"the field {name!r} of a case takes a value of type {kind}, not {_shown(value)}"
            )
    case = Case(**values)
    check(case)
    return case


def _is_a(value: object, hint: Any) -> bool:
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(type(item) is get_args(hint)[0] for item in value)
    return type(value) is hint


def check(case: Case) -> None:
    """Raise CaseError, in one sentence, if no such life can exist."""
    from conformance.core.device_names import DEVICES

    accepted = {**CHOICES, "device": DEVICES, "placement": tuple(PLACEMENTS)}
    for name, choices in accepted.items():
        value = getattr(case, name)
        if name in SIZES or name == "tokens":
            continue
        if value not in choices:
            listed = ", ".join(repr(choice) for choice in dict.fromkeys(choices))
            raise CaseError(f"the field {name!r} of a case accepts {listed}, not {_shown(value)}")
    for name, (least, most) in SIZES.items():
        value = getattr(case, name)
        if not least <= value <= most:
            raise CaseError(
                f"the field {name!r} of a case accepts {least} to {most}, not {_shown(value)}"
            )
    impossible = _impossible(case)
    if impossible:
        raise CaseError(f"this case cannot exist: {impossible}")
    try:
        case.model  # noqa: B018  builds the spec, which checks itself
    except SpecError as error:
        raise CaseError(f"this case cannot exist: {error}") from None


def _impossible(case: Case) -> str | None:
    placement = PLACEMENTS[case.placement]
    has = body_roles(case.family)
    if not PLACEMENTS[case.placement].touches <= set(FAMILIES[case.family].matrices):
        roles = ", ".join(FAMILIES[case.family].matrices)
        return f"{case.placement} names more than {case.family} has, which is {roles}"
    if set(case.also) - set(has):
        return f"'also' accepts {' and '.join(map(repr, has))} for {case.family}"
    if case.excluded and ("mlp" in case.also or len(has) < len(BODY)):
        return "'excluded' needs attention and mlp modules, the latter not in 'also'"
    if case.writing == "all-linear" and not placement.body_only:
        return f"'all-linear' cannot name the targets of {case.placement}"
    if case.writing == "all-linear" and "mlp" not in has:
        return f"'all-linear' would take the bare expert parameters of {case.family}"
    if case.grown and case.placement != "body":
        return "'grown' is only promised anything where embedding and head carry no adapter"
    if case.grown and not case.tied and ties_more(case.family):
        return f"what growing an untied {case.family} ties again depends on transformers"
    if not case.tokens or any(not -case.vocab <= token < case.vocab for token in case.tokens):
        return f"'tokens' must hold rows of a vocabulary of {case.vocab}"
    if case.crossing != "none" and case.device == "cpu":
        return "'crossing' needs a device other than cpu"
    return None
