"""Regions: conditions on the fields of a case, and on what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.core.kind import AnyCase
from conformance.kinds.programs.hazards import situations
from conformance.kinds.programs.program import Program
from conformance.kinds.tuners.case import TunerCase
from tiny_models.families import FAMILIES

# What follows from a case and decides more than its fields do: PEFT goes by this name, and what
# goes in and comes out.
FACTS: dict[str, Callable[[AnyCase], str | tuple[str, ...]]] = {
    "embedding_name": lambda case: FAMILIES[case.family].embedding.rpartition(".")[2],
    "shape": lambda case: FAMILIES[case.family].shape,
    "tuner_kind": lambda case: case.what.kind if isinstance(case, TunerCase) else "LORA",
    "operations": lambda case: case.operations if isinstance(case, Program) else (),
    "situations": lambda case: situations(case) if isinstance(case, Program) else (),
}


def unmet(region: Mapping[str, Any], case: AnyCase) -> Iterator[str]:
    """The conditions of a region that a case does not meet, by name."""
    for name, accepted in region.items():
        if name not in FACTS and not hasattr(case, name):
            yield name  # a region of pipelines has no plain loading in it
            continue
        value = FACTS[name](case) if name in FACTS else getattr(case, name)
        if not _accepts(accepted, value):
            yield name


def _accepts(accepted: Any, value: Any) -> bool:
    """Whether a condition of a region accepts the value of a case."""
    if isinstance(accepted, Mapping) and "has" in accepted:
        return bool(set(accepted["has"]) & set(value))
    if isinstance(accepted, Mapping):
        return value not in accepted["not"]
    return value in accepted


def conditions(written: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions of a region as a table writes them, lists made tuples."""
    return {name: _accepted(value) for name, value in written.items()}


def _accepted(value: Any) -> Any:
    if isinstance(value, dict):
        ((how, values),) = value.items()
        return {how: _plain(values)}
    return _plain(value if isinstance(value, list) else [value])


def _plain(values: list[Any]) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)
