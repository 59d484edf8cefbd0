"""Every kind of page there is, for whom, in which state: what quality is checked on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, Response

from tests.journeys.browser import PATIENCE, Cast, visit

Act = Callable[[Page], Response]


@dataclass(frozen=True)
class View:
    """A page in a state. `path` may name addresses of `find`; `act` leads from the page further."""

    name: str
    path: str
    who: str = "visitor"
    act: Act | None = None
    status: int = 200

    def open(self, cast: Cast, places: dict[str, str], language: str = "ja") -> Page:
        """Show it; an AssertionError when it does not answer as it should."""
        page = cast.page(self.who)
        path = self.path.format_map(places)
        if language != "ja":
            path += f"{'&' if '?' in path else '?'}lang={language}"
        answer = visit(page, path)
        if self.act is not None:
            answer = self.act(page)
        assert answer is not None
        assert answer.status == self.status, f"{self.name} ({path}) answered {answer.status}"
        return page


def press(page: Page) -> Response:
    """Send the main form of the page."""
    with page.expect_navigation() as going:
        page.locator("main form[method=post] .form-foot button").click()
    assert going.value is not None
    return going.value


def _nameless(page: Page) -> Response:
    page.locator("main [name=name]").fill("")
    return press(page)


def _too_long(page: Page) -> Response:
    page.locator("[name=title]").fill("長" * 200)
    page.locator("[name=solves]").fill("長い文章。" * 2000)
    return press(page)


def _wrong_password(page: Page) -> Response:
    page.locator("[name=email]").fill("officer@example.jp")
    page.locator("[name=password]").fill("not my password")
    return press(page)


def _taken_registration(page: Page) -> Response:
    page.locator("[name=email]").fill("no address")
    page.locator("[name=password]").fill("short")
    return press(page)


def _two_at_once(page: Page) -> Response:
    """Another window of the same person saves first."""
    other = page.context.new_page()
    other.goto(page.url)
    other.locator("[name=summary]").fill(f"もう一つの窓で先に直したひとこと。{time.time_ns()}")
    press(other)
    other.close()
    page.locator("[name=summary]").fill("こちらの窓で直したひとこと。")
    return press(page)


def _unreadable_call(page: Page) -> Response:
    page.locator("[name=title]").fill("長" * 200)
    page.locator("[name=budget_max]").fill("たくさん")
    page.locator("[name=closes_on]").fill("令和8年13月40日")
    return press(page)


def _unreadable_desk(page: Page) -> Response:
    page.locator("[name=phone]").fill("代表")
    page.locator("[name=reply_days]").fill("すぐ")
    page.locator("[name=paused]").check()
    page.locator("[name=paused_until]").fill("13月40日")
    return press(page)


def _ambiguous_town(page: Page) -> Response:
    page.locator("[name=body_code]").fill("府中市")
    return press(page)


def _unreadable_address(page: Page) -> Response:
    page.get_by_label("メールアドレス").fill("hanako at example")
    with page.expect_navigation() as going:
        page.get_by_role("button", name="確認のメールを受け取る").click()
    return going.value


def _answered(page: Page, sign: str) -> Response:
    """Open the page again until the matcher has answered."""
    deadline = time.monotonic() + PATIENCE / 1000
    path = page.url.partition("#")[0]  # with its fragment, the same address is not opened again
    answer = visit(page, path)
    while not page.locator(sign).count() and time.monotonic() < deadline:
        time.sleep(0.3)
        answer = visit(page, path)
    assert answer is not None
    assert page.locator(sign).count(), f"no {sign} on {page.url}"
    return answer


def _reach(page: Page) -> Response:
    """Ask whom a draft would reach, unless somebody has."""
    button = page.get_by_role("button", name="調べる")
    if button.count():
        with page.expect_navigation():
            button.click()
    return _answered(page, "section:has(#reach) p:has-text('いまの文章によく合う企業')")


def _interested(page: Page) -> Response:
    """Say so of the first card, whatever was said before."""
    undo = page.locator(".card-match").first.get_by_role("button", name="取り消す")
    if undo.count():
        with page.expect_navigation():
            undo.click()
    with page.expect_navigation() as going:
        page.get_by_role("button", name="関心がある").first.click()
    assert going.value is not None
    return going.value


def _why_not(page: Page) -> Response:
    with page.expect_navigation():
        page.get_by_role("button", name="この募集に出ていない理由を見る").click()
    return _answered(page, "#score")


VIEWS = (
    View("home", "/"),
    View("search-words", "/search?target=call&q=こそだて"),
    View(
        "search-narrowed",
        "/search?target=call&status=open&theme=childcare&theme=tourism&prefecture=20&budget=none",
    ),
    View("search-pages", "/search?target=call&page=2"),
    View("search-solutions", "/search?target=solution&q=見守り"),
    View("search-empty", "/search?target=call&q=ぬるぬるのぬ&prefecture=47&status=open"),
    View("search-empty-town", "/search?q=ぬるぬるのぬ&target=call&prefecture=20"),
    View("map", "/map"),
    View("map-sorted", "/map?q=見守り&theme=welfare&order=count"),
    View("formats", "/formats"),
    View("desk", "{desk}"),
    View("desk-paused", "{desk_paused}"),
    View("search-refused", f"/search?target=call&q={'あ' * 201}", status=400),
    View("search-no-such-page", "/search?target=call&page=99", status=404),
    View("alert-new", "/alerts/new?target=call&q=こそだて&prefecture=20"),
    View("alert-new-wrong", "/search?target=call&q=こそだて", act=_unreadable_address, status=422),
    View("alert-sent", "/alerts/sent"),
    View("alert-over", "/alerts/confirm/no-such-link", status=404),
    View("alert-find", "/r"),
    View("alert-find-none", "/r/ACD-EFG", status=404),
    View("call-open", "{call_open}"),
    View("call-upcoming", "{call_upcoming}"),
    View("call-closed", "{call_closed}"),
    View("solution", "{solution}"),
    View("towns", "/towns"),
    View("towns-found", "/towns?name=いけだ"),
    View("towns-none", "/towns?name=ないまち"),
    View("town-with-calls", "{town}"),
    View("town-waiting", "{town_waiting}"),
    View("town-free", "{town_free}"),
    View("prefecture", "{prefecture}"),
    View("company", "{company}"),
    View("intermediary", "{intermediary}"),
    View("ranking", "/ranking"),
    View("accessibility", "/accessibility"),
    View("licences", "/licences"),
    View("privacy", "/privacy"),
    View("contact", "/contact"),
    View("missing", "/no-such-page", status=404),
    View("sign-in", "/sign-in"),
    View("sign-in-wrong", "/sign-in", act=_wrong_password, status=422),
    View("register", "/register"),
    View("register-wrong", "/register", act=_taken_registration, status=422),
    View("first-steps", "/my", "newcomer"),
    View("choose-kind", "/my/organisations/new", "newcomer"),
    View("new-company", "/my/organisations/new?kind=company", "newcomer"),
    View(
        "new-company-wrong",
        "/my/organisations/new?kind=company",
        "newcomer",
        act=_nameless,
        status=422,
    ),
    View("new-intermediary", "/my/organisations/new?kind=intermediary", "newcomer"),
    View("new-town", "/my/organisations/new?kind=municipality", "newcomer"),
    View(
        "new-town-wrong",
        "/my/organisations/new?kind=municipality",
        "newcomer",
        act=_ambiguous_town,
        status=422,
    ),
    View("officer-calls", "{officer}", "officer"),
    View("officer-matches", "{officer}/matches", "officer"),
    View("officer-members", "{officer}/members", "officer"),
    View("officer-profile", "{officer}/profile", "officer"),
    View("call-new", "{officer}/calls/new", "officer"),
    View("call-new-wrong", "{officer}/calls/new", "officer", act=_unreadable_call, status=422),
    View("call-draft", "{officer_draft}/preview", "officer"),
    View("call-conflict", "{officer_draft}/edit", "officer", act=_two_at_once, status=409),
    View("call-published", "{officer_call}/preview", "officer"),
    View("call-matches", "{officer_call}/matches", "officer"),
    View("call-matches-answered", "{officer_call}/matches", "officer", act=_interested),
    View("answer", "{officer_answer}", "officer"),
    View("answer-no-reason", "{officer_answer}", "officer", act=press, status=422),
    View("answers", "{officer}/answers", "officer"),
    View("digest-over", "/digest/answer/no-such-link", status=404),
    View("call-matches-print", "{officer_call}/matches/print", "officer"),
    View("call-reach", "{officer_draft}/preview", "officer", act=_reach),
    View("officer-desks", "{officer}/desks", "officer"),
    View("desk-own", "{desk}", "officer"),
    View("desk-edit", "{desk}/edit", "officer"),
    View("desk-new-wrong", "{officer}/desks/new", "officer", act=_unreadable_desk, status=422),
    View("not-yours", "{officer_call}/edit", "viewer", status=403),
    View("startup-solutions", "{startup}", "startup"),
    View("startup-profile", "{startup}/profile", "startup"),
    View("solution-new", "{startup}/solutions/new", "startup"),
    View(
        "solution-new-wrong",
        "{startup}/solutions/new",
        "startup",
        act=_too_long,
        status=422,
    ),
    View("solution-published", "{startup_solution}/preview", "startup"),
    View("solution-matches", "{startup_solution}/matches", "startup"),
    View("startup-matches", "{startup}/matches", "startup"),
    View("call-of-others", "{call_open}", "startup"),
    View("why-not", "{call_open}", "startup", act=_why_not),
    View("why-not-choose", "{call_open}/why", "startup"),
    View("coordinator", "{coordinator}", "coordinator"),
    View("operator", "/operator", "operator"),
    View("operator-home", "/my", "operator"),
)


def find(cast: Cast) -> dict[str, str]:
    """Addresses of pages whose numbers nobody knows beforehand, found by following links."""
    here = {
        "call_open": _first(cast, "/search?target=call&status=open", "h2 a"),
        "call_upcoming": _first(cast, "/search?target=call&status=upcoming", "h2 a"),
        "call_closed": _first(cast, "/search?target=call&status=closed", "h2 a"),
        "solution": _first(cast, "/search?target=solution", "h2 a"),
        "town_waiting": _first(cast, "/towns?name=阿智村", ".places a"),
        "town_free": _first(cast, "/towns?name=輪島市", ".places a"),
        "prefecture": _first(cast, "/towns?name=長野県", ".places a"),
    }
    shiojiri, kitakyushu = (
        _first(cast, f"/towns?name={name}", ".places a") for name in ("塩尻市", "北九州市")
    )
    here["desk"] = _first(cast, shiojiri, ".card-desk a")
    here["desk_paused"] = _first(cast, kitakyushu, ".card-desk a")
    here["town"] = _first(cast, here["call_open"], "dl a[href^='/towns/']")
    here["company"] = _first(cast, here["solution"], "dl a[href^='/organisations/']")
    here["intermediary"] = _first(
        cast, _first(cast, "/towns?name=塩尻市", ".places a"), "a[href^='/organisations/']"
    )
    for who in ("officer", "startup", "coordinator"):
        here[who] = _first(cast, "/my", ".tabs a[aria-current]", who)
    here["officer_draft"] = _listing(cast, "officer", here["officer"], "tr:has(.badge-draft) th a")
    here["officer_call"] = _listing(cast, "officer", here["officer"], "tr:has(.badge-open) th a")
    here["officer_answer"] = _first(
        cast, f"{here['officer_call']}/matches", ".card-match a[href*='/feedback']", "officer"
    )
    here["startup_solution"] = _listing(
        cast, "startup", here["startup"], "tr:has(a[href$='/matches']) th a"
    )
    return here


def _first(cast: Cast, path: str, link: str, who: str = "visitor") -> str:
    page = cast.page(who)
    visit(page, path)
    address = page.locator(f"main {link}").first.get_attribute("href")
    assert address is not None
    return address


def _listing(cast: Cast, who: str, path: str, link: str) -> str:
    return _first(cast, path, link, who).removesuffix("/preview")
