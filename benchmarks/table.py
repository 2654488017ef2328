"""The table in the README, one line a figure, written by the scripts themselves."""

from __future__ import annotations

from pathlib import Path

from conformance.versions import versions

README = Path(__file__).with_name("README.md")


def show(name: str, rows: dict[str, str], *, write: bool) -> None:
    """Print the rows; with ``write`` put them between the README's marks for ``name``."""
    for what, figure in rows.items():
        print(f"{what}: {figure}")
    if not write:
        return
    listed = ", ".join(f"{package} {version}" for package, version in versions().items())
    lines = ["| figure | measured |", "| --- | --- |"]
    lines += [f"| {what} | {figure} |" for what, figure in rows.items()]
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    text = README.read_text()
    before, _, rest = text.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{README.name} has no place marked {start.strip()}")
    body = "\n".join(lines)
    README.write_text(f"{before}{start}{body}\n\nWith {listed}.\n{end}{after}")
