"""The page in a real browser: wide and narrow, by mouse and by keys, by names, without network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import results_files as files

from conformance.causes.read import ours
from conformance.reporting import html as report
from conformance.reporting.environments import combine
from conformance.reporting.results.read import read

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
pytest.importorskip("jinja2", reason="the page is made by jinja2")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("there is no Chromium to open the page in", allow_module_level=True)
FLAGS = (
    "--no-sandbox",  # a container's root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
KNOWN = {cause.id: cause for cause in ours()}
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
NEWEST = "peft 0.21.2, transformers 5.23.0"
OLDER = "peft 0.17.1, transformers 4.57.6"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    undeclared = {"reason": "", "known": {}, "finding": "wrong-value: logits differ", "heard": []}
    older = files.header("0.17.1", "4.57.6")
    paths = [
        files.write(folder / "a.jsonl", None, files.known(files.TARGET, "announced")),
        files.write(folder / "b.jsonl", older, files.known(files.TARGET, "silent", **undeclared)),
        files.unimportable(folder / "c.jsonl"),
    ]
    made = folder / "page.html"
    made.write_text(report.render(combine(map(read, paths)), KNOWN), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: Any, path: Path) -> Iterator[Any]:
    """The page, opened without network; nothing is asked of it, and no script fails."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    asked: list[str] = []
    wrong: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    opened.goto(path.as_uri())
    yield opened
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
    assert wrong == []
    context.close()


def square(page: Any, table: str, row: str, column: int = 0) -> Any:
    """A square, found as a screen reader finds it: by table, row header and place."""
    rows = page.get_by_role("region", name=table).get_by_role("row")
    found = rows.filter(has=page.get_by_role("rowheader", name=row, exact=True))
    return found.get_by_role("button").nth(column)


SAFE = "Placements in one version"
ALL = "Placements in every version, tied base, cpu"


def details(page: Any) -> Any:
    return page.get_by_role("dialog")


def test_page_fits_its_width(page: Any) -> None:
    assert page.title() == "PEFT conformance"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for frame in page.locator(".frame:visible").all():
        box = frame.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.viewport_size["width"]


def test_a_square_has_a_name_of_words(page: Any) -> None:
    names = [
        button.get_attribute("aria-label") or button.inner_text()
        for button in page.get_by_role("region", name=SAFE).get_by_role("button").all()
    ]
    assert len(names) == len(files.STRATA)
    found = square(page, SAFE, "target:head")
    sync_api.expect(found).to_have_accessible_name("announced 2/3")
    headers = page.get_by_role("region", name=ALL).get_by_role("columnheader")
    assert [" ".join(one.inner_text().split()) for one in headers.all()] == [
        "placement",
        *(f"peft {p} transformers {t}" for p, t in (("0.16.0", "5.23.0"), ("0.17.1", "4.57.6"))),
        "peft 0.21.2 transformers 5.23.0",
    ]


def test_the_newest_version_is_in_sight(page: Any) -> None:
    frame = page.get_by_role("region", name=ALL)
    last, box = frame.get_by_role("columnheader").last.bounding_box(), frame.bounding_box()
    assert last["x"] + last["width"] <= box["x"] + box["width"] + 1


def test_headers_stay_in_sight(page: Any) -> None:
    frame = page.get_by_role("region", name=ALL)
    # smaller than any table, so that it scrolls both ways at every width
    small = "frame => { frame.style.maxHeight = '120px'; frame.style.maxWidth = '260px'; }"
    frame.evaluate(small)
    frame.evaluate("frame => frame.scrollTo(60, 60)")
    assert frame.evaluate("frame => [frame.scrollLeft, frame.scrollTop]") == [60, 60]
    box = frame.bounding_box()
    head = frame.get_by_role("columnheader").first.bounding_box()
    row = frame.get_by_role("rowheader").last.bounding_box()
    assert 0 <= head["y"] - box["y"] <= 2
    assert 0 <= head["x"] - box["x"] <= 2
    assert 0 <= row["x"] - box["x"] <= 2


def test_a_click_opens_all_that_is_known(page: Any) -> None:
    square(page, ALL, "target:head", 2).click()
    dialog = details(page)
    sync_api.expect(dialog).to_be_visible()
    sync_api.expect(dialog).to_have_accessible_name(f"target:head, {NEWEST}")
    told = " ".join(dialog.inner_text().split())
    assert "! announced" in told
    assert "tied, ensure_weight_tying off, on cpu" in told
    assert "2 announced, 1 holds" in told
    assert files.CASE in told
    assert "5.04, allowed 1.99e-5" in told
    assert "The tie is broken by this <adapter>." in told
    assert f"{files.KNOWN} failed in 2 of 3 judged lives" in told
    command = f'python -m conformance reproduce --invariant {files.INVARIANTS[0]} "{files.CASE}"'
    assert command in told
    link = dialog.get_by_role("link", name=KNOWN[files.KNOWN].link)
    assert link.get_attribute("href") == KNOWN[files.KNOWN].link
    dialog.get_by_role("button", name="Close").click()
    sync_api.expect(dialog).to_be_hidden()


def test_an_undeclared_failure_and_silence_are_told(page: Any) -> None:
    square(page, ALL, "target:head", 1).click()
    told = " ".join(details(page).inner_text().split())
    assert "⊗ fails" in told
    assert "wrong-value: logits differ" in told
    assert "none about the tie when the adapter was put on" in told
    assert details(page).get_by_role("link").count() == 0


def test_a_cell_that_was_not_judged_says_why(page: Any) -> None:
    square(page, ALL, "save:head", 0).click()
    assert "peft cannot be imported here (ImportError: cannot import name X)" in (
        details(page).inner_text()
    )


def test_keys_alone_are_enough(page: Any) -> None:
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.matrix td') !== null"):
            break
    focused = page.locator(":focus")
    assert focused.get_attribute("data-cell") == "2"
    outline = focused.evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline == "solid"
    for key in ("ArrowLeft", "ArrowDown", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    sync_api.expect(page.locator(":focus")).to_have_attribute("data-cell", "1")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    sync_api.expect(page.locator(":focus")).to_have_attribute("data-cell", "1")
    page.keyboard.press("Home")
    sync_api.expect(page.locator(":focus")).to_have_attribute("data-cell", "0")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    sync_api.expect(details(page)).to_be_visible()
    sync_api.expect(details(page)).to_have_accessible_name(f"target:head, {NEWEST}")
    sync_api.expect(page.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    sync_api.expect(details(page)).to_be_hidden()
    sync_api.expect(page.locator(":focus")).to_have_attribute("data-cell", "2")


def test_version_answers_which_placements_are_safe(page: Any) -> None:
    found = square(page, SAFE, "target:head")
    page.get_by_label("Version", exact=True).select_option(label=OLDER)
    sync_api.expect(found).to_have_accessible_name("silent 2/3")
    page.get_by_label("Version", exact=True).select_option(label="peft 0.16.0, transformers 5.23.0")
    sync_api.expect(found).to_have_accessible_name("error")
    sync_api.expect(page.locator("#told")).to_contain_text("peft cannot be imported here")
    page.get_by_label("Version", exact=True).select_option(label=NEWEST)
    sync_api.expect(square(page, SAFE, "save:head")).to_have_accessible_name("holds since 0.21.2")
    found.click()
    sync_api.expect(details(page)).to_have_accessible_name(f"target:head, {NEWEST}")


def test_filters_choose_base_and_promise(page: Any) -> None:
    visible = page.locator(".matrix:visible")
    assert visible.count() == 1
    page.get_by_label("Base", exact=True).select_option(label="untied")
    page.get_by_label("ensure_weight_tying", exact=True).select_option(label="on")
    untied = page.get_by_role("region", name="Placements in every version, untied, ensure base")
    sync_api.expect(untied).to_be_visible()
    assert visible.count() == 1
    page.get_by_label("Base", exact=True).select_option(label="tied")
    page.get_by_label("ensure_weight_tying", exact=True).select_option(label="off")
    page.get_by_label("Show", exact=True).select_option(label=files.INVARIANTS[0])
    words = ["error", "fails", "known"]
    for column, word in enumerate(words):
        found = square(page, ALL, "target:head", column)
        sync_api.expect(found).to_have_accessible_name(word)
    sync_api.expect(page.locator("#promise")).to_have_text(
        "Logits after merge_and_unload equal logits before."
    )
    page.get_by_label("Show", exact=True).select_option(label=files.INVARIANTS[1])
    sync_api.expect(square(page, ALL, "target:head", 2)).to_have_accessible_name("holds")
    page.get_by_label("Show", exact=True).select_option(index=0)
    sync_api.expect(square(page, ALL, "target:head", 2)).to_have_accessible_name("announced 2/3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Any, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-core comes with it"
    )
    page.emulate_media(color_scheme=scheme)
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    square(page, ALL, "target:head", 2).click()
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
