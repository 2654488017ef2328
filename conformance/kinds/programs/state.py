"""Where a program stands: the adapters that are there, and what is active, merged or tied."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.core.placements import ENDS

HALF = ("float16", "bfloat16")
Key = tuple[str, str, str]
"""Adapter, module and part: ``("default", "lm_head", "lora_A")``."""


@dataclass(frozen=True)
class Placed:
    """An adapter where it stands: the roles it targets and saves, the rows of its tokens.

    ``one`` says that embedding and head are promised to share it.
    """

    name: str
    placement: str
    rank: int
    alpha: int
    target: tuple[str, ...] = ()
    save: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    one: bool = False
    dora: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is LoRA alone."""
        return not self.save and not self.tokens and not self.dora

    @property
    def ends(self) -> frozenset[str]:
        """Which of embedding and head it changes."""
        return frozenset((*self.target, *self.save, *self.tokens)) & frozenset(ENDS)

    def has_all(self, worn: frozenset[tuple[str, str]]) -> bool:
        """Whether it saves or trains rows of each module that any adapter has done so with."""
        own = {"saves": self.save, "trains tokens of": self.tokens}
        return all(end in own[how] for how, end in worn if how in own)

    def clashes(self, other: Placed) -> bool:
        """Whether both save one module, or train tokens of one: they cannot both be active."""
        return bool(set(self.save) & set(other.save) or set(self.tokens) & set(other.tokens))


@dataclass(frozen=True)
class State:
    """Where a program stands.

    ``told`` says that PEFT chose the active adapter, which the model has to tell. ``merged`` are
    those merged in place. ``tied`` is about the base: its embedding and head are one tensor.
    ``last`` is the adapter that was last made active by itself; ``late`` are those that came on
    modules of their own while all were disabled. ``worn`` is how adapters have changed embedding
    or head since the model was wrapped: PEFT documents that deleting one leaves its layers there,
    and refuses a layer of another kind on them. ``cast`` says that the model was brought into its
    precision as a whole, with buffers that a load computes anew.
    """

    dtype: str
    tied: bool
    ensure: bool
    family: str
    rows: int = 0
    wrapped: bool = False
    adapters: tuple[Placed, ...] = ()
    active: tuple[str, ...] = ()
    told: bool = False
    merged: tuple[str, ...] = ()
    enabled: bool = True
    last: str = ""
    late: tuple[str, ...] = ()
    worn: frozenset[tuple[str, str]] = frozenset()
    cast: bool = False

    def named(self, *names: str) -> tuple[Placed, ...]:
        """The adapters of these names."""
        return tuple(one for one in self.adapters if one.name in names)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all adapters, in order."""
        return tuple(one.name for one in self.adapters)

    @property
    def counted(self) -> tuple[str, ...]:
        """The adapters that change what the model computes, in the order that they do so.

        DoRA scales what was there before it: what is merged comes first.
        """
        return tuple(dict.fromkeys((*self.merged, *self.active))) if self.enabled else ()


@dataclass(frozen=True)
class Outcome:
    """The state after a step; ``refusal`` is a pattern of the error it is refused with."""

    state: State
    refusal: str = ""


def kinds(*adapters: Placed) -> frozenset[tuple[str, str]]:
    """How these adapters change embedding or head, and which of them."""
    return frozenset((_kind(one, end), end) for one in adapters for end in one.ends)


def _kind(one: Placed, end: str) -> str:
    """How an adapter changes embedding or head."""
    if end in one.save:
        return "saves"
    return "trains tokens of" if end in one.tokens else "targets" if end in one.target else ""
