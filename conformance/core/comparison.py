"""Comparing numbers: they agree, they do not, or nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.core.finding import Finding


@dataclass(frozen=True)
class Allowance:
    """How far apart two results may be that ought to be one.

    Up to ``holds`` rounding explains it, beyond ``breaks`` it does not; in between, nothing that
    we know tells the two apart, and it is not judged. ``dtype`` is the coarsest precision that
    the results went through.
    """

    holds: float
    breaks: float
    dtype: str


@dataclass(frozen=True)
class Comparison:
    """Two results compared: what they are, how far apart they lie, and how far they may.

    ``stage`` and ``subject`` are those of the finding, where they are broken.
    """

    what: str
    amount: float
    allowance: Allowance
    stage: str = ""
    subject: str = ""

    @property
    def broken(self) -> bool:
        """Whether they are further apart than rounding explains; NaN is."""
        return not self.amount <= self.allowance.breaks

    @property
    def doubtful(self) -> bool:
        """Whether they are too far apart to hold, and not far enough to be broken."""
        return not self.broken and self.amount > self.allowance.holds

    def finding(self) -> Finding:
        """What is found where they are broken."""
        allowed = self.allowance.breaks
        return Finding(
            "wrong-value", self.what, self.amount, allowed, stage=self.stage, subject=self.subject
        )

    def doubt(self) -> str:
        """Why they are not judged where they are doubtful."""
        allowed = self.allowance
        return (
            f"in {allowed.dtype} rounding may explain it: {self.what} by {self.amount:.3g}, and "
            f"nobody can tell between {allowed.holds:.3g} and {allowed.breaks:.3g}"
        )


Evidence = Finding | Comparison
"""What a check yields: what is broken, or two results to be compared."""


def broken(evidence: Iterable[Evidence]) -> tuple[Finding, ...]:
    """The findings in what a check yielded."""
    return tuple(
        one if isinstance(one, Finding) else one.finding()
        for one in evidence
        if isinstance(one, Finding) or one.broken
    )
