"""Tables of known failures: a good one is read, each bad one refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.known_failures import OURS, KnownFailures, TableError, read

ENTRY = """
[[known]]
id = "stub-gpt2"
kind = "bug"
invariant = "life-completes"
finding = "unexpected-error"
peft = ">=0.1"
transformers = ">=4"
where = { family = "gpt2" }
witness = "Case(family='gpt2')"
link = "unreported"
story = "A stub."
"""


def test_a_good_table_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(ENTRY)
    (entry,) = read(file)
    assert entry.id == "stub-gpt2"
    assert entry.region_has(entry.witness)
    assert entry.applies_here()
    assert KnownFailures.load((file,)).entries[-1] == entry


CROSSING = ENTRY.replace('"life-completes"', '"merged-file-loads"').replace(
    "where =", 'saver_peft = ">=0.18,<0.19"\nwhere ='
)


@pytest.mark.parametrize(
    ("saver", "applies"),
    [
        (None, False),
        ({"peft": "0.18.1", "transformers": "4.57.6"}, True),
        ({"peft": "0.19.0", "transformers": "4.57.6"}, False),
        ({"peft": "unknown", "transformers": "4.57.6"}, False),
    ],
)
def test_an_entry_about_saved_files_applies_by_its_saver(
    saver: dict[str, str] | None, applies: bool, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(ENTRY + CROSSING.replace("stub-gpt2", "crossing"))
    ordinary, crossing = read(file)
    assert (ordinary.crosses, crossing.crosses) == (False, True)
    assert ordinary.applies_here(saver) == (saver is None)
    assert crossing.applies_here(saver) == applies
    assert (crossing in KnownFailures.load((file,), saver).entries) == applies


def test_ours_is_read() -> None:
    assert all(entry.region_has(entry.witness) for entry in read(OURS))


# what is wrong, and a word of the sentence that says so
BAD_TABLES = {
    "known = 1": "must hold [[known]] entries",
    "[[known": "is not TOML",
    "[[known]]\nid = 'x'": "needs exactly the fields id, kind",
    ENTRY.replace('"bug"', '"oops"'): "kind accepts bug or limitation",
    ENTRY.replace('"life-completes"', '"life"'): "invariant accepts",
    ENTRY.replace('"unexpected-error"', '"bad"'): "finding accepts",
    ENTRY.replace('">=0.1"', '"0.1-x"'): "Invalid specifier",
    ENTRY.replace('">=0.1"', "1"): "peft has a value of the wrong type",
    ENTRY.replace('family = "gpt2" }', "}"): "one or more fields",
    ENTRY.replace('{ family = "', '{ kind = "'): "one or more fields",
    ENTRY.replace('{ family = "', '{ family = "x'): "outside its own region",
    ENTRY.replace('"gpt2" }', "{ no = [] } }"): "where accepts",
    ENTRY.replace("'gpt2')", "gpt2)"): "not a literal",
    CROSSING.replace("merged-file-loads", "life-completes"): "invariant with saver_peft accepts",
    ENTRY.replace('"life-completes"', '"merged-file-loads"'): "invariant accepts checkpoint-",
    CROSSING.replace(">=0.18", "0.18-x"): "Invalid specifier",
    ENTRY * 2: "declares stub-gpt2 more than once",
}


@pytest.mark.parametrize("table", BAD_TABLES, ids=range(len(BAD_TABLES)))
def test_bad_table_is_one_sentence(table: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(table)
    with pytest.raises(TableError) as caught:
        read(file)
    said = str(caught.value)
    assert said.splitlines() == [said]
    assert str(file) in said
    assert BAD_TABLES[table] in said
