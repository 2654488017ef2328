"""Tables of known failures: a good one is read, each bad one refused in one sentence."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.core.case import Case
from conformance.core.finding import Finding
from conformance.core.observation import Heard, Observation
from conformance.docs_build.known_failures import known_failures
from conformance.kinds.loading.case import LoadingCase
from conformance.kinds.tuners.case import TunerCase
from conformance.known_failures.entry import KnownFailure
from conformance.known_failures.read import OURS, KnownFailures, TableError, read

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


LOADS = (
    ENTRY.replace('"life-completes"', '"checkpoint-loads"')
    .replace("Case(family='gpt2')", "LoadingCase(family='t5', checkpoint='bin')")
    .replace('{ family = "gpt2" }', '{ family = "t5", checkpoint = "bin" }')
)


def test_an_entry_about_loading_has_a_loading_case(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(LOADS)
    (entry,) = read(file)
    assert entry.loads
    assert entry.witness == LoadingCase(family="t5", checkpoint="bin")
    assert entry.region_has(entry.witness)
    assert not entry.region_has(LoadingCase(family="t5"))


OF_A_TUNER = ENTRY.replace("Case(family='gpt2')", "TunerCase(family='gpt2', placement='body')")


def test_an_entry_about_a_tuner_has_no_other_life_in_its_region(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(OF_A_TUNER)
    (entry,) = read(file)
    assert entry.of_a_tuner
    assert entry.region_has(TunerCase(family="gpt2", tuner="ia3"))
    assert not entry.region_has(Case(family="gpt2"))
    file.write_text(ENTRY)
    (entry,) = read(file)
    assert not entry.region_has(TunerCase(family="gpt2", tuner="ia3"))
    assert entry.region_has(TunerCase(family="gpt2", tuner="ia3", placement="save:head"))
    assert entry.region_has(TunerCase(family="gpt2", tuner="lora-dora")), "that is LoRA"


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


PINS = (Path(__file__).parents[2] / "tox.ini").read_text()
RELEASES = {name: re.findall(rf"{name}==([\d.]+)", PINS) for name in ("peft", "transformers")}
"""The releases of the matrix."""


def within(one: KnownFailure, other: KnownFailure) -> bool:
    """Whether whatever the first entry declares is declared by the second already."""
    ranges = ("peft", "transformers", "saver_peft", "saver_transformers")
    return (
        (one.crosses, one.loads, one.of_a_tuner) == (other.crosses, other.loads, other.of_a_tuner)
        and set(one.invariant) <= set(other.invariant)
        and set(one.finding) <= set(other.finding)
        and other.says in ("", one.says)
        and (one.needs_warning or not other.needs_warning)
        and all(inside(one.where.get(name), wide) for name, wide in other.where.items())
        and all(
            getattr(other, name).contains(version, prereleases=True)
            for name in ranges
            for version in RELEASES[name.removeprefix("saver_")]
            if getattr(one, name).contains(version, prereleases=True)
        )
    )


def inside(narrow: Any, wide: Any) -> bool:
    """Whether every value that the first condition accepts is accepted by the second."""
    if narrow is None:
        return False
    if isinstance(wide, dict) and "has" in wide:
        return isinstance(narrow, dict) and set(narrow.get("has", ["?"])) <= set(wide["has"])
    if isinstance(wide, dict):
        denied = set(wide["not"])
        return (
            denied <= set(narrow.get("not", []))
            if isinstance(narrow, dict)
            else not denied & set(narrow)
        )
    return not isinstance(narrow, dict) and set(narrow) <= set(wide)


def test_none_of_ours_lies_inside_another() -> None:
    entries = read(OURS)
    assert [(a.id, b.id) for a in entries for b in entries if a is not b and within(a, b)] == []


def test_an_entry_inside_another_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    narrow = ENTRY.replace("stub-gpt2", "narrow").replace(
        '{ family = "gpt2" }', '{ family = "gpt2", rank = [1, 2] }'
    )
    file.write_text(ENTRY + narrow)
    wide, narrow_entry = read(file)
    assert within(narrow_entry, wide)
    assert not within(wide, narrow_entry)


def test_ours_is_read() -> None:
    assert all(entry.region_has(entry.witness) for entry in read(OURS))


ARGUABLE = ENTRY.replace('"bug"', '"arguable"') + 'other_side = "It may be meant."\n'
LIMITATION = ENTRY.replace('"bug"', '"limitation"')
DOCUMENTED = LIMITATION + 'documented = "docs/lora.md: cannot be guaranteed"\n'


@pytest.mark.parametrize(
    ("table", "unwarned"),
    [(ENTRY, True), (ARGUABLE, True), (LIMITATION, False), (DOCUMENTED, True)],
)
def test_what_is_not_documented_needs_a_warning(table: str, unwarned: bool, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(table)
    (entry,) = read(file)
    finding = Finding("unexpected-error", "a stub")
    seen = Observation(Case(family="gpt2"), names={})
    assert entry.covers("life-completes", finding, seen) is unwarned
    warned = replace(seen, heard=(Heard("adapted", "tied", "peft", about_tying=True),))
    assert entry.covers("life-completes", finding, warned)


def test_every_kind_tells_what_is_its_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(ARGUABLE + DOCUMENTED.replace("stub-gpt2", "other"))
    argued, documented = read(file)
    assert (argued.arguable, argued.other_side) == (True, "It may be meant.")
    assert (documented.arguable, documented.documented) == (
        False,
        "docs/lora.md: cannot be guaranteed",
    )
    assert KnownFailures((argued, documented)).arguable.entries == (argued,)


def test_the_page_has_a_part_for_each_kind_with_both_sides() -> None:
    bugs, limitations, arguable = re.split(r"^## .*$", known_failures(), flags=re.MULTILINE)[1:]
    parts = {"bug": bugs, "limitation": limitations, "arguable": arguable}
    for entry in read(OURS):
        part = parts.pop(entry.kind)
        (row,) = [line for line in part.splitlines() if line.startswith(f"| `{entry.id}` |")]
        for told in (entry.story, entry.documented, entry.other_side, entry.link):
            assert told.replace("|", r"\|") in row
        assert not any(f"`{entry.id}` |" in other for other in parts.values())
        parts[entry.kind] = part


# what is wrong, and a word of the sentence that says so
BAD_TABLES = {
    "known = 1": "must hold [[known]] entries",
    "[[known": "is not TOML",
    "[[known]]\nid = 'x'": "needs exactly the fields id, kind",
    ENTRY.replace('"bug"', '"oops"'): "kind accepts bug, limitation, arguable, not 'oops'",
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
    LOADS.replace("LoadingCase", "Case"): "a case has no field 'checkpoint'",
    LOADS.replace("checkpoint='bin'", "checkpoint='zip'"): "checkpoint' of a loading case accepts",
    LOADS.replace("checkpoint='bin'", "layers=1"): "a loading case has no field 'layers'",
    LOADS.replace("family='t5', ", "family='llama', ").replace(
        "checkpoint='bin'", "checkpoint='full-from-encoder'"
    ): "llama has no checkpoint",
    LOADS.replace('checkpoint = "bin"', "layers = 1"): "one or more fields",
    LOADS.replace('"checkpoint-loads"', '["checkpoint-loads", "life-completes"]'): "accepts",
    ENTRY * 2: "declares stub-gpt2 more than once",
    ENTRY.replace('"bug"', '"arguable"'): "stub-gpt2: an arguable entry needs the field other_side",
    ARGUABLE.replace("It may be meant.", " "): "an arguable entry needs the field other_side",
    ARGUABLE.replace('"It may be meant."', "1"): "other_side has a value of the wrong type",
    ARGUABLE.replace('"arguable"', '"bug"'): "other_side goes with kind 'arguable' alone",
    DOCUMENTED.replace('"limitation"', '"bug"'): "documented goes with kind 'limitation' alone",
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
