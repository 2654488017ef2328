"""A user's adapter config, read and clipped to the tiny model; what was changed is told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.core.user_files import InputError, file_at, named, read_json, shown
from conformance.kinds.user_config.fields import FEED_FORWARD, OF_TUNERS, checked, not_followed
from conformance.kinds.user_config.matching import PLAIN_NAME, check_expressions

MOST_LAYERS = 12
NUMBER = re.compile(r"(?:^|(?<=\.))\d+(?=\.|$)")
MOST_TOKENS = 8
TOKENS = ("trainable_token_indices", "token_indices")
"""Where rows of the vocabulary are named: LoRA's field, and that of a tuner of tokens alone."""
FEW = 8  # rows that ordinary tokens have in every vocabulary
MOST_RANKED = 4
FEW_TOLD = 3


@dataclass(frozen=True)
class RawAdapter:
    """An adapter config as it was read: the arguments that are followed, and what is not.

    ``kind`` is its ``peft_type``, ``tuner`` its line in the table of tuners. ``sizes`` are further
    arguments, which fit a tiny model as they are.
    """

    path: Path
    arguments: Mapping[str, Any]
    notes: tuple[str, ...]
    kind: str = "LORA"
    tuner: str = "lora"
    sizes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return "LoRA" if self.kind == "LORA" else self.kind

    @property
    def layers(self) -> int:
        """How many layers the tiny model needs, so that those named and others are apart."""
        names = [*self._plain(), *map(str, _listed(self.arguments.get("layers_to_transform")))]
        numbers = [int(n) for text in self._expressions() for n in re.findall(r"\d+", text)[:50]]
        if numbers:
            return max(4, min(max(numbers) + 1, MOST_LAYERS))
        return 4 if any(NUMBER.search(name) for name in names) else 2

    def _texts(self) -> list[str]:
        found: list[str] = []
        for name in ("target_modules", "exclude_modules", "modules_to_save", FEED_FORWARD):
            value = self.arguments.get(name) or ()
            found += [value] if isinstance(value, str) else value
        for name in ("rank_pattern", "alpha_pattern", "target_parameters"):
            found += list(self.arguments.get(name) or ())
        return [text for text in found if text != "all-linear"]

    def _plain(self) -> list[str]:
        return [text for text in self._texts() if PLAIN_NAME.fullmatch(text)]

    def _expressions(self) -> list[str]:
        return [text for text in self._texts() if not PLAIN_NAME.fullmatch(text)]


def read_adapter(given: str) -> RawAdapter:
    """Read an adapter config at a path; raises InputError with one sentence."""
    from conformance.upstream import tuner_types

    path = file_at(given, "adapter_config.json")
    raw = read_json(path)
    what = named(path)
    kind = raw.get("peft_type")
    if not isinstance(kind, str):
        raise InputError(f"{what} has no peft_type, so no adapter can be made of it")
    known = tuner_types.peft_types()
    if kind not in known:
        raise InputError(f"{what}: the installed PEFT knows no peft_type {shown(kind)}")
    if not known[kind]:
        raise InputError(f"{what}: peft_type {kind} adds nothing to weights and cannot be merged")
    if kind != "LORA":
        return _read_tuner(path, raw, kind)
    arguments = checked(raw, what)
    check_expressions(arguments, what)
    notes = [f"{name} is not covered, and left out" for name in not_followed(raw)]
    fields = tuner_types.tuner_fields("LORA")
    for name in [name for name in arguments if name not in fields]:
        del arguments[name]
        notes.append(f"{name} is left out: the installed PEFT has no such field")
    return RawAdapter(path, arguments, tuple(notes))


def _read_tuner(path: Path, raw: Mapping[str, Any], kind: str) -> RawAdapter:
    """An adapter other than LoRA, which stands where it is asked to and has sizes of the table."""
    from conformance.kinds.user_config.tuners import sizes_of, tuner_of  # imports torch
    from conformance.upstream import tuner_types as upstream_tuner_types

    what = named(path)
    tuner = tuner_of(kind, what)
    fields = upstream_tuner_types.tuner_fields(kind)
    arguments = checked(raw, what, [name for name in OF_TUNERS if name in fields])
    check_expressions(arguments, what)
    if "target_modules" not in arguments:
        raise InputError(f"{what} has no target_modules, and only LoRA's own choice is known here")
    sizes, notes = sizes_of(tuner, raw)
    return RawAdapter(path, arguments, tuple(notes), kind, tuner, sizes)


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else () if value is None else (value,)


@dataclass(frozen=True)
class Clipping:
    """What of the original model is where in the tiny one: layers, rows."""

    layers: int
    left: int
    rows: int
    tiny_rows: int
    special: Mapping[int, int]

    def arguments(self, raw: RawAdapter) -> tuple[dict[str, Any], list[str]]:
        """The clipped arguments, and a sentence for each thing that is not as it was."""
        found, notes = dict(raw.arguments), []
        ranks = sorted({found.get("r", 1), *found.get("rank_pattern", {}).values()})
        smaller = self._ranks(ranks)
        if any(smaller[rank] != rank for rank in ranks):
            listed = ", ".join(f"{rank} is {smaller[rank]}" for rank in ranks)
            notes.append(f"ranks are clipped to the tiny model: {listed}")
            found["r"] = smaller[found["r"]]
            if "rank_pattern" in found:
                patterns = found["rank_pattern"]
                found["rank_pattern"] = {key: smaller[rank] for key, rank in patterns.items()}
        notes += self._renumber(found)
        for name in TOKENS:
            if name in found:
                found[name], told = self._tokens(name, found[name], named(raw.path))
                notes += told
        return {**raw.sizes, **found}, notes

    def _ranks(self, ranks: list[int]) -> dict[int, int]:
        """Small ranks in the order of the original ones, equal where those are."""
        if ranks[-1] <= MOST_RANKED:
            return {rank: rank for rank in ranks}
        start = max(1, MOST_RANKED - len(ranks) + 1)
        return {rank: min(rank, start + n) for n, rank in enumerate(ranks)}

    def layer(self, number: int) -> int:
        """Where an original layer is now; one that was never there stays so."""
        return number * self.left // self.layers if 0 <= number < self.layers else number

    def _renumber(self, found: dict[str, Any]) -> list[str]:
        if self.left == self.layers:
            return []
        before = dict(found)
        if "layers_to_transform" in found:
            value = found["layers_to_transform"]
            moved = list(dict.fromkeys(self.layer(n) for n in _listed(value)))
            found["layers_to_transform"] = moved if isinstance(value, list) else moved[0]
        lists = ("target_modules", "exclude_modules", "modules_to_save", "target_parameters")
        for name in (*lists, FEED_FORWARD):
            if isinstance(found.get(name), list):
                found[name] = list(dict.fromkeys(map(self._name, found[name])))
        for name in ("rank_pattern", "alpha_pattern"):
            if name in found:
                found[name] = {self._name(key): value for key, value in found[name].items()}
        changed = [name for name, value in found.items() if value != before.get(name)]
        text = f"{self.left} of {self.layers} layers are left"
        return [f"{text}: numbers of layers in {', '.join(changed)} follow"] if changed else []

    def _name(self, name: str) -> str:
        if not PLAIN_NAME.fullmatch(name):
            return name
        return NUMBER.sub(lambda match: str(self.layer(int(match[0][:9]))), name, count=1)

    def _tokens(self, field: str, given: Any, what: str) -> tuple[Any, list[str]]:
        lists = given if isinstance(given, Mapping) else {"": given}
        every = list(dict.fromkeys(row for rows in lists.values() for row in rows))
        outside = [row for row in every if not 0 <= row < self.rows]
        if outside:
            raise InputError(
                f"{what}: {field} holds {outside[0]}, outside the model's vocabulary of {self.rows}"
            )
        # those of one list alone first: lists that differ must still differ
        every.sort(key=lambda row: sum(row in rows for rows in lists.values()))
        kept = self._rows(every[:MOST_TOKENS])
        clipped = {
            name: [kept[row] for row in dict.fromkeys(rows) if row in kept]
            for name, rows in lists.items()
        }
        clipped = {name: rows or [self.tiny_rows - 1] for name, rows in clipped.items()}
        notes = []
        moved = [f"{row} is {kept[row]}" for row in every if row in kept and kept[row] != row]
        if moved or len(kept) < len(every):
            more = ", ..." if len(moved) > FEW_TOLD else ""
            notes.append(
                f"{len(kept)} of {len(every)} token indices are kept, as rows of a vocabulary of "
                f"{self.tiny_rows}: {', '.join(moved[:FEW_TOLD])}{more}"
            )
        return (clipped if isinstance(given, Mapping) else clipped[""]), notes

    def _rows(self, rows: list[int]) -> dict[int, int]:
        """A row of the tiny vocabulary for each original one: its own, its token's, or a last."""
        found: dict[int, int] = {}
        for row in rows:
            taken = set(found.values())
            wanted = [self.special[row]] if row in self.special else [row] if row < FEW else []
            every = [*wanted, *reversed(range(self.tiny_rows))]
            found[row] = next(choice for choice in every if choice not in taken)
        return found
