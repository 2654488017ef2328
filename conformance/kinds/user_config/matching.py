"""Which modules an adapter config names: our own reading of PEFT's documentation.

Independent of PEFT, so that what PEFT wraps can be held against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.core.user_files import InputError, shown

_FIRST_NUMBER = re.compile(r"^(?:.*?\.)??(?P<stack>[^.]+)\.(?P<layer>\d+)\.")


def ends_in(module: str, name: str) -> bool:
    """Whether a module is the one named, or its path ends in the name."""
    return module == name or module.endswith(f".{name}")


def matches(module: str, wanted: str | Sequence[str]) -> bool:
    """Whether a regular expression matches the whole path, or one of the names its end."""
    if isinstance(wanted, str):
        return re.fullmatch(wanted, module) is not None
    return any(ends_in(module, name) for name in wanted)


def targets(
    arguments: Mapping[str, Any], modules: Iterable[str], linear: Iterable[str]
) -> frozenset[str]:
    """The modules that carry LoRA; ``linear`` is what ``all-linear`` stands for."""
    wanted = arguments.get("target_modules")
    left_out = arguments.get("exclude_modules")
    saved = arguments.get("modules_to_save", ())
    if wanted is None:
        return frozenset()
    if wanted == "all-linear":
        found = set(linear)
    elif isinstance(wanted, str):
        found = {name for name in modules if matches(name, wanted)}
    else:
        found = {
            name
            for name in modules
            if name in wanted or (matches(name, wanted) and _in_layers(arguments, name))
        }
    if left_out:
        found = {name for name in found if not matches(name, left_out)}
    return frozenset(name for name in found if not any(_within(name, one) for one in saved))


def owners(arguments: Mapping[str, Any], parameters: Iterable[str]) -> frozenset[str]:
    """The modules whose bare parameters carry LoRA (``target_parameters``)."""
    wanted = arguments.get("target_parameters", ())
    found = [name for name in parameters if any(ends_in(name, one) for one in wanted)]
    return frozenset(name.rpartition(".")[0] for name in found)


def _within(module: str, saved: str) -> bool:
    """Whether a module is, or is part of, one that is replaced as a whole."""
    return f".{saved}." in f".{module}."


def _in_layers(arguments: Mapping[str, Any], module: str) -> bool:
    layers = arguments.get("layers_to_transform")
    if layers is None:
        return True
    chosen = [layers] if isinstance(layers, int) else layers
    patterns = arguments.get("layers_pattern") or ()
    stacks = [patterns] if isinstance(patterns, str) else patterns
    if not stacks:
        found = re.match(r".*?\.[^.]*\.(?P<layer>\d+)\.", module)
        return found is not None and int(found["layer"]) in chosen
    for stack in stacks:
        found = re.match(rf"(?:^|.*?\.){stack}\.(?P<layer>\d+)\.", module)
        if found is not None:
            return int(found["layer"]) in chosen
    return False


def of_pattern(patterns: Mapping[str, Any], module: str, default: Any) -> Any:
    """What a pattern says of a module: the first key that matches the end of its path."""
    for key, value in patterns.items():
        if re.match(rf"(.*\.)?({key})$", module):
            return value
    return default


LONGEST = 2**16
"""Characters of an expression: one that names every module of a large model is some thousand."""
PLAIN_NAME = re.compile(r"[\w.]+")


@dataclass(frozen=True)
class Expression:
    """A text that PEFT takes for a regular expression, and what it makes of it.

    ``how`` is the function of ``re`` that it calls with ``pattern``.
    """

    text: str
    pattern: str
    how: str = "match"


def expressions(arguments: Mapping[str, Any]) -> Iterator[Expression]:
    """Every text of a config that PEFT matches modules with, plain names and all-linear apart."""
    found = []
    for name in ("target_modules", "exclude_modules", "feedforward_modules"):
        wanted = arguments.get(name)
        if isinstance(wanted, str) and wanted != "all-linear":
            found.append(Expression(wanted, wanted, "fullmatch"))
    stacks = _texts(arguments.get("layers_pattern"))
    found += [Expression(text, rf"(?:^|.*?\.){text}\.(?P<layer>\d+)\.") for text in stacks]
    for name in ("rank_pattern", "alpha_pattern"):
        found += [Expression(key, rf"(.*\.)?({key})$") for key in arguments.get(name) or ()]
    yield from (one for one in found if not PLAIN_NAME.fullmatch(one.text))


def saved_names(arguments: Mapping[str, Any]) -> Iterator[Expression]:
    """The names of ``modules_to_save``, which PEFT matches as expressions too."""
    for text in _texts(arguments.get("modules_to_save")):
        if not PLAIN_NAME.fullmatch(text):
            yield Expression(text, rf"(^|.*\.){text}($|\..*)")


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())  # type: ignore[call-overload]


def check_expressions(arguments: Mapping[str, Any], what: str) -> None:
    """Raise InputError for a regular expression that is none."""
    for one in expressions(arguments):
        if len(one.text) > LONGEST:
            raise InputError(f"{what}: {shown(one.text)} is longer than {LONGEST} characters")
        try:
            re.compile(one.text)
        except (re.error, OverflowError, RecursionError) as error:
            raise InputError(
                f"{what}: {shown(one.text)} is no regular expression: {error}"
            ) from None
