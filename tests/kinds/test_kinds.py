"""What every kind of test must do, whatever it tests; and that adding one takes a folder."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import find, settings

from conformance.causes.known import Known
from conformance.causes.read import read as read_causes
from conformance.core.finding import Finding
from conformance.core.kind import Drawn, Item, Kind, parse
from conformance.core.literals import CaseError
from conformance.core.options import Options
from conformance.kinds import KINDS, kind_of
from conformance.reporting.results.uninstalled import CommandLine
from conformance.running.collect import ANY, items
from conformance.running.context import Context
from conformance.running.failure_text import AFTER, BEFORE, failure_text
from conformance.running.options import read
from conformance.running.strategies import made

ROOT = Path(__file__).parents[2]
WRITTEN = [kind for kind in KINDS if kind.form]
FINDING = Finding("wrong-value", "x", 1.0, 0.0)


def asked(command: str = "") -> Options:
    """The options of a run."""
    return read(cast("Any", CommandLine(["--device", "cpu", *shlex.split(command)])), KINDS)


def collected(kind: Kind[Any, Any], options: Options) -> Iterator[tuple[str, Item[Any]]]:
    """The items of a kind, with the test that collects each."""
    context = Context(options, Known(), (kind,))
    for test in kind.tests or (ANY,):
        for name, _, item in items(test, context):
            yield f"{test}[{name}]", item


@cache
def sample(kind: Kind[Any, Any]) -> Any:
    """A case of a kind: the first that a run lists, or the simplest that it draws."""
    item = next(item for _, item in collected(kind, asked()))
    if isinstance(item.cases, Drawn):
        simplest = settings(database=None, deadline=None, derandomize=True)
        return find(made(item.cases.make), lambda _: True, settings=simplest)
    return item.cases[0]


@cache
def seen(kind: Kind[Any, Any]) -> Any:
    return kind.observe(sample(kind))


def needed(kind: Kind[Any, Any]) -> None:
    """Skip where an extra that the kind needs is not installed."""
    if seen(kind).lacks and kind.of_an_extra(sample(kind)):
        pytest.skip(seen(kind).lacks)


each = pytest.mark.parametrize("kind", WRITTEN, ids=lambda kind: kind.name)


def test_names_forms_and_tests_are_of_one_kind_each() -> None:
    for values in (
        [kind.name for kind in KINDS],
        [kind.form for kind in WRITTEN],
        [test for kind in KINDS for test in kind.tests],
    ):
        assert len(values) == len(set(values))
    for kind in KINDS:
        assert (ROOT / "conformance" / "kinds" / kind.name / "kind.py").exists()


@each
def test_a_case_is_read_back_as_it_is_written(kind: Kind[Any, Any]) -> None:
    case = sample(kind)
    assert type(case) is kind.case_type
    assert kind_of(case) is kind
    assert parse(repr(case), KINDS) == case
    assert hash(parse(repr(case), KINDS)) == hash(case)
    with pytest.raises(CaseError):
        kind.parse(f"{kind.form}(no_such_field=1)")
    with pytest.raises(CaseError, match=r"a case is written .*, not Nothing\(\.\.\.\)"):
        parse("Nothing(seed=1)", KINDS)


@each
def test_what_is_collected_has_ids_and_checks_of_its_own(kind: Kind[Any, Any]) -> None:
    found = list(collected(kind, asked()))
    ids = [name for name, _ in found]
    assert len(ids) == len(set(ids)) > 0
    judged = {check.id for _, item in found for check in item.checks}
    assert judged == set(kind.checks)


@each
def test_a_case_that_is_given_is_judged_alone(kind: Kind[Any, Any]) -> None:
    case = sample(kind)
    options = asked(f"--case {shlex.quote(repr(case))}")
    for other in KINDS:
        for name, item in collected(other, options):
            assert (other, item.cases) == (kind, (case,))
            assert name.startswith(f"{kind.single}[")
    assert list(collected(kind, options))


@each
def test_an_observation_is_informative_and_the_same_twice(kind: Kind[Any, Any]) -> None:
    needed(kind)
    kind.require_informative(seen(kind))
    again = kind.observe(sample(kind))
    assert kind.difference(seen(kind), again) is None
    assert seen(kind).case == sample(kind)


@each
def test_rerun_leads_back_to_the_item(kind: Kind[Any, Any]) -> None:
    case, check = sample(kind), next(iter(kind.checks.values()))
    words = shlex.split(kind.rerun(seen(kind), check.id))
    assert words[0] == "pytest"
    if "::" in words[-1]:
        wanted = words[-1].partition("::")[2]
        found = [item for name, item in collected(kind, asked()) if name == wanted]
    else:
        options = read(cast("Any", CommandLine(words[2:])), KINDS)
        found = [item for _, item in collected(kind, options)]
        assert not options.use_known
    assert [(item.cases, item.checks) for item in found] == [((case,), (check,))]


@each
def test_the_cause_that_is_printed_explains_what_is_found(
    kind: Kind[Any, Any], tmp_path: Path
) -> None:
    check = next(iter(kind.checks.values()))
    text = failure_text(kind, check, [FINDING], seen(kind), Known())
    headings = re.findall(r"^([A-Z]+) ", text, re.MULTILINE)
    assert headings[0] == "INVARIANT"
    assert headings == [
        h for h in ("INVARIANT", *BEFORE, "FOUND", "SOURCE", *AFTER) if h in headings
    ]
    _, cause = dict(kind.headings(check, [FINDING], seen(kind), Known()))["CAUSE"].split("\n", 1)
    (tmp_path / "mine.toml").write_text(cause)
    declared = Known(read_causes(tmp_path / "mine.toml"))
    assert declared.covering(check.id, FINDING, seen(kind)) == declared.causes


@each
def test_the_simplest_case_is_as_simple_as_itself(kind: Kind[Any, Any]) -> None:
    case = sample(kind)
    assert kind.simplicity(case) == kind.simplicity(parse(repr(case), KINDS))
    assert kind.together(case) == kind.together(parse(repr(case), KINDS))


def test_a_kind_is_read_without_the_packages_that_it_needs_to_run() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'peft', 'hypothesis', 'pytest'):\n"
        "    sys.modules[name] = None\n"
        "from conformance.kinds import KINDS\n"
        "print(len(KINDS))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(len(KINDS))), done.stderr


TOY = ROOT / "tests" / "support" / "data" / "toy_kind"
CASE = "ToyCase(number=3)"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite with one folder more, and one word."""
    root = tmp_path_factory.mktemp("with-a-toy")
    left_out = shutil.ignore_patterns("__pycache__")
    for name in ("conformance", "tiny_models"):
        shutil.copytree(ROOT / name, root / name, ignore=left_out)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy2(ROOT / name, root / name)
    shutil.copytree(TOY, root / "conformance" / "kinds" / "toy", ignore=left_out)
    register = root / "conformance" / "kinds" / "__init__.py"
    text = register.read_text()
    text = text.replace("    USER_CONFIG,\n)", "    USER_CONFIG,\n    TOY,\n)")
    found = "from conformance.kinds.tuners.kind import TUNERS\n"
    text = text.replace(found, f"from conformance.kinds.toy.kind import TOY\n{found}")
    assert text.count("TOY") == 2
    register.write_text(text)
    return root


def command(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=root, capture_output=True, text=True, check=False
    )


def run(root: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """A run of the toy's items, and its records."""
    file = root / "results.jsonl"
    plain = ("-q", "-k", "toy", "-p", "no:cacheprovider", "--results", str(file))
    done = command(root, "pytest", "conformance/test_kinds.py", *plain, *options)
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return done, [row for row in rows if row["type"] == "item"]


def test_a_new_kind_is_judged_printed_and_recorded(copy: Path) -> None:
    done, records = run(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert [record["result"] for record in records] == ["holds", "breaks"]
    assert {record["kind"] for record in records} == {"toy"}
    broken = records[1]
    assert (broken["case"], broken["invariant"]) == (CASE, "toy-number-is-small")
    assert f"CASE      {CASE}" in done.stdout
    assert "wrong-value: 3 is not below 3" in done.stdout
    assert "conformance" in done.stdout


def test_a_new_kind_has_report_case_rerun_and_a_refusal_to_reproduce(copy: Path) -> None:
    done, records = run(copy, "--case", CASE, "--invariant", "toy-*")
    assert [record["case"] for record in records] == [CASE], done.stdout + done.stderr
    done = command(copy, "conformance", "report", str(copy / "results.jsonl"))
    assert done.returncode == 0, done.stderr
    done = command(copy, "conformance", "reproduce", CASE)
    assert done.returncode == 2
    assert "there is no script for a ToyCase yet" in done.stderr


def test_a_cause_explains_a_finding_of_a_new_kind(copy: Path) -> None:
    printed = run(copy)[0].stdout
    entry = re.search(r"^ +(\[\[cause\]\]\n(?: {10}.*\n)+)", printed, re.MULTILINE)
    assert entry
    lines = [line.strip() for line in entry[1].splitlines()]
    (copy / "mine.toml").write_text("\n".join(lines))
    done, records = run(copy, "--known-failures", "mine.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert records[1]["reason"] == "known: my-cause"
