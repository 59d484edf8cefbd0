"""The real product with the demo market, and a real browser: once for the whole run.

All journeys carry the mark `journey`, and the group that keeps them on one worker of pytest-xdist,
so that there is one site however many workers there are.
"""

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.installation import Installation, until
from tests.journeys.audited import audit
from tests.journeys.browser import PATIENCE, WIDE, Cast, launch, path_of_chromium, window
from tests.journeys.hands import Hands, Keyboard, Mouse
from tests.journeys.views import find

expect.set_options(timeout=PATIENCE)  # other tests use the same cores
HERE = Path(__file__).parent
WAYS: dict[str, type[Hands]] = {"mouse": Mouse, "keyboard": Keyboard, "no-script": Mouse}


@pytest.hookimpl(tryfirst=True)  # before the marks are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium; without it journeys are skipped, but never where CI is set."""
    if path_of_chromium() is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("no chromium on this machine: apt-get install chromium fonts-ipafont-gothic")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the site."""
    return tmp_path_factory.mktemp("site") / "data"


@pytest.fixture(scope="session")
def site(browser: Browser, data_dir: Path) -> Iterator[str]:
    """The address of a running installation; Ctrl-C at the end leaves nobody behind."""
    made = Installation(
        data_dir, DEMO="true", SIGN_IN_LIMIT="10000 per hour", ALERT_LIMIT="10000 per hour"
    ).start()
    try:
        made.wait_ready()
        until(lambda: _tasks(data_dir, "index") == 0, "the demo market is indexed")
        until(lambda: _tasks(data_dir, "match", "deal") == 0, "and dealt")
        audit(made)
        yield f"http://127.0.0.1:{made.port}"
    finally:
        family = made.everyone()
        status = made.stop(signal.SIGINT)
        _, alive = psutil.wait_procs(family, timeout=PATIENCE / 1000)
        for process in alive:
            process.kill()
    assert status == 0, made.said()
    assert alive == [], "processes outlived the site"


def _tasks(folder: Path, *kinds: str) -> int:
    with sqlite3.connect(f"file:{folder / 'hub.sqlite3'}?mode=ro", uri=True) as database:
        marks = ", ".join("?" * len(kinds))
        rows = database.execute(f"SELECT count(*) FROM outbox_task WHERE kind IN ({marks})", kinds)
        return int(rows.fetchone()[0])


@pytest.fixture(scope="session")
def matched(site: str, data_dir: Path) -> None:
    """The demo market is matched too; what is posted from now on need not wait for it."""
    kinds = ("match", "deal", "explain")
    until(
        lambda: not any(_tasks(data_dir, kind) for kind in kinds),
        "the demo market is matched",
    )


@pytest.fixture(scope="session")
def cast(browser: Browser, site: str) -> Iterator[Cast]:
    """Everyone of the demo, signed in."""
    cast = Cast(browser, site)
    yield cast
    cast.leave()


@pytest.fixture(scope="session")
def places(cast: Cast, matched: None) -> dict[str, str]:
    """Addresses of the pages that views name."""
    return find(cast)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How the person works: with a mouse, with keys alone, or with scripts switched off."""
    return str(request.param)


@pytest.fixture
def hands(way: str, page: Page) -> Hands:
    """The hands of a person who works that way, on a fresh window."""
    return WAYS[way](page)


@pytest.fixture(scope="session")
def strangers(browser: Browser, site: str) -> Iterator[dict[bool, Page]]:
    """Pages of two windows of people we do not know: with scripts, and without."""
    pages = {on: window(browser, site, java_script_enabled=on).new_page() for on in (True, False)}
    yield pages
    for page in pages.values():
        page.context.close()


@pytest.fixture
def page(strangers: dict[bool, Page], request: pytest.FixtureRequest) -> Page:
    """A window that nobody has signed in to; without scripts when the way says so."""
    scripts = "way" not in request.fixturenames or request.getfixturevalue("way") != "no-script"
    page = strangers[scripts]
    page.context.clear_cookies()
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    return page
