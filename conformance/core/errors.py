"""Errors that a run tells in one sentence, without a traceback."""

from __future__ import annotations


class UnusableInput(ValueError):  # noqa: N818  what it is of, not a fault of the suite
    """Something that a user gave cannot be used; the message is one sentence."""
