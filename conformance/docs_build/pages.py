"""What of README.md and docs is made from the code, from a run, and from a real failure.

``python -m conformance.readme`` rewrites what the code alone decides, on every page that has some;
``--results FILE`` also the verdict tables, from the results of a whole run; ``--failure`` also the
printed failure, ``--own`` the verdict on the configuration in docs/example.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

from conformance.causes.read import ours
from conformance.cli import report
from conformance.core.case import CHOICES, Case
from conformance.core.options import PROFILES
from conformance.core.placements import PLACEMENTS
from conformance.core.versions import minor
from conformance.docs_build import causes as causes_pages
from conformance.docs_build.tables import (
    INVARIANT_HEADS,
    checkpoints,
    of_a_kind,
    operations,
    table,
    variants,
)
from conformance.kinds import KINDS
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.kind import BEYOND_EXAMPLES, LIFECYCLE
from conformance.reporting import inputs
from conformance.reporting import published as reporting_published
from conformance.reporting.environments import Cell
from conformance.reporting.markdown import matrix, meanings
from conformance.reporting.results import read as results
from conformance.reporting.summary import verdict_table
from conformance.reporting.surface import page as surface_page
from conformance.running.arguments import add_options
from conformance.running.options import LEFT_OUT

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
NEWEST = 5
"""Minor releases of PEFT in the diagonal."""
OWN = (DOCS / "example" / "model", DOCS / "example" / "adapter")
SHOWN = ("merge-keeps-logits", Case(tied=True, ensure=True, placement="target:embedding"))
"""The failure that docs/reading.md shows: its invariant and its case."""


class ReadmeError(ValueError):
    """A block that cannot be made or placed; one sentence says why."""


class _Recorder:
    """Stands in for pytest's parser, and keeps what is added to it."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def getgroup(self, _name: str, _description: str) -> _Recorder:
        return self

    def add_argument(self, *names: str, **attributes: Any) -> None:
        metavar = attributes.get("metavar", "")
        named = " ".join([metavar] if isinstance(metavar, str) else metavar)
        name = names[-1] if names[-1].startswith("-") else ""
        choices = "|".join(attributes.get("choices", ()))
        self.rows.append((" ".join(filter(None, [name, choices or named])), attributes["help"]))

    def addoption(self, name: str, **attributes: Any) -> None:
        metavar = attributes.get("metavar")
        self.rows.append((f"{name} {metavar}" if metavar else name, attributes["help"]))


def options() -> str:
    """Our options, and the profiles of Hypothesis."""
    recorder = _Recorder()
    add_options(cast("Any", recorder))
    profiles = ", ".join(
        f"{name} ({what['max_examples']}, {BEYOND_EXAMPLES[name]})"
        for name, what in PROFILES.items()
    )
    left_out = "; ".join(
        f"{name} leaves out {', '.join(files)}, unless they are named"
        for name, files in LEFT_OUT.items()
    )
    what = "profile, with its lives a stratum, and those of other architectures"
    rows = [
        *recorder.rows,
        ("--hypothesis-profile NAME", f"{what}: {profiles}; {left_out}"),
        ("--hypothesis-seed N", "draw another fixed set of cases"),
    ]
    return table(("option", "meaning"), [(f"`{name}`", what) for name, what in rows])


def report_options() -> str:
    """The arguments of ``python -m conformance report``."""
    recorder = _Recorder()
    report.add_arguments(cast("argparse.ArgumentParser", recorder))
    return table(("argument", "meaning"), [(f"`{name}`", what) for name, what in recorder.rows])


def invariants() -> str:
    """Every invariant of a lifecycle run and where it comes from."""
    rows = [(f"`{one.id}`", one.promise, one.source) for one in INVARIANTS.values()]
    return table(INVARIANT_HEADS, rows)


def placements() -> str:
    """Every placement, by what it gives PEFT."""
    rows = [
        (f"`{row.name}`", ", ".join(row.target), ", ".join(row.save), row.tokens)
        for row in PLACEMENTS.values()
    ]
    heads = ("placement", "`target_modules`", "`modules_to_save`", "`trainable_token_indices`")
    return table(heads, rows)


def drawn() -> str:
    """What is drawn for each case inside its stratum."""
    rows = [
        (f"`{name}`", ", ".join(_plain(choice) for choice in dict.fromkeys(choices)))
        for name, choices in CHOICES.items()
    ]
    return table(("field of a case", "choices, simplest first"), rows)


def _plain(choice: object) -> str:
    if isinstance(choice, tuple):
        return " and ".join(map(str, choice)) or "nothing"
    return str(choice)


def published(page: str) -> list[Cell]:
    """The cells whose results are kept in docs, for one of the pages that show them."""
    folder = reporting_published.FOLDERS.get(page)
    return _kept(
        next(
            name
            for name in reporting_published.PAGES
            if reporting_published.FOLDERS.get(name) == folder
        )
    )


@cache
def _kept(page: str) -> list[Cell]:
    try:
        return reporting_published.published(DOCS / reporting_published.KEPT, page)
    except (inputs.ReportError, results.ResultsError) as error:
        raise ReadmeError(f"{error}; `tox run -e publish` keeps those of results/") from None


def matrix_page(name: str) -> str:
    """One of the pages that `publish` makes, of the results that are kept."""
    return reporting_published.rendered(name, published(name))


def diagonal(cells: Sequence[Cell]) -> str:
    """Tied bases in the newest releases of PEFT, each with the newest transformers it runs with."""
    newest: dict[tuple[int, ...], Cell] = {}
    for cell in cells:  # in order of their versions
        if not cell.run.import_problem:
            newest[minor(cell.version("peft"))] = cell
    shown = [newest[name] for name in sorted(newest)[-NEWEST:]]
    if not shown:
        raise ReadmeError("no cell of docs/results was judged")
    pairs = [(one.version("peft"), one.version("transformers")) for one in shown]
    heads = ["placement", *(f"{peft} with {transformers}" for peft, transformers in pairs)]
    runs = shown[0].run.header["examples"]
    return "\n\n".join(
        [
            f"Tied bases, {runs} lifecycle runs a stratum; PEFT with transformers:",
            table(heads, matrix(shown, "cpu", (True, False))),
            "The same with `ensure_weight_tying`:",
            table(heads, matrix(shown, "cpu", (True, True))),
            f"Untied bases, and all {len(cells)} environments: [the matrix](matrix.md).",
        ]
    )


BLOCKS: dict[str, tuple[Path, Callable[[], str]]] = {
    "meanings": (README, meanings),
    "diagonal": (DOCS / "verdicts.md", lambda: diagonal(published("matrix.md"))),
    "options": (DOCS / "run.md", options),
    "report-options": (DOCS / "reports.md", report_options),
    "placements": (DOCS / "invariants.md", placements),
    "drawn": (DOCS / "invariants.md", drawn),
    "invariants": (DOCS / "invariants.md", invariants),
    "checkpoints": (DOCS / "kinds.md", checkpoints),
    "variants": (DOCS / "kinds.md", variants),
    "operations": (DOCS / "kinds.md", operations),
    **{
        kind.name: (DOCS / "kinds.md", partial(of_a_kind, kind))
        for kind in KINDS
        if kind.own_checks and kind is not LIFECYCLE
    },
}
"""Blocks that the code decides, and the results that are kept in docs: page, and how to make it."""

OF_A_RUN: dict[str, Path] = {
    "verdicts": README,
    "verdicts-beyond": DOCS / "verdicts.md",
    "failure": DOCS / "reading.md",
    "own": DOCS / "own-model.md",
}
"""Blocks that a run decides, made anew where an option asks for it: the page of each."""

PAGES: dict[Path, Callable[[], str]] = {
    DOCS / "causes.md": causes_pages.causes,
    DOCS / "surface.md": surface_page.page,
    **{DOCS / "causes" / f"{one.id}.md": partial(causes_pages.page, one) for one in ours()},
    **{DOCS / name: partial(matrix_page, name) for name in reporting_published.PAGES},
}
"""Pages that are generated whole."""


def verdicts(path: Path) -> dict[str, str]:
    """The verdict tables of a run, from its results file, with the versions it was made with."""
    try:
        run = results.read(path)
    except results.ResultsError as error:
        raise ReadmeError(str(error)) from None
    if run.interrupted:
        raise ReadmeError(f"{path} is not of a whole run: {run.interrupted}")
    header = run.header
    names = ("peft", "transformers", "torch", "python")
    versions = ", ".join(f"{name} {header['versions'][name]}" for name in names)
    runs = f"{header['examples']} lifecycle runs a stratum, seed {header['seed']}"
    told = f"Made with {versions}; {runs}."
    heads, *rows = verdict_table(run.records)
    others = verdict_table(run.records, kind="architecture")
    return {
        "verdicts": f"{told}\n\n{table(heads, rows)}",
        "verdicts-beyond": table(("placement", *others[0][1:]), others[1:]),
    }


def _judged(told: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A run of the suite with these options, in the repository."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "conformance", *told],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def failure(invariant: str, case: Case) -> str:
    """What ``--case`` prints for a case that breaks an invariant, under the command for it."""
    told = ["--no-known-failures", "--invariant", invariant, "--case", repr(case)]
    done = _judged(told)
    found = re.search(r"^INVARIANT .*?(?=^[=_]{3})", done.stdout, re.MULTILINE | re.DOTALL)
    rerun = found and re.search(r"^RERUN +(.*)$", found[0], re.MULTILINE)
    if not (found and rerun):
        last = " ".join((done.stdout + done.stderr).splitlines()[-1:])
        raise ReadmeError(f"{case!r} printed no failure of {invariant}; pytest ended with: {last}")
    return f"```console\n$ {rerun[1]}\n```\n\n```text\n{found[0].rstrip()}\n```"


def own_session() -> str:
    """What is told of the configuration in docs/example, under the command for it."""
    model, adapter = (path.relative_to(ROOT) for path in OWN)
    told = ["--model-config", str(model), "--adapter-config", str(adapter)]
    done = _judged(told)
    found = re.search(r"^VERDICT .*?(?=^[=_]{3})", done.stdout, re.MULTILINE | re.DOTALL)
    if not found:
        last = " ".join((done.stdout + done.stderr).splitlines()[-1:])
        raise ReadmeError(f"no verdict on {model} and {adapter}; pytest ended with: {last}")
    command = f"$ pytest conformance {' '.join(told)}"
    return f"```console\n{command}\n```\n\n```text\n{found[0].rstrip()}\n```"


def page_of(name: str) -> Path:
    """The page that a block stands on."""
    return OF_A_RUN[name] if name in OF_A_RUN else BLOCKS[name][0]


def block(text: str, name: str) -> str:
    """The text between a block's markers."""
    return _find(text, name)["body"]


def replaced(text: str, name: str, body: str) -> str:
    """The text with a block made anew."""
    found = _find(text, name)
    return f"{text[: found.start('body')]}{body}{text[found.end('body') :]}"


def _find(text: str, name: str) -> re.Match[str]:
    marks = rf"<!-- {name}: generated -->\n(?P<body>.*?)\n<!-- /{name} -->"
    found = re.search(marks, text, re.DOTALL)
    if found is None:
        raise ReadmeError(f"{page_of(name).relative_to(ROOT)} has no block {name!r}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Rewrite README.md and the pages in docs."""
    parser = argparse.ArgumentParser(prog="python -m conformance.readme", description=__doc__)
    parser.add_argument("--results", type=Path, metavar="FILE", help="results of a whole run")
    parser.add_argument("--failure", action="store_true", help="run the shown failure again")
    parser.add_argument("--own", action="store_true", help="run docs/example again")
    given = parser.parse_args(arguments)
    texts: dict[Path, str] = {}
    try:
        made = {name: make() for name, (_, make) in BLOCKS.items()}
        if given.results:
            made |= verdicts(given.results)
        if given.failure:
            made["failure"] = failure(*SHOWN)
        if given.own:
            made["own"] = own_session()
        for name, body in made.items():
            page = page_of(name)
            text = texts[page] if page in texts else page.read_text(encoding="utf-8")
            texts[page] = replaced(text, name, body)
    except ReadmeError as error:
        sys.exit(f"conformance.readme: {error}")
    for page, text in texts.items():
        page.write_text(text, encoding="utf-8")
    for page, make in PAGES.items():
        page.parent.mkdir(exist_ok=True)
        page.write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
