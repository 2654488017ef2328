"""Where a function can be changed, and each change: one node of its syntax tree at a time."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}
CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.MatMult: ast.Mult,
}


@dataclass(frozen=True)
class Site:
    """One change: where it is, what it is, and the number of the node that it changes."""

    file: str
    function: str
    line: int
    operator: str
    node: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function} {self.operator} {self.node}"


def _compare(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
        node.ops[0] = COMPARED[type(node.ops[0])]()
        return node
    return None


def _boolean(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return node
    return None


def _not(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return node.operand
    return None


def _arithmetic(node: ast.AST) -> ast.AST | None:
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in CALCULATED:
        if isinstance(node, ast.BinOp) and any(
            isinstance(side, (ast.JoinedStr, ast.Constant)) for side in (node.left, node.right)
        ):
            return None  # text put together
        node.op = CALCULATED[type(node.op)]()
        return node
    return None


def _constant(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
        return node
    return None


def _condition(node: ast.AST) -> ast.AST | None:
    if isinstance(node, (ast.If, ast.IfExp)):
        node.test = ast.Constant(value=False)
        return node
    return None


def _drop(node: ast.AST) -> ast.AST | None:
    """A statement that is there for its effect."""
    called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    if called and "warn" not in ast.unparse(node):
        return ast.Pass()
    if isinstance(node, (ast.AugAssign, ast.Delete)):
        return ast.Pass()
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Attribute, ast.Subscript)):
        return ast.Pass()
    return None


def _argument(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Call) and node.keywords and "warn" not in ast.unparse(node.func):
        node.keywords.pop()
        return node
    return None


OPERATORS: dict[str, Callable[[ast.AST], ast.AST | None]] = {
    "compare": _compare,
    "boolean": _boolean,
    "not": _not,
    "arithmetic": _arithmetic,
    "constant": _constant,
    "condition": _condition,
    "drop": _drop,
    "argument": _argument,
}


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions of a module and of its classes, by qualified name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def sites(file: str, source: str, names: list[str], operators: list[str]) -> Iterator[Site]:
    """Every change of the named functions; raises KeyError for a name that is not there."""
    found = dict(functions(ast.parse(source)))
    for name in names:
        for number, node in enumerate(nodes(found[name])):
            for operator in operators:
                if OPERATORS[operator](copy.deepcopy(node)) is not None:
                    line = getattr(node, "lineno", found[name].lineno)
                    yield Site(file, name, line, operator, number)


def mutated(source: str, site: Site) -> str:
    """The module with this one change."""
    tree = ast.parse(source)
    function = dict(functions(tree))[site.function]
    wanted = nodes(function)[site.node]

    class Change(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            if node is wanted:
                changed = OPERATORS[site.operator](node)
                assert changed is not None
                return changed
            return self.generic_visit(node)

    for index, statement in enumerate(function.body):
        function.body[index] = Change().visit(statement)
    return ast.unparse(ast.fix_missing_locations(tree))


def nodes(function: ast.FunctionDef) -> list[ast.AST]:
    """The nodes of a function's body by number, its docstring left out."""
    return [
        node
        for statement in function.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for node in ast.walk(statement)
    ]
