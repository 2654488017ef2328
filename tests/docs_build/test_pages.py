"""Links between pages: each leads to a file and to a heading that are there, and to every page."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
)
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+?)#*$", re.MULTILINE)
NAMED = re.compile(r"`((?:conformance|tiny_models|benchmarks|tests)/[\w./]+)`")
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:", re.IGNORECASE)


@cache
def prose(page: Path) -> str:
    """A page without its code blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Where a page's links lead, but for those out of the repository."""
    found = LINK.findall(INLINE.sub("", prose(page)))
    return [one for one in found if not ELSEWHERE.match(one)]


@cache
def anchors(page: Path) -> frozenset[str]:
    """What can stand behind # in a link to a page, as GitHub makes it of headings."""
    found: list[str] = []
    for heading in HEADING.findall(prose(page)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
        before = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", one) is not None for one in found)
        found.append(f"{slug}-{before}" if before else slug)
    return frozenset(found)


def target(page: Path, link: str) -> tuple[Path, str]:
    """The file and the anchor that a link leads to."""
    path, _, anchor = link.partition("#")
    return (page.parent / unquote(path)).resolve() if path else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, anchor = target(page, link)
        assert path.exists(), link
        assert path.is_relative_to(ROOT), link
        if anchor:
            assert path.suffix == ".md", link
            assert anchor in anchors(path), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    for name in NAMED.findall(prose(page)):
        assert (ROOT / name).exists(), name


def test_the_glossary_has_each_word_once() -> None:
    rows = re.findall(r"^\| (.+?) \|", prose(ROOT / "docs" / "glossary.md"), re.MULTILINE)
    words = [word for row in rows if row not in ("word", "---") for word in row.split(", ")]
    assert len(words) > 50
    assert sorted(words) == sorted(set(words))


def test_every_page_is_found_from_the_readme() -> None:
    found, waiting = {README}, [README]
    while waiting:
        page = waiting.pop()
        for link in links(page):
            path, _ = target(page, link)
            if path in PAGES and path not in found:
                found.add(path)
                waiting.append(path)
    assert found == set(PAGES)


def test_anchors_are_those_of_headings(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "# A `b_c`, d!\n\n```\n# no heading\n```\n\n## Twice\n\n## Twice\n\n## [On](x.md) it\n"
    page.write_text(text, encoding="utf-8")
    assert anchors(page) == {"a-b_c-d", "twice", "twice-1", "on-it"}


def test_links_are_those_of_prose(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    text = "[a](b.md#c) ![d](e.svg) [f](https://x.org) `[g](h)`\n\n```\n[i](j)\n```\n"
    page.write_text(text, encoding="utf-8")
    assert links(page) == ["b.md#c", "e.svg"]
