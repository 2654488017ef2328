"""README.md and docs: generated blocks are those made now, and commands name what exists."""

from __future__ import annotations

import configparser
import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from conformance.core.grid import ORDINARY
from conformance.core.options import RUN_SEED
from conformance.core.placements import PLACEMENTS
from conformance.core.verdict import SIGNS
from conformance.docs_build import pages
from conformance.reporting.summary import HEADS

ROOT = Path(__file__).parents[2]
PAGES = (pages.README, ROOT / "CONTRIBUTING.md", *sorted(pages.DOCS.glob("*.md")))
SHELL_BLOCK = re.compile(r"^ *```(?:console|sh)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"^<!-- ([\w-]+): generated -->$", re.MULTILINE)
OTHER_PROGRAMS = {"pip", "mkdir", ".ci/run"}
TOX_HANDS_ON = {"report": ("conformance", "report")}
"""tox environments whose further words are not pytest's, with the program that takes them."""
SCREEN = 40  # lines that are seen without scrolling
LONGEST = {"README.md": 200, "CONTRIBUTING.md": 150}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def shown_block(name: str) -> str:
    """A block as it stands on its page."""
    return pages.block(text_of(pages.page_of(name)), name)


def commands(text: str) -> list[list[str]]:
    """Every command of a page's shell blocks, without the variables set for it."""
    found = []
    for body in SHELL_BLOCK.findall(text):
        for line in map(str.strip, body.splitlines()):
            assert line.startswith("$ "), f"not a command: {line}"
            for part in line[2:].split(" && "):
                words = shlex.split(part)
                while re.match(r"[A-Z_]+=", words[0]):
                    words.pop(0)
                found.append(words)
    return found


@cache
def help_of(*module: str) -> str:
    """What a program says of its options."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", *module, "--help"],
        cwd=ROOT,
        env=environment | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def options_of(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", text))


@pytest.mark.parametrize("name", pages.BLOCKS)
def test_block_is_the_one_made_now(name: str) -> None:
    _, make = pages.BLOCKS[name]
    assert shown_block(name) == make(), "run `python -m conformance.readme`"


def test_every_block_stands_once_on_its_page() -> None:
    marked = sorted((name, page) for page in PAGES for name in MARK.findall(text_of(page)))
    names = [*pages.BLOCKS, *pages.OF_A_RUN]
    assert marked == sorted((name, pages.page_of(name)) for name in names)


@pytest.mark.parametrize("name", LONGEST)
def test_page_is_short(name: str) -> None:
    assert len(text_of(ROOT / name).splitlines()) <= LONGEST[name]


def test_first_screen_says_what_to_type_and_where_to_go() -> None:
    screen = "\n".join(text_of(pages.README).splitlines()[:SCREEN])
    assert commands(screen) == [
        ["pip", "install", "tox"],
        ["tox", "run", "-e", "latest"],
        ["tox", "run", "-e", "tests"],
    ]
    for page in ("branch", "pins", "mergers", "own-model"):
        assert f"](docs/{page}.md)" in screen


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_page_is_the_one_made_now(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages.PAGES[page](), (
        "run `python -m conformance.readme`"
    )


def test_verdict_table_covers_all_strata_and_names_its_versions() -> None:
    told, empty, *lines = shown_block("verdicts").splitlines()
    versions = dict(re.findall(r"(peft|transformers|torch|python) (\d+\.\d+[\w.+]*)", told))
    assert set(versions) == {"peft", "transformers", "torch", "python"}
    assert re.search(rf"\b\d+ lifecycle runs a stratum, seed {RUN_SEED}", told)
    assert empty == ""
    check_table(lines, tuple(ORDINARY))


def test_verdict_table_of_other_architectures_covers_all_placements() -> None:
    check_table(shown_block("verdicts-beyond").splitlines(), tuple(PLACEMENTS))


def check_table(lines: list[str], placements: tuple[str, ...]) -> None:
    heads, _, *rows = lines
    assert heads == f"| placement | {' | '.join(HEADS)} |"
    table = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[0] for row in table] == list(placements)
    cells = [cell for row in table for cell in row[1:]]
    assert len(cells) == len(placements) * len(HEADS)
    words = {f"{sign} {name}" for name, sign in SIGNS.items()}
    for cell in cells:
        word, share = re.fullmatch(r"(.+?)(?: (\d+/\d+))?", cell, re.DOTALL).groups()
        assert word in words
        if share:
            part, whole = map(int, share.split("/"))
            assert 0 < part < whole


@pytest.mark.parametrize("name", SIGNS)
def test_every_verdict_is_explained(name: str) -> None:
    assert f"| {SIGNS[name]} {name} |" in shown_block("meanings")


def test_shown_failure_is_what_is_printed_now() -> None:
    shown = shown_block("failure")
    for package in ("peft", "transformers"):
        version = importlib.metadata.version(package)
        if f"{package} {version}," not in shown:
            pytest.skip(f"the failure was made with another {package} than {version}")
    assert figureless(pages.failure(*pages.SHOWN)) == figureless(shown), (
        "run `python -m conformance.readme --failure`"
    )


def test_shown_verdict_is_what_is_printed_now() -> None:
    shown = shown_block("own")
    for package in ("peft", "transformers"):
        version = importlib.metadata.version(package)
        if f"{package} {version}," not in shown:
            pytest.skip(f"the verdict was made with another {package} than {version}")
    assert figureless(pages.own_session()) == figureless(shown), (
        "run `python -m conformance.readme --own`"
    )


def figureless(text: str) -> str:
    """Without figures whose last digits differ between processors, and the build of torch."""
    text = re.sub(r"by \S+, allowed \S+", "by N, allowed N", text)
    return re.sub(r"torch \S+", "torch N", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_name_existing_environments_options_and_programs(page: Path) -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    for program, *words in commands(text_of(page)):
        if program == "tox":
            assert any(made(word, tox.sections()) for word in words) or "-m" in words
            own, given = split(words)
            assert used(own) <= options_of(help_of("tox", "run"))
            takes = next((TOX_HANDS_ON[word] for word in own if word in TOX_HANDS_ON), ("pytest",))
            assert used(given) <= options_of(help_of(*takes))
        elif program == "pytest":
            assert used(words) <= options_of(help_of("pytest"))
        elif program == "python":
            flag, *module = [word for word in words if word == "-m" or not word.startswith("-")]
            assert flag == "-m"
            name = module[:2] if module[0] == "conformance" else module[:1]
            assert used(words[1:]) <= options_of(help_of(*name))
        else:
            assert program in OTHER_PROGRAMS
            assert "/" not in program or (ROOT / program).exists()


def test_pages_hold_commands_of_each_program() -> None:
    """Guards the test above against passing on nothing."""
    seen = {program for page in PAGES for program, *_ in commands(text_of(page))}
    assert seen == {"tox", "pytest", "python", *OTHER_PROGRAMS}


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """What tox is told, and what it hands on."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def used(words: list[str]) -> set[str]:
    """The options among words."""
    return {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}


def made(name: str, sections: list[str]) -> bool:
    """Whether a section of tox.ini makes this environment, braces standing for alternatives."""
    alternatives = (
        re.sub(r"\{(.*?)\}", lambda m: f"({re.sub(', *', '|', m[1])})", section)
        for section in sections
    )
    return any(re.fullmatch(pattern, f"testenv:{name}") for pattern in alternatives)


def test_results_of_an_interrupted_run_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({"type": "header"}) + "\n", encoding="utf-8")
    with pytest.raises(pages.ReadmeError, match="interrupted"):
        pages.verdicts(path)


def test_missing_block_is_named() -> None:
    with pytest.raises(pages.ReadmeError, match=r"docs/run\.md has no block 'options'"):
        pages.replaced("# Nothing here", "options", "new")


def test_block_is_replaced_between_its_marks() -> None:
    text = "a\n<!-- x: generated -->\nold\n<!-- /x -->\nb"
    assert pages.replaced(text, "x", "new") == "a\n<!-- x: generated -->\nnew\n<!-- /x -->\nb"


def page(path: Path, name: str) -> Path:
    path.write_text(f"<!-- {name}: generated -->\nold\n<!-- /{name} -->\n", encoding="utf-8")
    return path


def test_command_makes_the_blocks_of_all_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = page(tmp_path / "one.md", "x"), page(tmp_path / "two.md", "y")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "BLOCKS", {"x": (one, lambda: "X"), "y": (two, lambda: "Y")})
    monkeypatch.setattr(pages, "PAGES", {tmp_path / "three.md": lambda: "Z"})
    assert pages.main([]) == 0
    made = [text_of(tmp_path / f"{name}.md") for name in ("one", "two", "three")]
    assert [re.search(r"[XYZ]", text)[0] for text in made] == ["X", "Y", "Z"]
    assert not any("old" in text for text in made)


def test_command_writes_nothing_where_a_block_has_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = page(tmp_path / "one.md", "x"), page(tmp_path / "two.md", "z")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "BLOCKS", {"x": (one, lambda: "X"), "y": (two, lambda: "Y")})
    monkeypatch.setattr(pages, "PAGES", {})
    with pytest.raises(SystemExit, match=r"two\.md has no block 'y'"):
        pages.main([])
    assert "old" in text_of(one)
