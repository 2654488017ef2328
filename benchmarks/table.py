"""The table in the README, one line a figure, written by the scripts themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.core.versions import versions

Row = Mapping[str, Any]
README = Path(__file__).with_name("README.md")


def rows(file: Path) -> list[Row]:
    """The rows of a file of JSON lines; none where there is no file."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def made_with(found: Mapping[str, str]) -> str:
    """A sentence that names the versions that figures were measured with."""
    return f"With {', '.join(f'{package} {version}' for package, version in found.items())}."


def show(
    name: str, rows: dict[str, str], *, write: bool, made: Mapping[str, str] | None = None
) -> None:
    """Print the rows; with ``write`` put them between the README's marks for ``name``.

    ``made`` are the versions they were measured with, where those are not the installed ones.
    """
    for what, figure in rows.items():
        print(f"{what}: {figure}")
    if not write:
        return
    lines = ["| figure | measured |", "| --- | --- |"]
    lines += [f"| {what} | {figure} |" for what, figure in rows.items()]
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    text = README.read_text()
    before, _, rest = text.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{README.name} has no place marked {start.strip()}")
    body = "\n".join(lines)
    README.write_text(f"{before}{start}{body}\n\n{made_with(made or versions())}\n{end}{after}")
