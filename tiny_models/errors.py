"""The two ways tiny_models says no: a wrong request, and a model that is not what was asked for."""

from __future__ import annotations


class SpecError(ValueError):
    """A specification that cannot exist: one sentence with the field and what it accepts."""


class TinyModelError(AssertionError):
    """A model that was built but is not what its specification says: an error of the suite."""
