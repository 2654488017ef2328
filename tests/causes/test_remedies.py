"""Remedies: found by their lines, put on a copy together, left out where they do not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.causes.cause import Cause
from conformance.causes.facts import expression
from conformance.causes.remedies import RemedyError, as_one_patch, remedied

pytest.importorskip("unidiff", reason="unidiff reads the remedies")

LINES = [f"line {number}\n" for number in range(1, 31)]
NONE = Cause(
    id="none",
    title="Nothing",
    effect="Nothing.",
    severity="silent",
    stands="confirmed",
    package="peft",
    function="peft.stub",
    at="",
    link="unreported",
    when=expression("tied"),
    explains={},
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "peft"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__pycache__" / "a.pyc").write_text("")
    (folder / "a.py").write_text("".join(LINES))
    return folder


def cause(folder: Path, name: str, at: int, *, file: str = "peft/a.py", old: str = "") -> Cause:
    """A cause whose remedy replaces one line of thirty, three lines around it."""
    before = "".join(f" {line}" for line in LINES[at - 4 : at - 1])
    after = "".join(f" {line}" for line in LINES[at : at + 3])
    patch = folder / f"{name}.patch"
    patch.write_text(
        f"--- a/{file}\n+++ b/{file}\n@@ -{at - 3},7 +{at - 3},8 @@\n{before}"
        f"-{old or LINES[at - 1]}+{name} 1\n+{name} 2\n{after}"
    )
    return replace(NONE, id=name, title=f"About {name}", remedy=patch)


def text(copy: Path) -> list[str]:
    return (copy / "a.py").read_text().splitlines()


def test_all_that_fit_are_in_force_on_a_copy(package: Path, tmp_path: Path) -> None:
    causes = [cause(tmp_path, "b", 20), NONE, cause(tmp_path, "a", 10)]
    done = remedied(causes, package, tmp_path / "copy" / "peft")
    assert done.applied == ("b", "a")
    assert not done.left_out
    after = text(tmp_path / "copy" / "peft")
    assert after[8:12] == ["line 9", "a 1", "a 2", "line 11"]
    assert after[19:23] == ["line 19", "b 1", "b 2", "line 21"]
    assert (package / "a.py").read_text() == "".join(LINES)
    assert not (tmp_path / "copy" / "peft" / "__pycache__").exists()


def test_neighbours_meet_in_one_file(package: Path, tmp_path: Path) -> None:
    """The lines around a change may be those that another changes."""
    causes = [cause(tmp_path, name, at) for name, at in (("a", 10), ("b", 11), ("c", 12))]
    done = remedied(causes, package, tmp_path / "copy" / "peft")
    assert done.applied == ("a", "b", "c")
    assert text(tmp_path / "copy" / "peft")[9:15] == ["a 1", "a 2", "b 1", "b 2", "c 1", "c 2"]


def test_lines_that_moved_are_found_where_they_are(package: Path, tmp_path: Path) -> None:
    (package / "a.py").write_text("new\n" * 5 + "".join(LINES))
    done = remedied([cause(tmp_path, "a", 10)], package, tmp_path / "copy" / "peft")
    assert done.applied == ("a",)
    assert text(tmp_path / "copy" / "peft")[13:17] == ["line 9", "a 1", "a 2", "line 11"]


def test_what_does_not_fit_is_left_out_and_told(package: Path, tmp_path: Path) -> None:
    causes = [
        cause(tmp_path, "other", 10, old="another line\n"),
        cause(tmp_path, "gone", 10, file="peft/b.py"),
        cause(tmp_path, "first", 10),
        cause(tmp_path, "second", 10),
    ]
    done = remedied(causes, package, tmp_path / "copy" / "peft")
    assert done.applied == ("first",)
    assert done.left_out == {
        "other": "the lines around peft/a.py:7 are others",
        "gone": "peft/b.py is not there",
        "second": "peft/a.py:10 is changed by the remedy of first too",
    }


def test_as_one_patch_each_stands_under_its_cause(package: Path, tmp_path: Path) -> None:
    causes = [cause(tmp_path, name, at) for name, at in (("a", 10), ("b", 12))]
    written, done = as_one_patch(causes, package)
    assert done.applied == ("a", "b")
    first, second = written.split("b: About b\n")
    assert first.startswith("a: About a\n--- a/peft/a.py\n+++ b/peft/a.py\n")
    assert "+a 1" in first
    assert "+a 1" not in second
    assert " a 2" in second, "it is made on top of the first"


@pytest.mark.parametrize("wrong", ["--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n x\n", b"\xff"])
def test_a_diff_that_cannot_be_read_is_one_sentence(
    wrong: str | bytes, package: Path, tmp_path: Path
) -> None:
    patch = tmp_path / "bad.patch"
    patch.write_bytes(wrong if isinstance(wrong, bytes) else wrong.encode())
    with pytest.raises(RemedyError, match=r"bad\.patch cannot be read as a diff"):
        remedied([replace(NONE, remedy=patch)], package, tmp_path / "copy" / "peft")


def test_without_its_package_remedies_say_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, package: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr("conformance.causes.remedies.find_spec", lambda _: None)
    with pytest.raises(RemedyError, match=r"remedies need unidiff: pip install 'peft-conf"):
        remedied([cause(tmp_path, "a", 10)], package, tmp_path / "copy" / "peft")
