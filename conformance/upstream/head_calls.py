"""PEFT's classes of tasks."""

from __future__ import annotations

from typing import Any

import peft


def has_class(name: str) -> bool:
    """Whether the installed PEFT has a class of this name."""
    return hasattr(peft, name)


def load_by_task(name: str, folder: str) -> Any:
    """``AutoPeftModelFor<task>.from_pretrained``: base and adapter."""
    return getattr(peft, name).from_pretrained(folder)
