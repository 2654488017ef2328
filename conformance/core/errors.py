"""Errors of the suite itself, and of code that it was handed to run."""

from __future__ import annotations


class UnusableInput(ValueError):  # noqa: N818  what it is of, not a fault of the suite
    """Something that a user gave cannot be used; the message is one sentence."""


class SuiteError(Exception):
    """Something is wrong with the suite itself, not with what it judges."""


class ForeignError(Exception):
    """An error of code that the suite was handed to run: whose, and the error itself."""

    def __init__(self, whose: str, error: BaseException) -> None:
        super().__init__(str(error))
        self.whose, self.error = whose, error
