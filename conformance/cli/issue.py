"""``python -m conformance issue ID``: a report for upstream, which posts nothing anywhere."""

from __future__ import annotations

import argparse
import platform
import sys

from conformance.causes.cause import Cause
from conformance.causes.outcomes import BROKEN, Outcome, Outcomes
from conformance.causes.read import CauseError
from conformance.cli.causes import chosen
from conformance.core.versions import installed

TEXT = """{title}

### System Info

- PEFT {peft}, transformers {transformers}, torch {torch}
- Python {python}, {system}

### Who can help?

Whoever knows `{function}` ({at}).

### Reproduction

```python
{script}
```

It exits with {status}: {outcome}

```text
{output}
```

### Expected behavior

{effect} It should not: the script exits with 0 where this is right.
{remedy}"""
REMEDY = """
This makes the script exit with 0:

```diff
{diff}
```
"""


def add_to(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``issue`` to the subcommands."""
    parser = subcommands.add_parser(
        "issue",
        help="print a report of a cause, in the order of PEFT's issue form",
        description="Print a report of a cause for upstream: its title, the installed versions, "
        "the script with what it prints here, what is expected, and the remedy. Nothing is posted.",
    )
    parser.add_argument("id", metavar="ID", help="a cause, as docs/causes.md lists them")
    parser.set_defaults(run=run, parser=parser)


def report(cause: Cause, outcome: Outcome) -> str:
    """The text of a report."""
    assert cause.script is not None
    broken = outcome.result == BROKEN
    diff = cause.remedy.read_text(encoding="utf-8").rstrip() if cause.remedy else ""
    return TEXT.format(
        title=cause.title,
        **{name: installed(name) for name in ("peft", "transformers", "torch")},
        python=platform.python_version(),
        system=platform.system(),
        function=cause.function,
        at=cause.at,
        script=cause.script.read_text(encoding="utf-8").rstrip(),
        status={"broken": "1", "kept": "0", "cannot tell": "125"}.get(outcome.result, "an error"),
        outcome="it is wrong here." if broken else f"with these versions it is {outcome.result}.",
        output=outcome.output or outcome.reason,
        effect=cause.effect,
        remedy=REMEDY.format(diff=diff) if diff else "",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the report; exits with 2 where there is no such cause."""
    parser: argparse.ArgumentParser = arguments.parser
    outcomes = Outcomes()
    try:
        (cause,) = chosen([arguments.id])
        sys.stdout.write(report(cause, outcomes.of(cause)))
    except CauseError as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    finally:
        outcomes.close()
    return 0
