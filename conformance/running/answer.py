"""The answer to a user's configuration on its way from the item to the end of the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.kinds.user_config.run import OwnLife

ANSWER = "conformance-own"
"""The name under which the answer travels in a report's user properties."""


def report(life: OwnLife) -> dict[str, object]:
    """What is told on the controller: the lines of the answer, an issue and its script."""
    from conformance.kinds.user_config.answer_text import answer_lines
    from conformance.reproducer.issue import issue

    found = None if life.vacuous else issue(life)
    return {
        "lines": answer_lines(life),
        "issue": found.text if found else "",
        "script": found.script if found else "",
    }


def answered(told: Mapping[str, Any], file: Path | None) -> list[str]:
    """The lines to print; the issue is written where a file is named for it."""
    lines: list[str] = list(told["lines"])
    if file is None:
        return lines
    if not told["issue"]:
        return [*lines, "ISSUE     nothing is lost, so there is no issue to write"]
    script = file.with_suffix(".py")
    try:
        file.write_text(told["issue"], encoding="utf-8")
        if told["script"]:
            script.write_text(told["script"], encoding="utf-8")
    except OSError as error:
        return [*lines, f"ISSUE     could not be written: {error.strerror}"]
    beside = f", its script to {script}" if told["script"] else ""
    return [*lines, f"ISSUE     written to {file}{beside}"]
