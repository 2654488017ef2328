"""What is recorded of scripts: a named cause is added to a file, and nothing else in it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.causes.outcomes import BROKEN, KEPT, Outcome
from conformance.causes.recorded import RecordedError, add, read, write

VERSIONS = {"peft": "0.21.2", "transformers": "5.24.0"}


def test_a_named_cause_is_added_to_what_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "here.json"
    write(path, VERSIONS, {"one": Outcome(BROKEN, "1"), "two": Outcome(BROKEN, "2")})
    add(path, VERSIONS, {"two": Outcome(KEPT, "")})
    (found,) = read(tmp_path)
    assert found.versions == VERSIONS
    assert [found.result(name) for name in ("one", "two")] == [BROKEN, KEPT]


def test_a_first_one_makes_the_file(tmp_path: Path) -> None:
    add(tmp_path / "here.json", VERSIONS, {"one": Outcome(BROKEN, "1")})
    (found,) = read(tmp_path)
    assert found.result("one") == BROKEN


def test_nothing_is_added_to_what_is_of_other_versions(tmp_path: Path) -> None:
    path = tmp_path / "here.json"
    write(path, VERSIONS, {"one": Outcome(BROKEN, "1")})
    before = path.read_bytes()
    with pytest.raises(RecordedError, match=r"is about peft 0\.21\.2 and transformers 5\.24\.0"):
        add(path, VERSIONS | {"peft": "0.20.0"}, {"one": Outcome(KEPT, "")})
    assert path.read_bytes() == before
