"""Written cases: literals that are parsed and never evaluated."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from typing import Any


class CaseError(ValueError):
    """A case that cannot be read or cannot exist; the message is one sentence for the user."""


LONGEST = 2000  # characters of a written case: thrice what the longest needs
SHOWN = 60  # characters of a refused value that a message repeats


def literals(text: str, name: str) -> dict[str, Any]:
    """The fields of ``name(field=value, ...)``, read and never evaluated; raises CaseError."""
    text = text.strip()
    if len(text) > LONGEST:
        raise CaseError(f"a case has at most {LONGEST} characters, not {len(text)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the parser, about text that is not ours
            call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "it cannot be parsed"
        raise CaseError(f"the case {_shown(text)} is not Python: {reason}") from None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        raise CaseError(f"the case {_shown(text)} is not of the form {name}(field=value, ...)")
    if call.func.id != name or call.args:
        raise CaseError(f"a case is written {name}(field=value, ...), with named fields only")
    values: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise CaseError("a case takes named fields only, no ** expansion")
        if keyword.arg in values:
            raise CaseError(f"the field {_shown(keyword.arg)} of the case is given twice")
        try:
            values[keyword.arg] = ast.literal_eval(keyword.value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            field = _shown(keyword.arg)
            raise CaseError(f"the field {field} of the case is not a literal") from None
    return values


def _shown(value: object) -> str:
    """The repr of a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def chosen(
    values: dict[str, Any], accepted: Mapping[str, tuple[str, ...]], what: str
) -> dict[str, Any]:
    """The fields given; raises CaseError, in one sentence, for one that is not accepted."""
    for name, value in values.items():
        if name not in accepted:
            raise CaseError(f"{what} has no field {name!r}; it has {', '.join(accepted)}")
        if value not in accepted[name]:
            listed = ", ".join(accepted[name])
            raise CaseError(f"the field {name!r} of {what} accepts {listed}, not {value!r}")
    return values
