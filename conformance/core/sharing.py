"""Whether what the branches of a life have in common is made once, or by each anew.

It is made once. A life that is lived again, to show that it is the same twice, makes everything
anew: if sharing changed anything at all, the two would differ, which is an error of the suite.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ANEW: ContextVar[bool] = ContextVar("anew", default=False)


@contextmanager
def anew() -> Iterator[None]:
    """Share nothing, for a with block."""
    token = _ANEW.set(True)
    try:
        yield
    finally:
        _ANEW.reset(token)


def shares() -> bool:
    """Whether what is equal bit for bit is made once here."""
    return not _ANEW.get()
