"""Observations: the plain facts seen in one life. No live model in them, and no judgement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.core.finding import tensor_subject
from conformance.core.placements import MATRICES

if TYPE_CHECKING:
    from torch import Tensor

    from conformance.core.case import Case

NUDGED = tuple(f"nudged-{number}" for number in range(1, 9))
"""Stages of the plain model with every weight moved by one eps, each time otherwise."""
FEW = NUDGED[:3]
"""What is taken of them but in half precision, where movements differ most."""


LONGEST = 110  # characters of a message that a failure repeats


def adapted_modules(names: Iterable[str], part: str = "") -> set[str]:
    """The modules of those names that are an adapter's, written ``<module> <part>``.

    ``part`` narrows them to parts that begin so.
    """
    return {name.partition(" ")[0] for name in names if f" {part}" in name}


CYCLES = 8
"""How often an adapter is merged in place and unmerged until the stage ``unmerged-often``."""


@dataclass(frozen=True)
class Snapshot:
    """What can be read off a model at one stage.

    ``weights`` and ``buffers`` are CPU clones by name, every name of a shared tensor included.
    ``shares`` groups the names that share storage. ``flags`` maps the dotted path of each
    ``tie_word_embeddings`` in the config to its value. ``modules`` maps names to
    ``<package>.<class>``; ``settings`` are all other values of its configs, as text. Names are
    those of the plain model: PEFT's prefix is taken off.
    """

    weights: Mapping[str, Tensor] = field(default_factory=dict)
    buffers: Mapping[str, Tensor] = field(default_factory=dict)
    logits: Tensor | None = None
    shares: frozenset[frozenset[str]] = frozenset()
    flags: Mapping[str, bool | None] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    trainable: frozenset[str] = frozenset()
    devices: Mapping[str, str] = field(default_factory=dict)
    traces: frozenset[str] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)

    def share(self, one: str, other: str) -> bool:
        """Whether the two named tensors have one storage."""
        return any({one, other} <= group for group in self.shares)


@dataclass(frozen=True)
class Saved:
    """What lies in a folder: tensors by file key, config.json as parsed, digests of all files."""

    tensors: Mapping[str, Tensor]
    config: Mapping[str, object]
    digests: Mapping[str, str]
    flags: Mapping[str, bool | None]


@dataclass(frozen=True)
class LoadReport:
    """What ``from_pretrained`` reported, sorted, and what it really left unrestored."""

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    reinitialised: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heard:
    """One warning or log line: its stage, where it was raised, whether it speaks of ties."""

    stage: str
    text: str
    source: str
    about_tying: bool

    @property
    def brief(self) -> str:
        """Its text on one line, cut where it is long."""
        text = " ".join(self.text.split())
        return f"{text[:LONGEST]}..." if len(text) > LONGEST else text


@dataclass(frozen=True)
class Trouble:
    """An error that ended the life or one of its branches.

    ``origin`` is the package whose code raised it; ``deliberate`` says that the last line of the
    traceback is a ``raise`` statement, so that somebody meant it.
    """

    stage: str
    branch: str
    type: str
    message: str
    origin: str
    deliberate: bool


@dataclass(frozen=True)
class Observation:
    """Everything seen in the life of ``case``.

    ``stages`` holds a snapshot for each stage reached; ``saved`` the folders ``merged``,
    ``merged-again``, ``adapter`` and ``adapter-again``; ``names`` the full module names of the
    roles ``MATRICES`` that the family has, and ``embedding-in-file`` and ``head-in-file`` the
    keys of these two in a checkpoint; ``called`` the adapted modules that a forward pass calls, and
    those of the tie; ``reached`` the trainable parameters that a gradient reaches, which alone are
    given values; ``plain_keys`` the checkpoint keys of a plain model by tie flag; ``targets`` the
    attention and mlp modules that the case asks to adapt; ``config_before`` and
    ``config_after`` the caller's adapter config around wrapping, ``config_held`` the model's.

    ``lacks`` says what the case asks for that the installed versions do not have: then it was
    not lived. ``absent`` gives, for a stage or an option they do not have either, the reason.
    ``merger`` names whose merger made what is ``merged``; empty for PEFT's own.
    """

    case: Case
    names: Mapping[str, str]
    stages: Mapping[str, Snapshot] = field(default_factory=dict)
    saved: Mapping[str, Saved] = field(default_factory=dict)
    loading: Mapping[str, LoadReport] = field(default_factory=dict)
    heard: tuple[Heard, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    targets: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
    reached: frozenset[str] = frozenset()
    plain_keys: Mapping[bool, frozenset[str]] = field(default_factory=dict)
    config_before: Mapping[str, object] = field(default_factory=dict)
    config_after: Mapping[str, object] = field(default_factory=dict)
    config_held: Mapping[str, object] = field(default_factory=dict)
    lacks: str = ""
    absent: Mapping[str, str] = field(default_factory=dict)
    merger: str = ""

    @property
    def embedding(self) -> str:
        """Name of the input embedding's weight."""
        return self.names["embedding"] + ".weight"

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the weights that are one in a tied model, the embedding's first."""
        return tuple(f"{self.names[role]}.weight" for role in MATRICES if role in self.names)

    @property
    def partner(self) -> str:
        """Name of the weight that the tie flag speaks of: the head's, where there is one."""
        return self.members[-1]

    @property
    def roles(self) -> dict[str, str]:
        """The roles of the modules that hold the matrices of the tie, by name."""
        return {self.names[role]: role for role in reversed(MATRICES) if role in self.names}

    def role(self, module: str) -> str:
        """The role of a module in the tie, or the name of one that has none."""
        return self.roles.get(module, module)

    def subject(self, *names: str) -> str:
        """What a finding about these tensors of the model is about."""
        roles = self.roles
        return ", ".join(tensor_subject(name, roles) for name in names)

    @property
    def left_behind(self) -> frozenset[str]:
        """Modules that carry an adapter and that no forward pass calls."""
        adapted = self.stages["adapted"]
        owners = adapted_modules(adapted.weights)
        for group in adapted.shares:  # what is one with a called module's takes part with it
            of_group = adapted_modules(group)
            if of_group & self.called:
                owners -= of_group
        return frozenset(owners - self.called)

    def tied_at(self, found: Snapshot) -> bool:
        """Whether embedding and head (an encoder's two embeddings) have one storage."""
        return found.share(self.embedding, self.partner)

    def across_devices(self, one: str, other: str) -> bool:
        """Whether a model lies on one device at one stage and on another at the other."""
        first, second = (set(self.stages[stage].devices.values()) for stage in (one, other))
        return bool(first and second) and first.isdisjoint(second)

    def ended_at(self) -> Trouble | None:
        """The error that ended the main line, if one did."""
        return next((trouble for trouble in self.troubles if trouble.branch == "main"), None)

    def heard_at(self, *stages: str) -> tuple[Heard, ...]:
        """What was heard at the given stages."""
        return tuple(heard for heard in self.heard if heard.stage in stages)
