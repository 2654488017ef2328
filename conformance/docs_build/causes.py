"""The pages of causes: one that starts with the ten to fix first, and one for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from conformance.causes import recorded
from conformance.causes.cause import SEVERITIES, Cause, Explained
from conformance.causes.outcomes import BROKEN
from conformance.causes.read import ours
from conformance.causes.recorded import Environment, spans
from conformance.core.versions import minor
from conformance.docs_build.tables import table

RECORDED = Path(__file__).parents[2] / "docs" / "results" / "causes"
FIRST = (
    "tied-lora-merged-twice",
    "only-the-first-adapter-is-tied",
    "tied-by-config-not-by-storage",
    "separate-tokens-merge-into-the-tied-tensor",
    "merge-unties-the-config-and-not-the-weights",
    "unload-returns-the-trained-module",
    "merge-by-name-takes-the-active-module",
    "fast-pissa-is-drawn-anew-at-load",
    "casting-unfreezes-parameters",
    "loading-by-assignment-unties",
)
"""The ten to fix first: silent, confirmed, and what most people meet; the order is ours."""

PAGE = """# PEFT {peft} with transformers {transformers}: {count} known causes

Each is one thing that is wrong in one place upstream, with a script of a few lines that needs
torch, transformers and peft alone: it exits with 1 where it is wrong, with 0 where it is right.
`python conformance/causes/<id>/script.py` runs one, `python -m conformance causes` all,
`python -m conformance issue <id>` prints a report for upstream. Since when and until when is
recorded by running the scripts in {environments} environments.

## The ten to fix first

{first}

{parts}
"""
PARTS = {
    "silent": ("Silent", "A wrong model, and nobody says so in time."),
    "obscure-crash": ("Obscure errors", "An error that does not say what was wrong."),
    "clear-crash": ("Clear errors", "An error that says what cannot be done."),
    "warned": ("Warned of", "A loss that upstream warns of when the model is wrapped."),
    "cosmetic": ("Cosmetic", "What no user of the model loses anything by."),
}
SIGNS = {
    BROKEN: "broken",
    "kept": "kept",
    "cannot tell": "–",
    "failed": "the script fails",
    recorded.NOT_LOOKED_AT: "",
}
CAUSE = """# {title}

{effect}

| | |
| --- | --- |
| id | `{id}` |
| severity | {severity} |
| stands | {stands} |
| function | `{function}`{at} |
| upstream | {link} |
| has it | {has} |

## Script

`python conformance/causes/{id}/script.py` exits with 1 where this is wrong, with 0 where it is
right, and with 125 where the versions cannot tell.

```python
{script}
```

{output}
{remedy}## Which runs it explains

{when}

{explains}

## Environments

{environments}
"""


@cache
def environments() -> tuple[Environment, ...]:
    """All that are recorded."""
    return recorded.read(RECORDED)


def newest() -> Environment:
    """The newest PEFT with the newest transformers."""
    return environments()[-1]


def causes() -> str:
    """The page that lists them all."""
    every = {cause.id: cause for cause in ours()}
    here = {name: cause for name, cause in every.items() if newest().result(name) != "kept"}
    return PAGE.format(
        peft=newest().versions["peft"],
        transformers=newest().versions["transformers"],
        count=len(here),
        environments=len(environments()),
        first=_table([every[name] for name in FIRST], numbered=True),
        parts="\n\n".join(_parts(here.values(), every.values())),
    )


def _parts(here: Iterable[Cause], every: Iterable[Cause]) -> Iterator[str]:
    confirmed = [one for one in here if one.stands == "confirmed"]
    for severity in SEVERITIES:
        found = [one for one in confirmed if one.severity == severity]
        if found:
            heading, what = PARTS[severity]
            yield f"## {heading}\n\n{what}\n\n{_table(found)}"
    for standing, heading, what in (
        ("documented", "Documented", "What upstream says itself; each page quotes it."),
        ("arguable", "Arguable", "What is not agreed to be wrong; it fails no run."),
    ):
        found = [one for one in here if one.stands == standing]
        if found:
            yield f"## {heading}\n\n{what}\n\n{_table(found)}"
    past = [one for one in every if newest().result(one.id) == "kept"]
    if past:
        yield f"## History\n\nWhat the newest pair no longer has.\n\n{_table(past)}"


def _table(found: Iterable[Cause], *, numbered: bool = False) -> str:
    heads = ("bug", "effect", "has it", "script", "upstream")
    rows = [
        (
            f"[{cause.title}](causes/{cause.id}.md)",
            cause.effect,
            has_it(cause),
            _lines(cause),
            _link(cause),
        )
        for cause in found
    ]
    if numbered:
        return table(("#", *heads), [(str(n), *row) for n, row in enumerate(rows, 1)])
    return table(heads, rows)


def _lines(cause: Cause) -> str:
    assert cause.script is not None
    count = len(cause.script.read_text(encoding="utf-8").splitlines())
    return f"[{count} lines](../conformance/causes/{cause.id}/script.py)"


def _link(cause: Cause) -> str:
    if cause.link == "unreported":
        return "unreported"
    name = cause.link.removeprefix("https://github.com/huggingface/").replace("/issues/", " #")
    return f"[{name.replace('/pull/', ' #')}]({cause.link})"


def has_it(cause: Cause) -> str:
    """The versions that have it, of the package that is to be mended."""
    found = spans(cause.id, cause.package, environments())
    return f"{cause.package} {'; '.join(map(str, found))}" if found else "none of those recorded"


def page(cause: Cause) -> str:
    """The page of one cause."""
    assert cause.script is not None
    stands = cause.stands
    if cause.quote:
        stands += f": {cause.quote}"
    if cause.other_side:
        stands += f": {cause.other_side}"
    wide = f"\n\nNot every one breaks. {cause.wide}" if cause.wide else ""
    return CAUSE.format(
        **{name: getattr(cause, name) for name in ("id", "title", "effect", "severity")},
        stands=stands.replace("|", "\\|"),
        function=cause.function,
        at=f", {cause.at}" if cause.at else "",
        link=f"unreported; searched for: {cause.searched}" if cause.searched else _link(cause),
        has=has_it(cause),
        script=cause.script.read_text(encoding="utf-8").rstrip(),
        output=_output(cause),
        remedy=_remedy(cause),
        when=f"Those of which is true: `{cause.when}`{wide}",
        explains=table(
            ("invariant", "finding", "narrowed to"),
            [
                (f"`{name}`", one.kind, _narrowed(one))
                for name, each in cause.explains.items()
                for one in each
            ],
        ),
        environments=_environments(cause),
    )


def _output(cause: Cause) -> str:
    for one in reversed(environments()):
        if one.result(cause.id) == BROKEN:
            versions = " and ".join(f"{name} {text}" for name, text in one.versions.items())
            return f"With {versions} it prints\n\n```text\n{one.outcomes[cause.id].output}\n```\n"
    return "No recorded environment has it.\n"


def _remedy(cause: Cause) -> str:
    if cause.remedy is None:
        return ""
    diff = cause.remedy.read_text(encoding="utf-8").rstrip()
    return f"## Remedy\n\nWith this the script exits with 0.\n\n```diff\n{diff}\n```\n\n"


def _narrowed(one: Explained) -> str:
    parts = [f"{name} `{value}`" for name, value in (("at", one.stage), ("of", one.subject))]
    told = [part for part in parts if not part.endswith("`*`")]
    if one.when:
        told.append(f"where `{one.when}`")
    if one.behind:
        told.append(f"where [{one.behind}]({one.behind}.md) is mended, which hides it")
    return "; ".join(told)


def _environments(cause: Cause) -> str:
    every = environments()
    columns = _in_order(one.versions["transformers"] for one in every)
    rows = [
        (peft, *(_sign(cause, peft, other, every) for other in columns))
        for peft in _in_order(one.versions["peft"] for one in every)
    ]
    return table(("PEFT \\ transformers", *columns), rows)


def _in_order(versions: Iterable[str]) -> list[str]:
    return sorted(set(versions), key=minor)


def _sign(cause: Cause, peft: str, transformers: str, every: Sequence[Environment]) -> str:
    pair = {"peft": peft, "transformers": transformers}
    return next((SIGNS[one.result(cause.id)] for one in every if one.versions == pair), "")
