"""What the stages of further uses are called, and what is written beside each."""

from __future__ import annotations

BASE_ROW = "__base__"
"""What a row is called that goes through the base alone."""
HALF = "bfloat16"
"""What everything is cast to that does not train."""
GENERATED = ("generated", "generated-by-names", "generated-reloaded", "generated-merged")
"""Of an adapter, of rows that name it or not, of one that was saved and loaded, and of a merge."""
TOLD = ("told", "told-of-two", "told-off", "told-merged")
"""Of one adapter, of two, of two that are disabled, and of one that is merged."""
FROZEN = ("frozen-by-grad", "frozen-by-setting", "frozen-by-function")
THAWED = ("thawed-by-grad", "thawed-by-setting")


def foreseen(stage: str) -> str:
    """The stage of what is to be generated."""
    return f"{stage}-foreseen"


def counted(stage: str) -> str:
    """The stage of what we count ourselves of what is told."""
    return f"{stage}-counted"
