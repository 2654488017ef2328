"""Drawing once for many promises: nothing is judged less often, nothing found is hidden."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.core.errors import SuiteError
from conformance.core.finding import Violation
from conformance.running.replay import Draws

STREAM = ("seed", "stratum")


class Drawing:
    """Counts how often a stream was drawn, and draws its numbers."""

    def __init__(self, *numbers: int) -> None:
        self.numbers, self.times = numbers, 0

    def __call__(self, judge: Callable[[int], None]) -> None:
        self.times += 1
        for number in self.numbers:
            judge(number)


def refusing(number: int) -> Callable[[int], None]:
    """A judge who reports one number."""

    def judge(drawn: int) -> None:
        if drawn == number:
            raise Violation(str(number))

    return judge


def test_every_promise_judges_every_case_in_the_order_drawn() -> None:
    draws: Draws[int] = Draws()
    draw = Drawing(3, 1, 2)
    for _ in range(3):
        met: list[int] = []
        draws.run(STREAM, met.append, draw)
        assert met == [3, 1, 2]
    assert draw.times == 1


def test_another_stream_is_drawn_anew() -> None:
    draws: Draws[int] = Draws()
    for stream, draw in (("one", Drawing(1)), ("other", Drawing(2)), ("one", Drawing(1))):
        met: list[int] = []
        draws.run(stream, met.append, draw)
        assert met == list(draw.numbers)
        assert draw.times == 1


def test_what_breaks_a_promise_is_drawn_by_hypothesis_itself() -> None:
    draws: Draws[int] = Draws()
    draw = Drawing(1, 2)
    draws.run(STREAM, refusing(9), draw)
    with pytest.raises(Violation, match="2"):
        draws.run(STREAM, refusing(2), draw)
    assert draw.times == 2
    met: list[int] = []
    draws.run(STREAM, met.append, draw)
    assert met == [1, 2]


def test_cases_of_a_run_that_failed_are_not_kept() -> None:
    draws: Draws[int] = Draws()
    draw = Drawing(1, 2, 3)
    with pytest.raises(Violation, match="2"):
        draws.run(STREAM, refusing(2), draw)
    met: list[int] = []
    draws.run(STREAM, met.append, draw)
    assert met == [1, 2, 3]


def test_a_failure_that_is_not_drawn_again_is_an_error_of_the_suite() -> None:
    draws: Draws[int] = Draws()
    draws.run(STREAM, refusing(9), Drawing(1, 2))
    with pytest.raises(SuiteError, match="was not drawn again"):
        draws.run(STREAM, refusing(2), Drawing(1))
