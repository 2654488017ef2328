"""Quiet: what packages say when they are imported does not stand between a user and an answer.

An environment may hold packages that PEFT imports where it finds them, and each has its own to say:
which of its kernels it cannot load, what of torch it uses that is deprecated.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing is warned or logged inside, errors apart."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
