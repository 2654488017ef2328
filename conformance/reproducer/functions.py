"""The functions of a script that depend on its case, by name, in the order they are read in."""

from __future__ import annotations

from collections.abc import Callable

from conformance.reproducer import adapters, bases
from conformance.reproducer.writing import Writing

FUNCTIONS: dict[str, Callable[[Writing], str]] = {
    function.__name__: function
    for function in (
        bases.build,
        bases.load_base,
        bases.grow,
        adapters.wrap,
        adapters.fill_adapter,
        adapters.steps,
        adapters.defined,
        bases.fill,
        bases.logits,
        bases.paths,
        adapters.check_separate_adapters,
    )
}
