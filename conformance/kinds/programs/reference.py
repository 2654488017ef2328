"""The reference: a plain, untied description of what the model computes, in float64.

Our own few lines for every operation, of torch alone. Nothing of PEFT's is in it but the values
that training gives to an adapter, which are read from the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.kinds.programs.arguments import WEIGHTS
from conformance.kinds.programs.state import Placed, State

if TYPE_CHECKING:
    from torch import Tensor

Parts = Mapping[tuple[str, str], "Tensor"]
"""The values of an adapter, by module and part, such as ``("lm_head", "lora_A")``."""
EMBEDDING, MAGNITUDE = "lora_embedding", "lora_magnitude_vector"
FIRST = {f"{kind}_A": f"{kind}_B" for kind in ("lora", EMBEDDING)}
"""The factor that comes first, with a row for each rank, and the other, with a column."""


@dataclass
class Reference:
    """The base's weights by plain name, every name of a tie included, and adapters by name.

    ``turned`` names the modules that keep their matrix the other way round (``Conv1D``);
    ``largest`` is how large each entry of each weight has ever been while something was merged;
    ``roundings`` counts how often a weight was written to.
    """

    base: dict[str, Tensor]
    turned: frozenset[str]
    adapters: dict[str, dict[tuple[str, str], Tensor]] = field(default_factory=dict)
    scaling: dict[str, float] = field(default_factory=dict)
    rows: dict[str, tuple[int, ...]] = field(default_factory=dict)
    largest: dict[str, Tensor] = field(default_factory=dict)
    roundings: int = 0

    def put(self, one: Placed, parts: Parts) -> None:
        """A new adapter, with the values it was given."""
        self.adapters[one.name] = dict(parts)
        self.scaling[one.name] = one.alpha / one.rank
        self.rows[one.name] = one.rows

    def copy(self, source: str, name: str) -> None:
        """An adapter under another name."""
        self.adapters[name] = dict(self.adapters[source])
        self.scaling[name], self.rows[name] = self.scaling[source], self.rows[source]

    def delete(self, name: str) -> None:
        """Forget an adapter."""
        for known in (self.adapters, self.scaling, self.rows):
            del known[name]

    def weigh(self, name: str, names: Iterable[str], how: str) -> None:
        """A weighted sum of adapters: of what they add (exactly), or of their factors.

        PEFT's documentation of ``add_weighted_adapter``: ``cat`` and ``svd`` are precise,
        ``linear`` adds up the factors, each with the root of its weight and scaling.
        """
        import torch

        found: dict[tuple[str, str], list[tuple[float, Tensor]]] = {}
        for source, weight in zip(names, WEIGHTS, strict=False):
            by = weight * self.scaling[source]
            for (module, part), tensor in self.adapters[source].items():
                found.setdefault((module, part), []).append((by, tensor))
        parts = {}
        for (module, part), terms in found.items():
            if how == "linear":
                parts[module, part] = sum(
                    (math.sqrt(by) * tensor for by, tensor in terms[1:]),
                    math.sqrt(terms[0][0]) * terms[0][1],
                )
            elif part.endswith("A"):
                parts[module, part] = torch.cat([by * tensor for by, tensor in terms], dim=0)
            else:
                parts[module, part] = torch.cat([tensor for _, tensor in terms], dim=1)
        self.adapters[name], self.scaling[name], self.rows[name] = parts, 1.0, ()

    def delta(self, name: str, module: str) -> Tensor | None:
        """What LoRA adds to a module's matrix, (out, in) as torch's Linear keeps it, or None."""
        parts = self.adapters[name]
        for kind in ("lora", EMBEDDING):
            if (module, f"{kind}_A") in parts:
                return self.scaling[name] * (
                    parts[module, f"{kind}_B"] @ parts[module, f"{kind}_A"]
                )
        return None

    def deltas(self, name: str) -> dict[str, Tensor]:
        """What LoRA adds to each module of an adapter."""
        every = {module: self.delta(name, module) for module in self.modules(name)}
        return {module: delta for module, delta in every.items() if delta is not None}

    def take_up(self, name: str, parts: Parts) -> frozenset[str]:
        """Give an adapter the model's parts; the modules whose factors do not fit keep ours."""
        unfit = frozenset(
            module
            for module, part in parts
            if part in FIRST and len(parts[module, part]) != parts[module, FIRST[part]].shape[1]
        )
        ours = {key: one for key, one in self.adapters[name].items() if key[0] in unfit}
        self.adapters[name] = {k: v for k, v in parts.items() if k[0] not in unfit} | ours
        return unfit

    def as_kept(self, name: str, module: str, matrix: Tensor) -> Tensor:
        """The matrix the way the module keeps it: an embedding's has a row for each token."""
        embeds = (module, f"{EMBEDDING}_A") in self.adapters[name]
        return matrix.T if embeds or module in self.turned else matrix

    def modules(self, name: str) -> tuple[str, ...]:
        """The modules that an adapter stands on."""
        return tuple(dict.fromkeys(module for module, _ in self.adapters[name]))

    def scaled(self, name: str, module: str, matrix: Tensor) -> Tensor:
        """What an adapter makes of a module's matrix, (out, in), that others may have changed.

        LoRA adds its delta. DoRA then gives each row its magnitude, by the norm that it has where
        the adapter stands alone on the base (arXiv:2402.09353, and PEFT's forward and merge): of an
        embedding, whose matrix is turned, that is each feature.
        """
        delta = self.delta(name, module)
        if delta is None:
            return matrix
        return self.factor(name, module) * (matrix + delta)

    def factor(self, name: str, module: str) -> Tensor:
        """What DoRA scales each row of a module's matrix by, a column; of LoRA, one."""
        import torch

        delta, magnitude = self.delta(name, module), self.adapters[name].get((module, MAGNITUDE))
        assert delta is not None
        if magnitude is None:
            return torch.ones(len(delta), 1, dtype=delta.dtype)
        alone = self.as_kept(name, module, self.base[f"{module}.weight"]) + delta
        norms: Tensor = torch.linalg.vector_norm(alone, dim=1)
        return (magnitude.flatten() / norms)[:, None]

    def effective(self, names: Iterable[str]) -> dict[str, Tensor]:
        """The weights of a plain model that computes what the base does with these adapters."""
        import torch

        found = dict(self.base)
        chosen = tuple(names)
        for name in chosen:
            for (module, part), tensor in self.adapters[name].items():
                if part.startswith("saved "):
                    found[f"{module}.{part.removeprefix('saved ')}"] = tensor
                elif part == "trainable_tokens_delta":
                    weight = f"{module}.weight"
                    rows = torch.tensor(self.rows[name])
                    found[weight] = found[weight].index_copy(0, rows, tensor)
        for name in chosen:
            for module in self.modules(name):
                if self.delta(name, module) is not None:
                    weight = f"{module}.weight"
                    matrix = self.as_kept(name, module, found[weight])
                    found[weight] = self.as_kept(name, module, self.scaled(name, module, matrix))
        return found

    def wrote(self, state: State) -> None:
        """A weight was written to, merging or unmerging: what is merged now is in it."""
        import torch

        self.roundings += 1
        for name, tensor in self.effective(state.merged).items():
            before = self.largest.get(name)
            same = before is not None and before.shape == tensor.shape
            self.largest[name] = torch.maximum(before, tensor.abs()) if same else tensor.abs()  # type: ignore[arg-type]

    def lengthen(self, ends: Mapping[str, Tensor]) -> None:
        """Embedding and head as they were, and below that the rows that they have more now."""
        import torch

        for name, now in ends.items():
            before = self.base[name]
            self.base[name] = torch.cat([before, now[len(before) :]])

    def rebase(self, names: Iterable[str]) -> None:
        """The base takes up these adapters, and all are gone."""
        self.base = self.effective(names)
        self.strip()

    def strip(self) -> None:
        """All adapters are gone."""
        for known in (self.adapters, self.scaling, self.rows):
            known.clear()

    def cast(self, dtype: str) -> None:
        """Everything as it is in another precision: loaded in it, or brought there."""
        import torch

        kind = getattr(torch, dtype)
        self.base = {name: tensor.to(kind).double() for name, tensor in self.base.items()}
        for name, parts in self.adapters.items():
            self.adapters[name] = {key: one.to(kind).double() for key, one in parts.items()}
        self.roundings += 1
