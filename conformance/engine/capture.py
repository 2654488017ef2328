"""Hearing: Python warnings and log lines captured as data, with the stage they came from."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from conformance.core.observation import Heard
from conformance.upstream.capabilities import ABOUT_TYING
from tiny_models.compat import forget_warned_once, quiet_progress

LOGGERS = ("transformers", "peft", "accelerate", "safetensors", "diffusers")
SPEAKERS = (*LOGGERS, "huggingface_hub", "torch")
"""Packages that a life is a life of: what any other says depends on what else is installed."""


def _short(item: warnings.WarningMessage) -> str:
    """File and line without the machine's folders, from the package on."""
    return f"{item.filename.rpartition('site-packages/')[2]}:{item.lineno}"


def _of_the_life(item: warnings.WarningMessage) -> bool:
    """Whether a warning is upstream's; one that names its caller stands in our own file."""
    _, installed, place = item.filename.replace("\\", "/").rpartition("site-packages/")
    return not installed or place.partition("/")[0] in SPEAKERS


class _Listener(logging.Handler):
    def __init__(self, hear: Callable[[str, str], None]) -> None:
        super().__init__(logging.WARNING)
        self._hear = hear

    def emit(self, record: logging.LogRecord) -> None:
        self._hear(record.getMessage(), f"log {record.name}")


@contextmanager
def hearing(stage: str, into: list[Heard], *, hide: str) -> Iterator[None]:
    """Append all that is warned or logged inside to ``into``; nothing reaches the terminal.

    transformers keeps its own handler and does not propagate, and remembers what it warned of
    once: both are undone here, or only the first life would hear anything. ``hide`` is the
    life's own temporary folder, whose name differs from life to life.
    """

    def hear(text: str, source: str) -> None:
        text = text.replace(hide, "<folder>")
        into.append(Heard(stage, text, source, about_tying=ABOUT_TYING.search(text) is not None))

    forget_warned_once()
    listener = _Listener(hear)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    try:
        for logger in loggers:
            logger.handlers[:] = [listener]
            # setting a level makes every logger of the process forget its own: slow
            if logger.getEffectiveLevel() != logging.WARNING:
                logger.setLevel(logging.WARNING)
            logger.propagate = False
        with quiet_progress(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                yield
            finally:
                for item in filter(_of_the_life, caught):
                    hear(str(item.message), f"{item.category.__name__} {_short(item)}")
    finally:
        for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
            logger.handlers[:] = handlers
            if logger.level != level:
                logger.setLevel(level)
            logger.propagate = propagate
