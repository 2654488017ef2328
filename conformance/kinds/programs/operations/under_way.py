"""What an operation meets: the live model under way, and what lies around a step of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from conformance.kinds.programs.state import Key, Placed, State

if TYPE_CHECKING:
    from torch import Tensor


class Model(Protocol):
    """The live model: plain, or wrapped by PEFT, with the plain base it was wrapped on.

    What is a call of one line, an operation does to ``model`` itself; what depends on versions,
    or fills in values, is done here.
    """

    model: Any
    pristine: Any

    def wrap(self, state: State, one: Placed) -> None:
        """Put a first adapter on the plain model."""

    def add(self, state: State, one: Placed) -> None:
        """Put another adapter on."""

    def save(self, *names: str) -> str:
        """Save these adapters; the folder."""

    def name_base(self) -> None:
        """Save the plain base, and name it in the config of every adapter."""

    def open(self, folder: str, name: str, *, dtype: str = "") -> None:
        """Load a first adapter on a fresh base: on the one its config names, where ``dtype`` is."""

    def load(self, folder: str, source: str, name: str) -> None:
        """Load another adapter, under this name."""

    def native(self, folder: str, name: str) -> Any:
        """A fresh base with an adapter that transformers loaded itself."""

    def native_adds(
        self, state: State, chosen: tuple[Placed, ...]
    ) -> Iterator[tuple[str, Any, str]]:
        """What was done, a model that transformers put adapters on, and the active one."""

    def resize(self, added: int) -> None:
        """Make the vocabulary that many rows longer than it was at first."""

    def cast(self, dtype: str) -> None:
        """Bring the model into another precision, and the plain base beside it."""

    def bare(self, model: Any) -> None:
        """Go on with a plain model."""

    def reload(self, dtype: str) -> None:
        """Save the plain model and load it."""


class UnderWay(Protocol):
    """A program under way, in the ``state`` before the step."""

    state: State

    @property
    def live(self) -> Model:
        """Its model."""

    def look(self, what: str, model: Any, names: tuple[str, ...]) -> None:
        """Compare a model with the reference with these adapters, beside the step's own look."""

    def look_at_rows(self, names: tuple[str, ...], *, generates: bool) -> None:
        """Compare a batch whose rows name their adapters with the reference of each row."""

    def go_on_with_a_copy(self) -> None:
        """Make a copy the model under way, and leave the original as it is."""

    def train(self, optimizer: str, count: int) -> None:
        """Train the model, beside the gradients that the reference gives."""


@dataclass(frozen=True)
class Change:
    """What lies around a step.

    ``parts`` are the values of the model's adapters afterwards: what a new one was given, and what
    training made of them. ``ends`` are embedding and head of its base afterwards.
    """

    before: State
    after: State
    parts: Mapping[Key, Tensor]
    ends: Mapping[str, Tensor]

    def of(self, name: str) -> dict[tuple[str, str], Tensor]:
        """The values of one adapter."""
        return {key[1:]: one for key, one in self.parts.items() if key[0] == name}
