"""Which items xdist keeps on one worker: those that share what was observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from conformance.core.kind import AnyCase
    from conformance.known_failures.read import KnownFailures

OWN_ITEMS = "conformance/test_own.py::"
WITNESSES = "conformance/test_known_failures.py::test_witness"


def scope_of_item(nodeid: str) -> str:
    """The item's id without its invariant: what shares this shares its observations."""
    if nodeid.startswith(OWN_ITEMS):
        return OWN_ITEMS
    ends = {f"-{name}]" for kind in KINDS for name in kind.checks}
    # the longest: some ids end in others
    end = max((end for end in ends if nodeid.endswith(end)), key=len, default="")
    return nodeid.removesuffix(end)


def scopes_of_witnesses(known: KnownFailures) -> Mapping[str, str]:
    """For each entry's items, the scope of the first entry that has the same witness."""
    first: dict[AnyCase, str] = {}
    return {
        f"{WITNESSES}[{entry.id}": first.setdefault(entry.witness, f"{WITNESSES}[{entry.id}")
        for entry in known.entries
    }


def scheduler(config: pytest.Config, log: Any, known: KnownFailures) -> Any:
    """A scheduler of xdist that keeps all items on a stratum, or a recorded case, together."""
    from xdist.scheduler import LoadScopeScheduling

    shared = scopes_of_witnesses(known)

    class ByStratum(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            scope = scope_of_item(nodeid)
            return shared.get(scope, scope)

    return ByStratum(config, log)
