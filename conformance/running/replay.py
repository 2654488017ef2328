"""Drawing once for many promises: the items of one stream draw the same cases."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from conformance.core.errors import SuiteError
from conformance.core.finding import Violation

C = TypeVar("C")


class Draws(Generic[C]):
    """The cases of the last stream that Hypothesis drew to its end.

    To draw them again for each promise takes a fifth of a run. What a promise breaks, Hypothesis
    draws itself all the same, since it then looks for the simplest such case.
    """

    def __init__(self) -> None:
        self._stream: Hashable = None
        self._cases: list[C] = []

    def run(
        self,
        stream: Hashable,
        judge: Callable[[C], None],
        draw: Callable[[Callable[[C], None]], None],
    ) -> None:
        """Judge every case of a stream; raises the Violation that ``draw`` ends with.

        ``draw`` has Hypothesis call what it is given with each case; ``judge`` raises a Violation
        or a SuiteError where a case is to be reported.
        """
        __tracebackhide__ = True
        broken = False
        if stream == self._stream:
            try:
                for case in self._cases:
                    judge(case)
            except (Violation, SuiteError):
                broken = True
            else:
                return
        cases: list[C] = []

        def judge_drawn(case: C) -> None:
            __tracebackhide__ = True
            cases.append(case)
            judge(case)

        draw(judge_drawn)
        if broken:
            raise SuiteError(f"a case of stream {stream!r} failed, and was not drawn again")
        self._stream, self._cases = stream, cases
