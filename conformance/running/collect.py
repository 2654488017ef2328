"""Collecting: which items a test function has, whatever kind they are of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.running.regressions import RegressionError, read_all

if TYPE_CHECKING:
    from conformance.core.kind import Item, Kind
    from conformance.running.context import Context

ANY = "test_item"
"""The test function of the kinds that have none of their own."""
RECORDED = "test_regression"
"""The test function of the recorded cases, of whatever kind they are."""


def parametrize(metafunc: pytest.Metafunc, context: Context) -> None:
    """Make the items of a test function of the suite."""
    names, test = set(metafunc.fixturenames), metafunc.function.__name__
    if {"kind", "item"} <= names:
        found = _regressions(context) if test == RECORDED else items(test, context)
        params = [pytest.param(kind, item, id=name) for name, kind, item in found]
        metafunc.parametrize(("kind", "item"), params)
    elif "family" in names:
        families = () if context.options.single else context.options.families
        metafunc.parametrize("family", families)
    elif "cause" in names:
        causes = () if context.options.single else context.known.causes
        metafunc.parametrize("cause", causes, ids=[cause.id for cause in causes])


def items(test: str, context: Context) -> Iterator[tuple[str, Kind[Any, Any], Item[Any]]]:
    """The items of a test function, each with its part of the node id and its kind."""
    for kind in context.kinds:
        if context.options.merger is not None and not kind.merges:
            continue
        if test in (kind.tests or (ANY,)):
            start = "" if kind.tests else f"{kind.name}-"
            for item in _present(kind, kind.items(test, context.options), context):
                yield f"{start}{item.id}", kind, item


def _present(
    kind: Kind[Any, Any], found: Iterator[Item[Any]], context: Context
) -> Iterator[Item[Any]]:
    """The items; without CUDA one of a stratum says so, and not one for each invariant."""
    told: set[str] = set()
    for item in found:
        absent = item.device == "cuda" and not kind.lists_absent and context.device_absent("cuda")
        if not (absent and item.stratum and item.stratum in told):
            yield item
        told.add(item.stratum)


def _regressions(context: Context) -> Iterator[tuple[str, Kind[Any, Any], Item[Any]]]:
    """The recorded cases, with each invariant that they are recorded for."""
    if context.options.single:
        return
    try:
        recorded = read_all()
    except RegressionError as error:
        raise pytest.Collector.CollectError(str(error)) from None
    for one in recorded:
        kind = context.kind_of(one.case)
        for name in one.invariants:
            if name in context.options.invariants:
                for item in kind.given(one.case, (kind.checks[name],)):
                    told = replace(item, group="regression", stratum="")
                    yield f"{one.id}-{name}", kind, told
