"""A program: a base model and the operations it goes through, as a frozen record of literals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from conformance.case import Case, CaseError, literals, make_case
from conformance.grid import tie_id
from conformance.placements import CARRIER, PLACEMENTS, Placement
from tiny_models.families import DECODERS

Step = tuple[Any, ...]
"""The name of an operation and its arguments."""

MOST_STEPS = 40
WORDS = ("default", "other", "fault", "default_0", "another", "weight", "lora_", "lora_A")
"""Names of adapters, simplest first: some contain one another, the last are PEFT's own words."""
RESERVED = ("weight", "lora_", "lora_A")
PLACED: Mapping[str, Placement] = MappingProxyType(
    {
        "body": PLACEMENTS["body"],
        "mlp": Placement("mlp", target=("mlp",)),
        "both-bodies": Placement("both-bodies", target=(*CARRIER, "mlp")),
        **{
            name: PLACEMENTS[name]
            for name in (
                "target:embedding",
                "target:head",
                "target:both",
                "save:embedding",
                "save:head",
                "save:both",
                "tokens:list",
                "tokens:same",
            )
        },
    }
)
"""Where an adapter of a program may stand."""
TOKENS = ((0, 5), (2,), (3, 23))
"""The tokens that an adapter trains, by the place of its name in ``WORDS``: all in the input."""


@dataclass(frozen=True)
class Operation:
    """What an operation does, and the kinds of its arguments."""

    text: str
    takes: tuple[str, ...] = ()


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "wrap": Operation("put a first adapter on a plain model", ("name", "adapter")),
        "add": Operation("add another adapter", ("name", "adapter")),
        "train": Operation("optimizer steps on a fixed batch", ("optimizer", "count")),
        "set": Operation("make one adapter the active one", ("name",)),
        "activate": Operation("make several adapters active", ("names",)),
        "disable": Operation("disable all adapters"),
        "enable": Operation("enable them again"),
        "without": Operation("look at the model in `with model.disable_adapter()`"),
        "merge": Operation(
            "merge adapters in place, the active ones where none is named", ("names",)
        ),
        "unmerge": Operation("unmerge all that is merged"),
        "delete": Operation("delete an adapter", ("name",)),
        "weighted": Operation(
            "add a weighted sum of adapters as a new one", ("name", "names", "kind")
        ),
        "load": Operation("save an adapter and load it under a new name", ("name", "name")),
        "reopen": Operation(
            "save all adapters and load them on a fresh base, active ones first", ("way",)
        ),
        "native": Operation("look at transformers' own load of an adapter", ("name",)),
        "resize": Operation("add rows to the vocabulary", ("count",)),
        "merge_and_unload": Operation("merge adapters and take all off", ("names",)),
        "unload": Operation("take all adapters off, unmerged"),
        "reload": Operation("save the plain model and load it", ("dtype",)),
    }
)
"""Every operation by name."""
CHOICES: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "optimizer": ("sgd", "adamw"),
        "kind": ("cat", "linear", "svd"),
        "way": ("peft", "auto"),
        "dtype": ("same", "float32", "bfloat16", "float16"),
        "rank": (2, 1, 4),
        "alpha": (2, 4, 1),
        "count": (1, 2, 3, 4),
    }
)
WEIGHTS = (0.5, 2.0, 1.0)
"""Of the adapters in a weighted sum, in order."""


@dataclass(frozen=True, repr=False)
class Program:
    """What a user does to one model; the first three fields are its stratum.

    ``repr`` omits defaults, is valid Python and pastes back.
    """

    device: str = "cpu"
    tied: bool = True
    ensure: bool = False
    family: str = "llama"
    dtype: str = "float32"
    autocast: bool = True
    seed: int = 0
    steps: tuple[Step, ...] = ()

    def __repr__(self) -> str:
        parts = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name in STRATUM_FIELDS or getattr(self, field.name) != field.default
        ]
        return f"Program({', '.join(parts)})"

    @property
    def base(self) -> Case:
        """A case with this program's base model."""
        return Case(
            device=self.device,
            tied=self.tied,
            ensure=self.ensure,
            placement="body",
            family=self.family,
            dtype=self.dtype,
            autocast=self.autocast,
            seed=self.seed,
        )

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations in order, without their arguments."""
        return tuple(step[0] for step in self.steps)

    @property
    def placements(self) -> tuple[str, ...]:
        """Where its adapters stand."""
        return tuple(dict.fromkeys(step[2] for step in self.steps if step[0] in ("wrap", "add")))

    @property
    def added(self) -> tuple[str, ...]:
        """Where the adapters stand that came after a first one."""
        return tuple(dict.fromkeys(step[2] for step in self.steps if step[0] == "add"))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its adapters."""
        given = {"wrap": 1, "add": 1, "weighted": 1, "load": 2}
        found = (step[given[step[0]]] for step in self.steps if step[0] in given)
        return tuple(dict.fromkeys(found))

    @property
    def stratum(self) -> ProgramStratum:
        """The stratum it belongs to."""
        return ProgramStratum(self.device, tied=self.tied, ensure=self.ensure)


STRATUM_FIELDS = ("device", "tied", "ensure")


@dataclass(frozen=True)
class ProgramStratum:
    """One cell that programs always cover."""

    device: str
    tied: bool
    ensure: bool

    @property
    def id(self) -> str:
        """``<device>-<tied|untied>-<ensure|default>-programs``."""
        return f"{self.device}-{tie_id(tied=self.tied, ensure=self.ensure)}-programs"


def program_strata(devices: tuple[str, ...]) -> tuple[ProgramStratum, ...]:
    """All strata of programs on these devices."""
    return tuple(
        ProgramStratum(device, tied=tied, ensure=ensure)
        for device in devices
        for tied in (True, False)
        for ensure in (False, True)
    )


def kinds(operation: str) -> tuple[str, ...]:
    """The kinds of the arguments that a step of this operation has, one for each."""
    found: list[str] = []
    for kind in OPERATIONS[operation].takes:
        found += ["placement", "rank", "alpha"] if kind == "adapter" else [kind]
    return tuple(found)


def parse_program(text: str) -> Program:
    """Read ``Program(...)`` as literals; raises CaseError, in one sentence."""
    from conformance.programs.plan import first_impossible

    values = literals(text, "Program")
    steps = values.pop("steps", ())
    unknown = set(values) - {field.name for field in fields(Program)}
    if unknown:
        known = ", ".join(field.name for field in fields(Program))
        raise CaseError(f"a program has no field {min(unknown)!r}; its fields are {known}")
    base = make_case({"placement": "body", **values})
    if base.family not in DECODERS:
        raise CaseError(f"programs are of decoder-only families, and {base.family} is none")
    if not isinstance(steps, (list, tuple)) or len(steps) > MOST_STEPS:
        raise CaseError(f"the steps of a program are at most {MOST_STEPS} tuples")
    program = Program(**{f.name: getattr(base, f.name) for f in fields(Program)[:-1]})
    program = Program(**{**vars(program), "steps": tuple(_step(step) for step in steps)})
    wrong = first_impossible(program)
    if wrong:
        raise CaseError(f"this program cannot exist: {wrong}")
    return program


def _step(step: Any) -> Step:
    """One step, checked for the number and the kinds of its arguments."""
    if not isinstance(step, (list, tuple)) or not step or step[0] not in OPERATIONS:
        known = ", ".join(OPERATIONS)
        raise CaseError(f"a step is a tuple that starts with one of {known}, not {step!r}"[:400])
    name, *given = step
    takes = kinds(name)
    if len(given) != len(takes):
        raise CaseError(f"the step {name!r} takes {len(takes)} arguments: {', '.join(takes)}")
    return (name, *(_argument(name, kind, value) for kind, value in zip(takes, given, strict=True)))


def _argument(step: str, kind: str, value: Any) -> Any:
    accepted: tuple[Any, ...] = CHOICES.get(kind, WORDS)
    if kind == "placement":
        accepted = tuple(PLACED)
    given = tuple(value) if kind == "names" and isinstance(value, (list, tuple)) else (value,)
    for one in given:
        if not any(type(one) is type(choice) and one == choice for choice in accepted):
            listed = ", ".join(map(repr, accepted))
            raise CaseError(f"the {kind} of the step {step!r} accepts {listed}, not {one!r}"[:400])
    return given if kind == "names" else value
