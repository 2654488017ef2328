"""Shrinking a model's config: every size made tiny, every structure kept.

Kept are the type, tie flags, activations, biases, scalings and nested configs; whether heads
share keys (all, some, one), whether heads times their width is the width of the body, which
widths are equal, the order of layer types, and which tokens are one. Nothing here asks
transformers: it is arithmetic on plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.core.user_files import InputError, shown, walk
from conformance.kinds.user_config.sizes import (
    HEAD_DIM,
    HEADS,
    HIDDEN,
    KV_HEADS,
    LONGEST_LIST,
    MOST,
    kind_of,
)

WIDTH, OTHER_WIDTH = 32, 48
"""Of the first body met, and of bodies whose own width is another (a vision tower's)."""
ROWS = 64
POSITIONS = 64
FEW = 8  # what is counted and has no better rule
SPECIAL = 16  # rows below it are ordinary tokens; special ones follow


def check_sizes(config: Mapping[str, Any], what: str) -> None:
    """Raise InputError for a number that no model has: building would eat the machine."""
    for path, value in walk(config):
        if isinstance(value, list) and len(value) > LONGEST_LIST:
            raise InputError(f"{what}: {shown('.'.join(path))} lists {len(value)} values")
        if isinstance(value, bool) or not isinstance(value, int) or not path:
            continue
        name = next((part for part in reversed(path) if not part.isdigit()), "")
        most = MOST[kind_of(name)]
        if not -most <= value <= most:
            raise InputError(f"{what}: {shown('.'.join(path))} is {shown(value)}, no model's size")
        if value < 0 and kind_of(name) in {"layers", "hidden", "heads", "vocab", "width"}:
            raise InputError(f"{what}: {shown('.'.join(path))} is {value}, no model's size")


@dataclass
class Shrinking:
    """One config on its way; ``layers`` is how many are to be left of each stack.

    ``kept_layers`` gives, for each original number of layers met, the original ones that stay.
    """

    layers: int
    widths: dict[int, int] = field(default_factory=dict)
    tokens: dict[int, int] = field(default_factory=dict)
    kept_layers: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def config(self, full: Mapping[str, Any]) -> dict[str, Any]:
        """The shrunk config; ``full`` holds every setting, defaults too."""
        bodies = [(path, body) for path, body in walk(full) if isinstance(body, Mapping)]
        # the text's own body first, outer ones before those inside
        bodies.sort(key=lambda found: (len(found[0]), "vocab_size" not in found[1], found[0]))
        for _, body in bodies:
            for width in (body[n] for n in HIDDEN if _is_number(body.get(n)) and body[n] > 0):
                if width not in self.widths:
                    self.widths[width] = min(width, OTHER_WIDTH if self.widths else WIDTH)
        return self._body(full)

    def _body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        for name, value in body.items():
            if kind_of(name) == "layers" and _is_number(value):
                self.kept_layers.setdefault(value, _kept(value, self.layers, body))
        shape = _Heads.of(body, self.widths)
        return {name: self._value(name, value, body, shape) for name, value in body.items()}

    def _value(self, name: str, value: Any, body: Mapping[str, Any], shape: _Heads) -> Any:
        if isinstance(value, Mapping):
            nested = {"rope_scaling", "rope_parameters"}
            return self._rope(value, shape) if name in nested else self._body(value)
        if isinstance(value, list):
            return self._list(name, value, body, shape)
        if not _is_number(value):
            return value
        kind = kind_of(name)
        rules: dict[str, Callable[[int], int]] = {
            "layers": lambda n: len(self.kept_layers.get(n, range(min(n, self.layers)))),
            "hidden": lambda n: self.widths.get(n, n),
            "heads": lambda n: shape.heads if n > 1 else n,
            "kv": lambda n: shape.kv if n != shape.was_heads else shape.heads,
            "head_dim": lambda n: min(n, shape.dim),
            "vocab": lambda n: min(n, ROWS),
            "positions": lambda n: min(n, POSITIONS // 2 if "original" in name else POSITIONS),
            "window": lambda n: min(n, POSITIONS // 2),
            "experts": lambda n: min(n, 4),
            "chosen": lambda n: min(n, 2),
            "groups": lambda n: min(n, 1),
            "image": lambda n: min(n, 16),
            "patch": lambda n: min(n, 8),
            "image_tokens": lambda n: min(n, 4),
            "token": self._token,
            "kept": lambda n: n,
            "width": lambda n: self._width(n, body),
            "count": lambda n: min(n, FEW),
            "": lambda n: n,
        }
        return rules[kind](value)

    def _width(self, value: int, body: Mapping[str, Any]) -> int:
        if value in self.widths:
            return self.widths[value]
        hidden = _first(body, HIDDEN)
        if hidden is None:
            return min(value, WIDTH)
        scaled = round(value * self.widths.get(hidden, WIDTH) / hidden / 8) * 8
        return min(value, max(8, min(scaled, 8 * WIDTH)))

    def _token(self, value: int) -> int:
        """Another row for each special token, apart from the ordinary ones."""
        if value < 0:
            return value
        if value not in self.tokens:
            self.tokens[value] = SPECIAL + len(self.tokens) % (ROWS // 2)
        return self.tokens[value]

    def _list(self, name: str, value: list[Any], body: Mapping[str, Any], shape: _Heads) -> Any:
        if kind_of(name.removesuffix("s")) == "token":
            return [self._token(item) if _is_number(item) else item for item in value]
        layers = len(value)
        if layers in self.kept_layers and layers in _layers_of(body):
            kept = self.kept_layers[layers]
            return [self._value(name, value[n], body, shape) for n in kept]
        if "layer" in name and all(_is_number(item) for item in value):
            # numbers of layers: where they are now, as far as they are kept
            every = next((k for n, k in self.kept_layers.items() if n in _layers_of(body)), ())
            return [every.index(item) for item in value if item in every]
        return [self._value(name, item, body, shape) for item in value]

    def _rope(self, rope: Mapping[str, Any], shape: _Heads) -> dict[str, Any]:
        """Rotary settings: factors stay, lists get as long as half a head is wide."""
        half = max(1, shape.dim // 2)
        found: dict[str, Any] = {}
        for name, value in rope.items():
            if isinstance(value, Mapping):
                found[name] = self._rope(value, shape)
            elif isinstance(value, list) and name == "mrope_section":
                found[name] = _parts(half, len(value))
            elif isinstance(value, list):
                found[name] = value[: max(1, round(len(value) * shape.shrunk))]
            elif kind_of(name) == "positions" and _is_number(value):
                found[name] = min(value, POSITIONS // 2)  # below the positions there are now
            else:
                found[name] = value
        return found


@dataclass(frozen=True)
class _Heads:
    """Attention of one body: heads, those with keys of their own, width of one."""

    was_heads: int
    heads: int
    kv: int
    dim: int
    shrunk: float

    @classmethod
    def of(cls, body: Mapping[str, Any], widths: Mapping[int, int]) -> _Heads:
        """The structure of the original in few and narrow heads."""
        was = _first(body, HEADS) or 1
        kv = _first(body, KV_HEADS) or was
        some = 1 < kv < was
        heads = min(was, 4 if some else 2)
        hidden = _first(body, HIDDEN) or WIDTH
        width = widths.get(hidden, WIDTH)
        dim = max(2, width // heads)
        own = _first(body, HEAD_DIM) or hidden // was or 1
        if was * own != hidden and _first(body, ("head_dim", "d_kv")):
            dim = 2 * width // heads
        return cls(was, heads, min(kv, 2 if some else 1), dim, dim / own)


def _kept(count: int, left: int, body: Mapping[str, Any]) -> tuple[int, ...]:
    """Which layers of a stack stay: the first of each type, then the first of all, in order."""
    left = min(count, left)
    listed = [v for v in body.values() if isinstance(v, list) and len(v) == count]
    types = next((v for v in listed if v and all(isinstance(item, str) for item in v)), [])
    firsts = [types.index(kind) for kind in dict.fromkeys(types)]
    rest = [n for n in range(count) if n not in firsts]
    return tuple(sorted([*firsts, *rest][:left]))


def _layers_of(body: Mapping[str, Any]) -> set[int]:
    return {v for k, v in body.items() if kind_of(k) == "layers" and _is_number(v)}


def _first(body: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    return next((body[n] for n in names if _is_number(body.get(n)) and body[n] > 0), None)


def _parts(total: int, count: int) -> list[int]:
    """``total`` cut into ``count`` parts as even as can be, the last the largest."""
    least = total // max(count, 1)
    return [least] * (count - 1) + [total - least * (count - 1)] if count else []


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
