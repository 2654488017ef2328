"""Regular expressions that would never end, found in a process of their own.

``re`` tries one way after another and cannot be told to stop: ``(a+)+b`` takes twice as long for
each further letter. No look at an expression tells all that do so, so they are matched once
against the names of the model's modules, in a process that gets two seconds of computing. What
ends there in time ends here too. An ordinary expression takes a thousandth of a second, so
between the two lies no expression that ends on one machine and not on another.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.core.errors import SuiteError
from conformance.core.user_files import InputError, on_one_line, shown
from conformance.kinds.user_config.matching import Expression, expressions, saved_names

SECONDS = 2
"""Of computing, for one expression on every name."""
WAIT = 120  # seconds, where a machine cannot count computing or does nothing else

MATCH = """
import json, re, sys
given = json.load(sys.stdin)
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (given["seconds"], given["seconds"]))
except ImportError:
    pass
for name in given["names"]:
    try:
        getattr(re, given["how"])(given["pattern"], name)
    except re.error:
        break
"""


def check_ends(arguments: Mapping[str, Any], names: Sequence[str], what: str) -> None:
    """Raise InputError for an expression that does not come to an end on these names."""
    for one in (*expressions(arguments), *saved_names(arguments)):
        if not ends(one, names):
            raise InputError(
                f"{what}: matching {shown(one.text)} with the names of this model's modules does "
                "not come to an end: repetitions in it match the same text in too many ways"
            )


def ends(one: Expression, names: Sequence[str]) -> bool:
    """Whether matching an expression with all of these names comes to an end."""
    given = {"seconds": SECONDS, "pattern": one.pattern, "how": one.how, "names": list(names)}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", MATCH],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    if done.returncode > 0:
        raise SuiteError(f"matching {shown(one.text)} failed: {on_one_line(done.stderr)}")
    return done.returncode == 0  # a signal ends what computes too long
