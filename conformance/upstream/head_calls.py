"""PEFT's classes of tasks."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import peft


def has_class(name: str) -> bool:
    """Whether the installed PEFT has a class of this name."""
    return hasattr(peft, name)


def names_heads() -> bool:
    """Whether a task's class writes its head into the config, of an added adapter too."""
    return "add_adapter" in vars(peft.PeftModelForSequenceClassification)


def finds_folders() -> bool:
    """Whether PEFT's classes of tasks take a folder for one; 0.8 asks the hub's client for it."""
    return not hasattr(import_module("peft.auto"), "file_exists")


def load_by_task(name: str, folder: str) -> Any:
    """``AutoPeftModelFor<task>.from_pretrained``: base and adapter."""
    return getattr(peft, name).from_pretrained(folder)
