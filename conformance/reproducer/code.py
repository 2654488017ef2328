"""Code as text: pieces, calls, literals and functions, laid out as scripts show them."""

from __future__ import annotations

import json
import math
from keyword import iskeyword
from textwrap import dedent, indent

WIDTH = 88


def text(*parts: str) -> str:
    """Code from pieces written at any indentation."""
    return "\n".join(dedent(part).strip("\n") for part in parts if part)


def call(name: str, arguments: dict[str, str], *positional: str, width: int = WIDTH) -> str:
    """A call, on one line where it fits, else filled."""
    named = {key: value for key, value in arguments.items() if is_name(key)}
    written = [*positional, *(f"{key}={value}" for key, value in named.items())]
    written += [
        f"**{{{literal(key)}: {value}}}" for key, value in arguments.items() if key not in named
    ]
    line = f"{name}({', '.join(written)})"
    if len(line) <= width and "\n" not in line:
        return line
    lines = [""]
    for argument in written:
        if len(lines[-1]) + len(argument) > width or "\n" in argument + lines[-1]:
            lines.append("")
        lines[-1] += f"{argument}, "
    inside = "\n".join(line.rstrip() for line in lines)
    return f"{name}(\n{indent(inside, '    ')}\n)"


def is_name(text: str) -> bool:
    """Whether a text can name an argument."""
    return text.isidentifier() and not iskeyword(text)


def literal(value: object) -> str:
    """A plain value as code, strings in double quotes where that says the same.

    What a user's file holds is written too: no text may end its own quotes.
    """
    if isinstance(value, str):
        if not value.isascii() or not value.isprintable() or value.endswith("\\"):
            return repr(value)
        raw = "\\" in value and '"' not in value
        return f'r"{value}"' if raw else json.dumps(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in value.items())}}}"
    return repr(value)


def several(values: tuple[str, ...]) -> str:
    """A tuple of text, on one line where it fits, else one text a line."""
    line = literal(values)
    if len(line) <= WIDTH:
        return line
    return "(\n" + "".join(f"    {literal(value)},\n" for value in values) + ")"


def function(head: str, docstring: str, *body: str) -> str:
    """A function, of the lines that are not empty."""
    return f"def {head}:\n" + indent(f'"""{docstring}"""\n' + "\n".join(filter(None, body)), "    ")
