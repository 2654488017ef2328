"""Which items xdist keeps on one worker: those that share what was observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.kinds import KINDS

if TYPE_CHECKING:
    import pytest

OWN_ITEMS = "conformance/test_own.py::"


def scope_of_item(nodeid: str) -> str:
    """The item's id without its invariant: what shares this shares its observations."""
    if nodeid.startswith(OWN_ITEMS):
        return OWN_ITEMS
    ends = {f"-{name}]" for kind in KINDS for name in kind.checks}
    # the longest: some ids end in others
    end = max((end for end in ends if nodeid.endswith(end)), key=len, default="")
    return nodeid.removesuffix(end)


def scheduler(config: pytest.Config, log: Any) -> Any:
    """A scheduler of xdist that keeps all items on a stratum, or a recorded case, together."""
    from xdist.scheduler import LoadScopeScheduling

    class ByStratum(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return scope_of_item(nodeid)

    return ByStratum(config, log)
