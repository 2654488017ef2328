"""Which mutants a run meets: a statement before each changed one says that a difference is near.

A mutant differs from the package in one statement. What never reaches it cannot differ from a run
of the package as it is. Where the change is in the test of an ``if`` that does nothing but look,
both tests are asked: only where they disagree, or one raises, can anything differ.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.mutation.sites import OPERATORS, Site, functions, nodes

MODULE = "mutation_probe"
CODE = '''SEEN = set()


def ask(number, ours, theirs):
    """Note a mutant whose test says something else here."""
    try:
        if bool(ours()) == bool(theirs()):
            return
    except Exception:
        pass
    SEEN.add(number)
'''
"""The module that the probes call; a copy of the package has it beside it."""
# fmt: off
LOOKS = frozenset((
    "isinstance", "issubclass", "hasattr", "getattr", "len", "any", "all", "bool", "str",
    "int", "type", "set", "tuple", "list", "startswith", "endswith", "get", "keys", "values",
    "items", "isfinite", "isnan", "fullmatch", "match", "search", "isfile", "isdir", "exists",
    "join",
))
# fmt: on
"""Names of functions and methods that change nothing."""


def probed(source: str, numbers: Mapping[Site, int]) -> str:
    """The module with a probe before the statement of each of its mutants."""
    tree = ast.parse(source)
    found = dict(functions(tree))
    before: dict[ast.stmt, list[ast.stmt]] = {}
    for site, number in numbers.items():
        function = found[site.function]
        node = nodes(function)[site.node]
        place = statement(function, node)
        before.setdefault(place, []).append(_probe(place, node, site.operator, number))

    class Insert(ast.NodeTransformer):
        def generic_visit(self, node: ast.AST) -> ast.AST:
            super().generic_visit(node)
            for block in _blocks(node):
                block[:] = [each for one in block for each in (*before.get(one, ()), one)]
            return node

    return ast.unparse(ast.fix_missing_locations(Insert().visit(tree)))


def statement(function: ast.FunctionDef, node: ast.AST) -> ast.stmt:
    """The innermost statement of the function that a node is part of."""
    pending: list[tuple[ast.AST, ast.stmt]] = [(one, one) for one in function.body]
    while pending:
        inner, outer = pending.pop()
        if inner is node:
            return outer
        pending += [
            (child, child if isinstance(child, ast.stmt) else outer)
            for child in ast.iter_child_nodes(inner)
        ]
    raise ValueError(f"no statement of {function.name} has the node")


def only_looks(test: ast.expr) -> bool:
    """Whether a test names nothing and calls what changes nothing: it may be asked twice."""
    for node in ast.walk(test):
        if isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
            return False
        if isinstance(node, ast.Call):
            called = node.func
            name = getattr(called, "attr", None) or getattr(called, "id", None)
            if name not in LOOKS:
                return False
    return True


def _probe(place: ast.stmt, node: ast.AST, operator: str, number: int) -> ast.stmt:
    start = f"__import__({MODULE!r})"
    tests = _tests(place, node, operator)
    if tests is None:
        return ast.parse(f"{start}.SEEN.add({number})").body[0]
    ours, theirs = map(ast.unparse, tests)
    return ast.parse(f"{start}.ask({number}, lambda: {ours}, lambda: {theirs})").body[0]


def _tests(place: ast.stmt, node: ast.AST, operator: str) -> tuple[ast.expr, ast.expr] | None:
    """The test of an ``if`` as it is and as the mutant has it, if that is all the change."""
    if not isinstance(place, ast.If) or not only_looks(place.test):
        return None
    if node is place:
        return place.test, ast.Constant(value=False)
    inside = list(ast.walk(place.test))
    changed = copy.deepcopy(place.test)
    twin = list(ast.walk(changed))[inside.index(node)]

    class Change(ast.NodeTransformer):
        def visit(self, other: ast.AST) -> Any:
            if other is twin:
                made = OPERATORS[operator](other)
                assert made is not None
                return made
            return self.generic_visit(other)

    return place.test, Change().visit(changed)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements right inside a node."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
