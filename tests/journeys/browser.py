"""A real browser for the tests: the system's Chromium, one window for each person of the demo."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Request,
    Response,
)

from seeds.demo import PASSWORD

ARGS = (
    "--no-sandbox",  # needed as root only
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PATIENCE = 60_000  # milliseconds for any one step: other tests use the same cores
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

# Who the demo lets in; `visitor` has no account, `newcomer` registers and has no organisation yet.
PEOPLE = {
    "officer": "officer@example.jp",
    "viewer": "viewer@example.jp",
    "startup": "startup@example.jp",
    "coordinator": "coordinator@example.jp",
    "operator": "operator@example.jp",
}


def path_of_chromium() -> str | None:
    """Where the system's Chromium is."""
    return shutil.which("chromium")


def launch(playwright: Playwright) -> Browser:
    """Start it."""
    return playwright.chromium.launch(executable_path=path_of_chromium(), args=list(ARGS))


def window(browser: Browser, base: str, **options: Any) -> BrowserContext:
    """A fresh private window in Japan."""
    context = browser.new_context(
        base_url=base,
        locale="ja-JP",
        timezone_id="Asia/Tokyo",
        viewport=options.pop("viewport", WIDE),
        **options,
    )
    context.set_default_timeout(PATIENCE)
    return context


@dataclass
class Watch:
    """What a window did behind the page: requests to other hosts, complaints of the console."""

    host: str
    strange: list[str] = field(default_factory=list)

    def request(self, request: Request) -> None:
        """Note requests that leave the site."""
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.strange.append(f"request to another host: {request.url}")

    def console(self, message: ConsoleMessage) -> None:
        """Note complaints, but not that a page answers 404 or 422: this is asked for."""
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.strange.append(f"console: {message.text}")

    def taken(self) -> list[str]:
        """What was noted since the last time."""
        noted, self.strange = self.strange, []
        return noted


class Cast:
    """People of the demo, each with one window and one page that stays open."""

    def __init__(self, browser: Browser, base: str, **options: Any) -> None:
        self.browser = browser
        self.base = base
        self.options = options
        self.pages: dict[str, Page] = {}
        self.watches: dict[str, Watch] = {}

    def page(self, who: str) -> Page:
        """This person's page; the first time the person signs in."""
        if who not in self.pages:
            page = self._open(who)
            if who == "newcomer":
                register(page)
            elif who != "visitor":
                sign_in(page, PEOPLE[who])
        return self.pages[who]

    def _open(self, who: str) -> Page:
        context = window(self.browser, self.base, **self.options)
        watch = Watch(urlsplit(self.base).netloc)
        context.on("request", watch.request)
        context.on("console", watch.console)
        context.on("weberror", lambda error: watch.strange.append(f"script: {error.error}"))
        self.watches[who] = watch
        self.pages[who] = context.new_page()
        return self.pages[who]

    def leave(self) -> None:
        """Close every window."""
        for page in self.pages.values():
            page.context.close()


def visit(page: Page, path: str) -> Response | None:
    """Open an address; once more when the page that is left was just opening itself again."""
    try:
        return page.goto(path)
    except Error as error:
        if "interrupted by another navigation" not in error.message:
            raise
        return page.goto(path)


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Sign in through the form; ends on the person's own page."""
    page.goto("/sign-in")
    page.get_by_label("メールアドレス").fill(email)
    page.get_by_label("パスワード").fill(password)
    page.get_by_role("main").get_by_role("button", name="ログイン").click()
    page.wait_for_url("**/my**")


def fresh_email(name: str) -> str:
    """An address that nobody has registered yet."""
    return f"{name}-{time.time_ns()}@example.jp"


def register(page: Page) -> None:
    """Make an account; ends where an organisation is chosen."""
    page.goto("/register")
    page.get_by_label("お名前").fill("新井 はじめ")
    page.get_by_label("メールアドレス").fill(fresh_email("newcomer"))
    page.get_by_label("パスワード").fill(PASSWORD)
    page.get_by_role("button", name="登録する").click()
    page.wait_for_url("**/my/organisations/new**")
