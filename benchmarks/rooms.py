"""The rooms of the suite: their order, what stands in them, and who imports whom.

``python -m benchmarks.rooms`` prints rooms, modules, lines and arrows; ``--mermaid`` a picture of
the arrows between rooms, which ``--write`` draws into docs/architecture.md. What stands here is
what ``tests/test_rooms.py`` holds.
"""

from __future__ import annotations

import argparse
import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("conformance", "tiny_models")
PAGE = ROOT / "docs" / "architecture.md"
BEGINS, ENDS = "<!-- rooms: python -m benchmarks.rooms --write -->", "<!-- /rooms -->"

ROOMS = (
    "tiny_models",
    "core",
    "upstream",
    "engine",
    "kinds",
    "causes",
    "reproducer",
    "inspecting",
    "running",
    "reporting",
    "cli",
    "docs_build",
    "face",
)
"""From left to right; a room imports rooms to its left only."""

BETWEEN_KINDS = {
    "tuners": {"lifecycle"},
    "user_config": {"lifecycle", "tuners"},
    "corpus": {"lifecycle"},
    "pipeline": {"loading"},
}
"""Which kinds a kind may import, beside itself; those not named import none."""

FOREIGN = {
    "peft": {"upstream"},
    "pytest": {"running", "face"},
    "hypothesis": {"running"},
}
"""Packages that few rooms import."""


@dataclass(frozen=True, order=True)
class Arrow:
    """One module imports another, of ours or not."""

    source: str
    target: str
    at_once: bool

    def __str__(self) -> str:
        late = "" if self.at_once else " (lazy or type-only)"
        return f"{self.source} -> {self.target}{late}"


@cache
def modules() -> Mapping[str, Path]:
    """All modules of ours, by name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in OURS
        for path in sorted((ROOT / package).rglob("*.py"))
        if not (path.parent / "cause.toml").exists()  # a script stands alone
    }


@cache
def tree(module: str) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def room_of(module: str) -> str:
    """The room that a module stands in; ``""`` where it stands in none of these."""
    package, _, rest = module.partition(".")
    if package == "tiny_models":
        return package
    if module not in modules():
        return ""
    first, _, inside = rest.partition(".")
    if not inside and modules()[module].parent == ROOT / "conformance":
        return "face"
    return first if first in ROOMS else ""


def kind_of(module: str) -> str:
    """The kind of test that a module is of; ``""`` outside of ``kinds`` and in its front."""
    inside = module.removeprefix("conformance.kinds.")
    return inside.partition(".")[0] if inside != module else ""


def _named(node: ast.AST) -> Iterator[str]:
    """The modules that one statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        if node.level or node.module is None:
            raise ValueError(f"line {node.lineno}: relative imports hide who imports whom")
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in modules() else node.module


def _walk(node: ast.AST, *, at_once: bool = True) -> Iterator[tuple[str, bool]]:
    """Every import below a node, and whether it runs when its module is read."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        yield from ((name, False) for part in node.body for name, _ in _walk(part))
        yield from (found for part in node.orelse for found in _walk(part, at_once=at_once))
        return
    late = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    yield from ((name, at_once) for name in _named(node))
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, at_once=at_once and not late)


@cache
def imports(module: str) -> tuple[Arrow, ...]:
    """Every import of a module: lazy ones, and those for type checkers alone, among them."""
    found = (Arrow(module, target, at_once) for target, at_once in _walk(tree(module)))
    return tuple(dict.fromkeys(found))


def every_import() -> Iterator[Arrow]:
    """The imports of all modules."""
    for module in modules():
        yield from imports(module)


def homeless() -> list[str]:
    """Modules that stand in no room of the table."""
    return [module for module in modules() if not room_of(module)]


def backward() -> list[Arrow]:
    """Imports from a room to one on its right."""
    place = {room: number for number, room in enumerate(ROOMS)}
    return [
        arrow
        for arrow in every_import()
        if arrow.target in modules() and room_of(arrow.source) and room_of(arrow.target)
        if place[room_of(arrow.source)] < place[room_of(arrow.target)]
    ]


def across_kinds() -> list[Arrow]:
    """Imports from a kind to another that it may not know; the front of ``kinds`` knows all."""
    return [
        arrow
        for arrow in every_import()
        if kind_of(arrow.source)
        and room_of(arrow.target) == "kinds"
        and kind_of(arrow.target)
        not in {kind_of(arrow.source), *BETWEEN_KINDS.get(kind_of(arrow.source), ())}
    ]


def foreign() -> list[Arrow]:
    """Imports of PEFT, pytest and Hypothesis where they do not belong."""
    return [
        arrow
        for arrow in every_import()
        if (package := arrow.target.partition(".")[0]) in FOREIGN
        and room_of(arrow.source) not in FOREIGN[package]
        and not (package == "hypothesis" and arrow.source.endswith(".strategies"))
    ]


def circles() -> list[list[str]]:
    """Sets of modules that reach each other, by any imports at all (Tarjan's algorithm)."""
    ours = {
        module: sorted({a.target for a in imports(module)} & modules().keys() - {module})
        for module in modules()
    }
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in ours[module]:
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            at = stack.index(module)
            one, stack[at:] = stack[at:], []
            if len(one) > 1:
                found.append(sorted(one))

    for module in ours:
        if module not in index:
            visit(module)
    return sorted(found)


def between() -> Counter[tuple[str, str]]:
    """How many imports go from one room to another."""
    return Counter(
        (room_of(arrow.source), room_of(arrow.target))
        for arrow in every_import()
        if arrow.target in modules() and room_of(arrow.source) != room_of(arrow.target)
    )


def table() -> str:
    """Rooms, modules, lines, and where their imports go."""
    lines = [f"{'room':16} {'modules':>7} {'lines':>6}  imports of other rooms"]
    arrows = between()
    for room in (*ROOMS, ""):
        inside = [name for name in modules() if room_of(name) == room]
        if inside:
            length = sum(len(modules()[n].read_text("utf-8").splitlines()) for n in inside)
            out = (f"{b} {arrows[a, b]}" for a, b in sorted(arrows, key=_place) if a == room)
            lines.append(
                f"{room or '(no room)':16} {len(inside):7} {length:6}  {', '.join(out) or '-'}"
            )
    wrong = backward()
    told = f"{len(wrong)} imports to the right, {len(across_kinds())} across kinds"
    lines.append(f"{told}, {len(foreign())} of foreign packages, {len(circles())} circles")
    return "\n".join(lines)


def _place(pair: tuple[str, str]) -> tuple[int, ...]:
    return tuple(ROOMS.index(room) if room in ROOMS else len(ROOMS) for room in pair)


def mermaid() -> str:
    """The arrows between rooms as a Mermaid flowchart; what is implied by others is left out."""
    pairs = {pair for pair in between() if all(pair)}
    wrong = {(a.source, a.target) for a in backward()}
    backwards = {(room_of(a), room_of(b)) for a, b in wrong}
    forward = pairs - backwards

    def implied(pair: tuple[str, str]) -> bool:
        return any(
            one == pair[0] and middle != pair[1] and _leads(forward, middle, pair[1])
            for one, middle in forward
        )

    drawn = sorted((p for p in forward if not implied(p)), key=_place)
    lines = ["flowchart RL", *(f"    {one} --> {other}" for one, other in drawn)]
    lines += [f"    {one} -.->|wrong| {other}" for one, other in sorted(backwards, key=_place)]
    return "\n".join(lines)


def _leads(pairs: set[tuple[str, str]], start: str, end: str) -> bool:
    return start == end or any(_leads(pairs, b, end) for a, b in pairs if a == start)


def drawn_into(text: str) -> str:
    """The text of the page with the picture made anew."""
    before, mark, rest = text.partition(BEGINS)
    _, end, after = rest.partition(ENDS)
    if not mark or not end:
        raise ValueError(f"{PAGE} has no block between {BEGINS} and {ENDS}")
    return f"{before}{BEGINS}\n```mermaid\n{mermaid()}\n```\n{ENDS}{after}"


def main() -> None:
    """Print the table or the picture, or draw it into the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rooms", description=__doc__)
    parser.add_argument("--mermaid", action="store_true", help="the picture alone")
    parser.add_argument("--write", action="store_true", help="draw it into docs/architecture.md")
    given = parser.parse_args()
    if given.write:
        PAGE.write_text(drawn_into(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        return
    print(mermaid() if given.mermaid else table())


if __name__ == "__main__":
    main()
