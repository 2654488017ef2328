"""docs/mutants.md, made of the results and of what was found on reading each survivor."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.mutation.copies import SCOPE
from benchmarks.table import Row, made_with

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PAGE = Path(__file__).parents[2] / "docs" / "mutants.md"
RESULTS = Path(__file__).with_name("results.jsonl")
SURVIVORS = Path(__file__).with_name("survivors.toml")
OURS, THEIRS = "conformance", "PEFT's own"
KINDS = {
    "equivalent": "nothing that PEFT promises can differ",
    "out of reach": "needs what no life has",
    "gap": "a life could tell, and does not",
}
HEAD = """# Mutants of PEFT, and who notices them

One place of PEFT's own code that merges, ties, saves or loads is changed on a copy of the package:
does a suite fail? [What may be changed](../benchmarks/mutation/scope.toml), the {sample} mutants
and their order were fixed before the first run. Each ran to the first failure or for {seconds} s of
CPU.

One run on the package as it is says which items meet a change: they come to its statement, and
where that is an `if` whose test only looks, the changed test says something else there. Only those
items ran, since no other can differ. A mutant that no item meets survives without a run.

PEFT's own tests are `TestWeightTying` and those with "merge" in their names, of the files that
build their own models. What fails on the package as it is, for want of the hub or of scikit-learn,
is left out.
"""


def reasons() -> dict[str, Row]:
    """What was found on reading each survivor, by mutant."""
    table = tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))
    return {entry["mutant"]: entry for entry in table.get("survivor", ())}


def page(results: Sequence[Row], read: Mapping[str, Row]) -> str:
    """The page."""
    of = {
        suite: {row["mutant"]: row for row in results if row["suite"] == suite and row["mutant"]}
        for suite in (OURS, THEIRS)
    }
    whole = {row["suite"]: row for row in results if not row["mutant"]}
    lived = [name for name, row in of[OURS].items() if row["result"] == "survived"]
    head = HEAD.format(sample=SCOPE["sample"], seconds=SCOPE["seconds"])
    return "\n".join(
        [
            head,
            *_shares(of, whole, lived, read),
            "",
            f"{made_with(whole[OURS]['versions'])} CPU seconds count the imports.",
            "",
            "## Survivors",
            "",
            "Each was read. "
            + "; ".join(f"*{kind}*: {what}" for kind, what in KINDS.items())
            + ".",
            "",
            "| mutant | this suite | PEFT's own | kind | why |",
            "| --- | --- | --- | --- | --- |",
            *(_survivor(of, name, read[name]) for name in lived),
            "",
            "## Killed",
            "",
            "| mutant | CPU seconds | by | PEFT's own |",
            "| --- | --- | --- | --- |",
            *(_killed(of, name) for name in of[OURS] if name not in lived),
            "",
        ]
    )


def _shares(
    of: Mapping[str, Mapping[str, Row]],
    whole: Mapping[str, Row],
    lived: Sequence[str],
    read: Mapping[str, Row],
) -> list[str]:
    ran, equal = len(of[OURS]), sum(read[name]["kind"] == "equivalent" for name in lived)
    killed = ran - len(lived)
    lines = [f"- This suite kills {killed} of {ran}, {killed / ran:.0%}."]
    if ran < SCOPE["sample"]:
        left = SCOPE["sample"] - ran
        lines[0] = (
            f"- **Not finished**: {left} of {SCOPE['sample']} were started and not killed at once, "
            f"or not started. This suite kills {killed} so far and leaves {len(lived)} alive: of "
            f"all {SCOPE['sample']}, {killed / SCOPE['sample']:.0%} at least."
        )
    else:
        rest = ran - equal
        lines.append(
            f"- {equal}, {equal / ran:.0%}, are equivalent: of the other {rest} it kills {killed}, "
            f"{killed / rest:.0%}."
        )
    for kind in ("out of reach", "gap"):
        count = sum(read[name]["kind"] == kind for name in lived)
        lines.append(f"- Survivors by kind: {kind}, {count}.")
    theirs = {name: row for name, row in of[THEIRS].items() if name in of[OURS]}
    if theirs:
        count = sum(row["result"] != "survived" for row in theirs.values())
        alone = [
            name
            for name in lived
            if theirs.get(name, {"result": "survived"})["result"] != "survived"
        ]
        both = sum(of[OURS][name]["result"] != "survived" for name in theirs)
        lines.append(
            f"- PEFT's own tests, asked of {len(theirs)}: they kill {count}, "
            f"{count / len(theirs):.0%}; this suite kills {both} of the same."
        )
        lines.append(f"- Killed by PEFT's own tests alone: {len(alone)}.")
    for suite, name in ((OURS, "This suite"), (THEIRS, "PEFT's own")):
        if suite in whole:
            one = whole[suite]
            left = f", {one['left out']} more left out" if one["left out"] else ""
            lines.append(f"- {name}: {one['items']} items{left}, {one['cpu']:.0f} CPU seconds.")
    spent = [row["cpu"] for row in of[OURS].values() if row["result"] != "survived"]
    lines.append(f"- CPU seconds to the first kill, median: {median(spent):.0f}.")
    return lines


def _place(name: str) -> str:
    """A mutant's file and line, function and operator; its node number tells nobody anything."""
    file, function, operator, _ = name.split()
    return f"`{file}` `{function}`, {operator}"


def _theirs(of: Mapping[str, Mapping[str, Row]], name: str) -> str:
    row = of[THEIRS].get(name)
    if row is None:
        return "not asked"
    return "survived" if row["result"] == "survived" else "killed"


def _survivor(of: Mapping[str, Mapping[str, Row]], name: str, found: Row) -> str:
    row = of[OURS][name]
    by = row["by"] if not row["items"] else f"{row['by']}, {row['items']} items"
    return f"| {_place(name)} | {by} | {_theirs(of, name)} | {found['kind']} | {found['reason']} |"


def _killed(of: Mapping[str, Mapping[str, Row]], name: str) -> str:
    row = of[OURS][name]
    by = row["by"].replace("|", "\\|") or row["result"]
    return f"| {_place(name)} | {row['cpu']:.0f} | `{by}` | {_theirs(of, name)} |"
