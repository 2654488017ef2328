"""Scripts of causes: what each way to end means, and that one run asks each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.causes import runner
from conformance.causes.cause import Cause
from conformance.causes.facts import expression
from conformance.causes.outcomes import Outcome, Outcomes

CAUSE = Cause(
    id="stub",
    title="A stub",
    effect="A stub.",
    severity="silent",
    stands="confirmed",
    package="peft",
    function="peft.stub",
    at="",
    link="unreported",
    searched="nothing",
    when=expression("tied"),
    explains={},
)


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Outcomes]:
    found = Outcomes()
    yield found
    found.close()


def scripted(folder: Path, text: str, name: str = "stub") -> Cause:
    """A cause with this script."""
    script = folder / f"{name}.py"
    script.write_text(text)
    return replace(CAUSE, id=name, script=script)


ENDS = {
    "one": ("import sys; print('off by 3'); sys.exit(1)", "broken", "off by 3"),
    "zero": ("import sys; print('off by 0'); sys.exit(0)", "kept", "off by 0"),
    "nothing": ("print('fine')", "kept", "fine"),
    "true": ("import sys; sys.exit(True)", "broken", ""),
    "unknown": ("import sys; print('no class'); sys.exit(125)", "cannot tell", "no class"),
    "inside": ("open('a', 'w').write('b'); print('wrote')", "kept", "wrote"),
    "temporary": ("import tempfile; tempfile.mkdtemp(); print('made')", "kept", "made"),
}


@pytest.mark.parametrize("name", ENDS)
def test_an_exit_status_is_an_answer(name: str, outcomes: Outcomes, tmp_path: Path) -> None:
    text, result, output = ENDS[name]
    assert outcomes.of(scripted(tmp_path, text, name)) == Outcome(result, output)


FAILS = {
    "status": ("import sys; sys.exit(2)", "exits with 2, where 1 (broken), 0 (kept) and 125"),
    "error": ("raise ValueError('no')", "ends in an error: ValueError: no"),
    "import": ("import no_such_package", "ends in an error: ModuleNotFoundError"),
    "outside": ("open('{away}/a', 'w')", "writes outside its temporary folder: {away}/a"),
    "folder": ("import os; os.mkdir('{away}/b')", "writes outside its temporary folder: {away}/b"),
    "gone": (
        "import os; os.remove('{away}/c')",
        "writes outside its temporary folder: {away}/c",
    ),
    "caught": (
        "try:\n    open('{away}/d', 'a')\nexcept BaseException:\n    pass",
        "writes outside its temporary folder: {away}/d",
    ),
}


@pytest.mark.parametrize("name", FAILS)
def test_all_else_is_no_answer_and_one_sentence(
    name: str, outcomes: Outcomes, tmp_path: Path
) -> None:
    (tmp_path / "c").write_text("")
    text, told = (part.replace("{away}", str(tmp_path)) for part in FAILS[name])
    found = outcomes.of(scripted(tmp_path, text, name))
    assert found.result == "failed"
    assert found.reason.startswith(f"the script of {name} ({tmp_path / name}.py) {told}")
    assert found.reason.splitlines() == [found.reason]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", f"{name}.py"]


def test_a_script_that_runs_too_long_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runner, "LONGEST", 0.3)
    script = scripted(tmp_path, "while True: pass").script
    assert script is not None
    assert runner.answer(script, tmp_path / "folder")["status"] is None


def test_where_nothing_forks_an_interpreter_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr("os.fork")
    script = scripted(tmp_path, "import sys; print('off'); sys.exit(1)").script
    assert script is not None
    told = runner.answer(script, tmp_path / "folder")
    assert told == {"status": 1, "output": "off"}


def test_a_cause_without_a_script_is_taken_at_its_word() -> None:
    assert Outcomes().of(CAUSE).result == "broken"


def test_processes_of_one_run_ask_a_script_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    asked: list[str] = []

    def run(self: Outcomes, cause: Cause) -> Outcome:
        asked.append(cause.id)
        return Outcome("broken", "off")

    monkeypatch.setattr(Outcomes, "_run", run)
    cause = scripted(tmp_path, "")
    found = {Outcomes(shared).of(cause).output for _ in range(3)}
    assert (found, asked) == ({"off"}, ["stub"])
