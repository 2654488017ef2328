"""The page: each row with where it is exercised, or why not; made of the record and the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.core.kind import parse
from conformance.kinds import KINDS, kind_of
from conformance.reporting.markdown import table
from conformance.reporting.surface.reasons import Judged, judged
from conformance.reporting.surface.record import Record, Row, read

PAGE = """# PEFT {peft}: {used} of {counted} public functions and options exercised ({share:.0%})

Every public function, method, property and option of PEFT that touches adapters on a model, found
by looking into the installed package. *Exercised* is what a case of the suite calls, itself or
through another call; an option, what it gives another value than the default. The machine saw it
(transformers {transformers}), and a test sees it again. It says that what comes of the call is
looked at by the [invariants](invariants.md), not that they look at all of it.

Options are arguments with a default, fields of the configs, and what a call takes out of its
`**kwargs`. A method counts once, for the first class that has it, whatever classes redefine it.
Other tuners' own classes and configs have [a page of their own](tuners.md).

What a new PEFT adds makes `tests/reporting/test_surface.py` fail until a case exercises it or
`conformance/reporting/surface/reasons.toml` says why none does:

```console
$ python -m conformance surface --record --search 3
$ python -m conformance surface --record --case "Case(tied=True, ensure=False, placement='body')"
$ python -m conformance.readme
```

{groups}

## Not exercised

{reasoned}

## Exercised

The function of the suite that calls it, what that calls to get there where it is not the thing
itself, and the number of [the case](#cases) that showed it.

{exercised}

## What does not count

It touches no adapter on a model.

{outside}

## Cases

`pytest conformance --case CASE` lives one.

{cases}
"""


def page(record: Record | None = None) -> str:
    """The page of a record, of the one that is kept unless another is given."""
    of = read() if record is None else record
    found = judged(of.rows)
    return PAGE.format(
        **of.versions,
        used=len(found.exercised),
        counted=found.counted,
        share=found.share,
        groups=_groups(found),
        reasoned=_reasoned(found, outside=False),
        exercised=_exercised(found, of.cases),
        outside=_reasoned(found, outside=True),
        cases="\n".join(_cases(of.cases)),
    )


def _groups(found: Judged) -> str:
    """How many of each group."""
    used = _by_group(found.exercised)
    rest = [row for one, rows in found.reasoned.items() if not one.outside for row in rows]
    every = _by_group([*found.exercised, *found.unsaid, *rest])
    rows = [(f"`{g}`", str(len(used.get(g, ()))), str(len(every[g]))) for g in every]
    return table(("of", "exercised", "all"), rows)


def _by_group(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return found


def _reasoned(found: Judged, *, outside: bool) -> str:
    lines = [
        (one.why, ", ".join(f"`{row.name}`" for row in rows))
        for one, rows in found.reasoned.items()
        if one.outside == outside
    ]
    if found.unsaid and not outside:
        lines.append(("**nobody has said why**", ", ".join(f"`{r.name}`" for r in found.unsaid)))
    return table(("why", "functions and options"), lines)


def _exercised(found: Judged, cases: tuple[str, ...]) -> str:
    parts = []
    for group, rows in _by_group(found.exercised).items():
        lines = [_line(row, cases) for row in rows]
        heads = ("function or option", "called by", "through", "case")
        parts.append(f"### {group}\n\n{table(heads, lines)}")
    return "\n\n".join(parts)


def _line(row: Row, cases: tuple[str, ...]) -> tuple[str, ...]:
    at = row.place
    assert at is not None  # it is exercised
    through = f"`{at.through}`" if at.through else ""
    called = f"`{at.function}` in `{at.file}`"
    return f"`{row.name}`", called, through, str(cases.index(at.case) + 1)


def _cases(cases: tuple[str, ...]) -> Iterator[str]:
    for number, written in enumerate(cases, 1):
        yield f"{number}. {kind_of(parse(written, KINDS)).name}: `{written}`"
