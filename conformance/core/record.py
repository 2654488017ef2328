"""Records: what each item says for people and machines, written as the run goes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

RESULTS = (
    "holds",
    "breaks",
    "not applicable",
    "not judged",
    "not run",
    "error",
    "skipped",
    "fixed here",
)
DECLARED = ("known", "arguable")
"""What an item is whose promise is broken as somebody declared; not agreed to be wrong is less."""
SELDOM = ("violations", "declared")
"""Fields that few records have, and that are written where they hold something."""
KEY = "conformance"
"""The name under which a record travels in a report's user properties."""


@dataclass
class Record:
    """One item: what it judged and how that ended.

    ``known`` maps ids of causes to (broken, judged) cases that their ``when`` has; ``verdicts``
    counts the lives of the stratum by verdict for people. ``worst`` is the largest difference
    met, against its ``allowance``; ``case`` the simplest failing case, and ``heard`` what its user
    was told about the tie when the adapter was put on, or what a load report named. ``violations``
    has the invariant, the finding and the simplest case of each thing that nobody declared.
    ``declared`` is one of ``DECLARED`` where all that breaks was declared.
    """

    item: str
    kind: str
    invariant: str = ""
    stratum: str = ""
    result: str = "error"
    reason: str = ""
    lives: int = 0
    judged: int = 0
    known: Mapping[str, list[int]] = field(default_factory=dict)
    verdicts: Mapping[str, int] = field(default_factory=dict)
    worst: float | None = None
    allowance: float | None = None
    finding: str = ""
    case: str = ""
    heard: list[str] = field(default_factory=list)
    worker: str = ""
    violations: list[dict[str, str]] = field(default_factory=list)
    declared: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values only; a difference that is not finite is none in JSON."""
        fields = asdict(self)
        if self.worst is not None and not math.isfinite(self.worst):
            fields["worst"] = None
        for name in SELDOM:
            if not fields[name]:
                del fields[name]
        return fields


def unjudgeable(reason: str) -> Record:
    """The one row of a cell whose packages cannot be installed or imported."""
    return Record(item="import", kind="import", result="error", reason=reason)
