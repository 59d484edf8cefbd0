"""Every kind of page keeps what the interface promises: for all readers, on all screens."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.journeys import quality
from tests.journeys.browser import Cast
from tests.journeys.views import VIEWS, View

# In English the words differ, not the frame: one page of each make.
ENGLISH = [
    *("home", "search-words", "search-empty", "call-open", "towns", "ranking"),
    *("search-empty-town", "map", "formats", "desk-paused", "desk-edit"),
    *("alert-new", "alert-sent", "alert-find-none"),
    *("register-wrong", "officer-calls", "call-new-wrong", "call-matches"),
    *("call-matches-print", "startup-matches", "why-not-choose"),
]
CRAWLED = [
    *("home", "search-words", "call-open", "towns", "sign-in"),
    *("map", "desk-edit"),
    *("officer-calls", "call-new", "solution-matches", "operator"),
    *("call-matches-print", "why-not"),
]
# The refused state of these forms holds the same fields and more.
SEEN_REFUSED = {"call-new", "solution-new", "new-company"}
MOST_SHEETS = 4
BY_NAME = {view.name: view for view in VIEWS}


def complaints(cast: Cast, view: View, page: Page) -> list[str]:
    """Everything that is wrong with a page, at once."""
    return [
        *quality.accessibility(page),
        *quality.reflow(page),
        *quality.small_text(page),
        *cast.watches[view.who].taken(),
    ]


@pytest.mark.parametrize(
    "view", [view for view in VIEWS if view.name not in SEEN_REFUSED], ids=lambda view: view.name
)
def test_a_page_serves_everybody(view: View, cast: Cast, places: dict[str, str]) -> None:
    page = view.open(cast, places)
    assert page.locator("html").get_attribute("lang") == "ja"
    assert complaints(cast, view, page) == []
    if view.status == 422:
        refused(page)


@pytest.mark.parametrize("name", ENGLISH)
def test_a_page_serves_everybody_in_english(name: str, cast: Cast, places: dict[str, str]) -> None:
    view = BY_NAME[name]
    page = view.open(cast, places, "en")
    assert page.locator("html").get_attribute("lang") == "en"
    assert [*complaints(cast, view, page), *quality.unmarked_language(page)] == []


def refused(page: Page) -> None:
    """A refused form: the summary has focus, its links lead to fields that say the same."""
    assert page.title().startswith("エラー: ")
    summary = page.locator("#error-summary")
    assert summary.evaluate("e => e === document.activeElement")
    for link in summary.get_by_role("link").all():
        field = page.locator(link.get_attribute("href") or "")
        box = field.locator("xpath=ancestor-or-self::*[contains(@class, 'field-wrong')][1]")
        assert link.inner_text() in box.inner_text()


@pytest.mark.parametrize("name", CRAWLED)
def test_focus_is_always_seen(name: str, cast: Cast, places: dict[str, str]) -> None:
    page = BY_NAME[name].open(cast, places)
    stops, found = quality.focus_crawl(page)
    assert found == []
    assert stops > 8


def test_nothing_moves_by_itself(cast: Cast, places: dict[str, str]) -> None:
    page = BY_NAME["home"].open(cast, places)
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_first_view_is_light(cast: Cast) -> None:
    requests: list[str] = []
    context = cast.browser.new_context(base_url=cast.base)
    context.on("request", lambda request: requests.append(request.url))
    page = context.new_page()
    page.goto("/", wait_until="networkidle")
    context.close()
    assert len(requests) <= 6
    assert not [url for url in requests if re.search(r"\.(woff2?|ttf|otf)", url)]


def test_a_call_prints_on_a_few_sheets_of_a4(
    cast: Cast, places: dict[str, str], tmp_path: Path
) -> None:
    page = BY_NAME["call-open"].open(cast, places)
    title = page.get_by_role("heading", level=1).inner_text()
    deadline = page.locator("dt", has_text="締切").locator("xpath=../dd").inner_text().strip()
    path = tmp_path / "call.pdf"
    page.pdf(path=path, prefer_css_page_size=True)
    raw = path.read_bytes()
    sheets = re.findall(rb"/Type\s*/Page\b", raw)
    assert 1 <= len(sheets) <= MOST_SHEETS
    for width, height in re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", raw):
        assert (round(float(width)), round(float(height))) == (595, 842)

    words = printed(page, path)
    assert squeezed(title) in words
    assert squeezed(deadline) in words
    assert squeezed(page.url) in words
    for menu in ("募集をさがす", "ログイン", "プライバシー"):
        assert menu not in words


def printed(page: Page, path: Path) -> str:
    """The words on paper: from the file where pdftotext is there, else as the printer sees them."""
    if shutil.which("pdftotext"):
        done = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True)
        return squeezed(done.stdout.decode())
    page.emulate_media(media="print")
    words = page.locator("body").inner_text()
    page.emulate_media(media="screen")
    return squeezed(words)


def squeezed(text: str) -> str:
    """Without white space: lines break elsewhere on paper."""
    return "".join(text.split())
