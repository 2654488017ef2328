"""Items of the suite: which there are, and the record each fills."""

from __future__ import annotations

import pytest

from conformance.core.record import Record
from conformance.hooks import CONTEXT
from conformance.running.collect import parametrize
from conformance.running.outcome import ITEM_RECORD


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """The record of this item, sent with its report."""
    made = Record(item=request.node.nodeid, kind=request.node.originalname)
    request.node.stash[ITEM_RECORD] = made
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the items of every kind of test, the witnesses and the recorded cases."""
    if CONTEXT in metafunc.config.stash:
        parametrize(metafunc, metafunc.config.stash[CONTEXT])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the placeholders pytest makes for empty parameter sets."""
    kept = [item for item in items if "NOTSET" not in item.name]
    if len(kept) != len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
