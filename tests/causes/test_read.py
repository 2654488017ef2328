"""Causes are read from folders and from a user's file; what is wrong with one is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.causes import read as causes
from conformance.causes.known import Known
from conformance.causes.read import CauseError, one, read
from conformance.core.case import Case
from conformance.core.finding import Finding

FIELDS = """title = "A stub"
effect = "A stub."
severity = "silent"
stands = "confirmed"
package = "peft"
function = "peft.stub"
link = "unreported"
searched = "nothing"
when = "family == 'gpt2'"
"""
EXPLAINS = 'explains = { life-completes = "unexpected-error" }\n'
CAUSE = f'[[cause]]\nid = "stub"\n{FIELDS}{EXPLAINS}'


def in_a_folder(root: Path, text: str = FIELDS + EXPLAINS, name: str = "stub") -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "cause.toml").write_text(text)
    return folder


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(CAUSE)
    (cause,) = read(file)
    assert (cause.id, cause.script, cause.remedy) == ("stub", None, None)
    assert cause.has(Case(family="gpt2"))
    assert not cause.has(Case())
    assert Known.load((file,)).causes[-1] == cause


def test_a_folder_is_read_with_its_script_and_its_remedy(tmp_path: Path) -> None:
    folder = in_a_folder(tmp_path)
    assert (one(folder).script, one(folder).remedy) == (None, None)
    for name in ("script.py", "remedy.patch"):
        (folder / name).write_text("")
    assert (one(folder).script, one(folder).remedy) == (
        folder / "script.py",
        folder / "remedy.patch",
    )


NARROWED = """
[explains]
life-completes = [
    { kind = "unexpected-error", stage = "merged", subject = "KeyError" },
    { kind = "unexpected-error", stage = "saved*", when = "dora" },
]
"""


def test_what_it_explains_is_narrowed(tmp_path: Path) -> None:
    cause = one(in_a_folder(tmp_path, FIELDS + NARROWED))

    def explained(stage: str, subject: str, case: Case, kind: str = "unexpected-error") -> bool:
        found = Finding(kind, "x", stage=stage, subject=subject)
        return cause.explains_of("life-completes", found, case)

    plain, dora = Case(family="gpt2"), Case(family="gpt2", dora=True)
    assert explained("merged", "KeyError", plain)
    assert not explained("merged", "ValueError", plain)
    assert not explained("adapted", "KeyError", plain)
    assert not explained("merged", "KeyError", plain, "wrong-value")
    assert explained("saved-again", "ValueError", dora)
    assert not explained("saved-again", "ValueError", plain)


def test_all_of_ours_are_read_and_have_scripts() -> None:
    found = causes.ours()
    assert len({cause.id for cause in found}) == len(found) > 50
    assert [cause.id for cause in found if cause.script is None] == []


ARGUABLE = FIELDS.replace('"confirmed"', '"arguable"')
DOCUMENTED = FIELDS.replace('"confirmed"', '"documented"')
# what is wrong, and a word of the sentence that says so
BAD = {
    "title = ": "is not TOML",
    FIELDS: "the field explains is missing",
    EXPLAINS: "the field title is missing",
    FIELDS + EXPLAINS + 'colour = "red"\n': "unknown field colour; accepted are",
    FIELDS.replace('"A stub"', "1") + EXPLAINS: "title accepts a text in quotes",
    FIELDS.replace('"silent"', '"bad"') + EXPLAINS: "severity accepts silent, obscure-crash",
    FIELDS.replace('"confirmed"', '"sure"') + EXPLAINS: "stands accepts confirmed, documented",
    FIELDS.replace('"peft"\n', '"torch"\n') + EXPLAINS: "package accepts peft, transformers",
    ARGUABLE + EXPLAINS: "stands = 'arguable' and the field other_side go together",
    DOCUMENTED + EXPLAINS: "stands = 'documented' and the field quote go together",
    FIELDS + 'quote = "x"\n' + EXPLAINS: "stands = 'documented' and the field quote go together",
    FIELDS.replace('"unreported"', '"https://x"') + EXPLAINS: "searched goes with link",
    FIELDS.replace('searched = "nothing"\n', "") + EXPLAINS: "searched goes with link",
    FIELDS.replace("family ==", "famly ==") + EXPLAINS: "when: there is no fact 'famly'",
    FIELDS.replace("family ==", "tied ==") + EXPLAINS: "when: the fact 'tied' is a flag",
    FIELDS + "explains = {}\n": "explains accepts a table of invariants",
    FIELDS + EXPLAINS.replace("life", "live"): "explains has no invariant 'live-completes'",
    FIELDS + EXPLAINS.replace("unexpected", "odd"): "has no kind of finding 'odd-error'",
    FIELDS + EXPLAINS.replace('"unexpected-error"', "1"): "accepts a kind of finding, or a table",
    FIELDS + "explains = { life-completes = { kind = 'wrong-value', where = 'x' } }\n": (
        "accepts a kind of finding, or a table of kind, stage, subject, when"
    ),
    FIELDS + "explains = { life-completes = { kind = 'wrong-value', when = 'x' } }\n": (
        "explains.life-completes.when: there is no fact 'x'"
    ),
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_bad_cause_is_one_sentence_with_file_and_field(text: str, tmp_path: Path) -> None:
    with pytest.raises(CauseError) as caught:
        one(in_a_folder(tmp_path, text))
    said = str(caught.value)
    assert said.splitlines() == [said]
    assert str(tmp_path / "stub" / "cause.toml") in said
    assert BAD[text] in said


BAD_FILES = {
    "cause = 1": "must hold [[cause]] tables",
    "[[cause]]\ntitle = 'x'": "each cause needs an id",
    CAUSE * 2: "has stub more than once",
    CAUSE + 'script = "none.py"\n': "stub: script names none.py, which is not there",
    CAUSE + "script = 1\n": "stub: script accepts the name of a file beside it",
    '[[known]]\nid = "old"\n': "is a table of the form before causes",
}


@pytest.mark.parametrize("text", BAD_FILES, ids=range(len(BAD_FILES)))
def test_a_bad_file_is_one_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(CauseError) as caught:
        read(file)
    said = str(caught.value)
    assert said.splitlines() == [said]
    assert str(file) in said
    assert BAD_FILES[text] in said


def test_what_hides_a_cause_has_to_be_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    explains = "explains = { life-completes = { kind = 'wrong-value', behind = '%s' } }\n"
    file.write_text(CAUSE.replace(EXPLAINS, explains % "tied-lora-merged-twice"))
    assert Known.load([file]).causes[-1].id == "stub"
    file.write_text(CAUSE.replace(EXPLAINS, explains % "nobody"))
    with pytest.raises(CauseError) as caught:
        Known.load([file])
    said = f"{file}, stub: explains.life-completes.behind names no cause: 'nobody'"
    assert str(caught.value) == said


def test_an_old_file_is_told_how_it_is_carried_over(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[[known]]\n")
    with pytest.raises(CauseError, match=r"its where as a when.*docs/other-projects\.md"):
        read(file)


def test_a_user_cannot_take_an_id_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(CAUSE.replace('"stub"', f'"{causes.ours()[0].id}"'))
    with pytest.raises(CauseError, match="another cause has this id"):
        Known.load((file,))
