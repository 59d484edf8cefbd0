"""The search page: what is found, what narrows it, and what helps when nothing is found."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from hub.domain import calls, documents, solutions
from hub.index import rebuild
from hub.models import Call, Solution
from hub.services import Services
from hub.web.search_state import PER_PAGE, TEXT_MAX, VALUES_MAX
from search.index import IndexUnavailable
from tests.conftest import NOW, Clock, Once
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, card_titles, heading, links, parsed, queries, words
from tests.market import CALL, firm, organisation_of, publish_call, publish_solution, town

SENDAI, SAPPORO = "041009", "011002"


def index(services: Services) -> None:
    """Bring the index in step, as the worker does."""
    rebuild(services.database, services.index)


def get(app: Flask, url: str) -> TestResponse:
    return Browser(app).get(url)


@dataclass(frozen=True)
class Facts:
    """What a hand count needs of a call."""

    themes: tuple[str, ...]
    prefecture: str
    kind: str
    budget: str
    offers: tuple[str, ...]
    days: int  # from NOW to the deadline; the pages are read two days later
    ceiling: int | None = None

    @property
    def open(self) -> bool:
        return self.days > 2


MARKET = (
    Facts(("childcare",), "04", "pilot", "none", ("field",), 30),
    Facts(("childcare", "education"), "04", "proposal", "contract", (), 4, 3_000_000),
    Facts(("childcare.afterschool",), "01", "pilot", "unstated", ("data", "field"), 9),
    Facts(("disaster",), "01", "pilot", "none", ("data",), 1),
    Facts(("disaster", "snow"), "04", "collaboration", "fixed", ("field",), 16, 3_000_001),
    Facts(("tourism",), "01", "accelerator", "undecided", (), 1),
    Facts(("education",), "04", "pilot", "subsidy", ("staff",), 90, 20_000_000),
)
DAYS = {"3d": 3, "1w": 7, "2w": 14, "1m": 30}
BANDS = {None: "unstated", 3_000_000: "3m", 3_000_001: "5m", 20_000_000: "over"}
TOWNS = {"04": SENDAI, "01": SAPPORO}


def make_market(services: Services) -> None:
    with services.database.unit_of_work() as session:
        officers = {code: town(session, body) for code, body in TOWNS.items()}
        for number, fact in enumerate(MARKET):
            publish_call(
                session,
                officers[fact.prefecture],
                title=f"募集その{number}",
                themes=fact.themes,
                kind=fact.kind,
                budget_kind=fact.budget,
                offers=fact.offers,
                budget_max_yen=fact.ceiling,
                closes_at=NOW + timedelta(days=fact.days),
            )
    index(services)


@pytest.fixture
def market(once: Once, services: Services, clock: Clock) -> Services:
    """The calls of MARKET, posted by two towns; the clock has passed some deadlines."""
    once(make_market, services)
    clock.moment = NOW + timedelta(days=2)
    return services


def values_of(fact: Facts, name: str) -> tuple[str, ...]:
    """What a call counts for in a filter."""
    parents = tuple(key.split(".")[0] for key in fact.themes)
    return {
        "theme": tuple(dict.fromkeys((*fact.themes, *parents))),
        "prefecture": (fact.prefecture,),
        "kind": (fact.kind,),
        "budget": (fact.budget,),
        "offer": fact.offers or ("unstated",),
        "status": ("open" if fact.open else "closed",),
        "deadline": tuple(name for name, days in DAYS.items() if 0 < fact.days - 2 <= days),
        "amount": (BANDS[fact.ceiling],),
    }[name]


def chosen_by(query: dict[str, list[str]], *, ignoring: str) -> Sequence[Facts]:
    return [
        fact
        for fact in MARKET
        if all(
            set(values) & set(values_of(fact, name))
            for name, values in query.items()
            if name != ignoring
        )
    ]


QUERIES: list[dict[str, list[str]]] = [
    {},
    {"theme": ["childcare"]},
    {"theme": ["childcare", "disaster"], "prefecture": ["04"]},
    {"offer": ["unstated"]},
    {"offer": ["field"], "status": ["open"], "kind": ["pilot"]},
    {"budget": ["none", "unstated"], "theme": ["disaster"]},
    {"deadline": ["1w"], "theme": ["childcare"]},
    {"amount": ["3m", "over"], "deadline": ["3d", "2w"]},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_counts_of_the_filters_equal_a_hand_count(
    app: Flask, market: Services, query: dict[str, list[str]]
) -> None:
    counts_are_true(app, query)


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


@given(
    query=st.fixed_dictionaries(
        {},
        optional={
            "theme": some("childcare", "disaster", "education", "tourism", "snow"),
            "prefecture": some("04", "01", "13"),
            "kind": some("pilot", "proposal", "accelerator"),
            "budget": some("none", "unstated", "contract"),
            "offer": some("field", "data", "unstated"),
            "status": some("open", "closed"),
        },
    )
)
@settings(max_examples=40)
def test_counts_of_any_filters_equal_a_hand_count(
    app: Flask, market: Services, query: dict[str, list[str]]
) -> None:
    counts_are_true(app, query)


def counts_are_true(app: Flask, query: dict[str, list[str]]) -> None:
    """Every number beside a filter, and the list itself, are what one counts by hand."""
    response = Browser(app).get(
        "/search", query_string={"target": "call", **query}, follow_redirects=True
    )
    assert response.status_code == 200
    tree = parsed(response)
    (panel,) = by_class(tree, "filters-form")
    labels = {label.get("for"): words(label) for label in panel.iter("label")}
    shown = {
        (box.get("name"), box.get("value")): labels[box.get("id")]
        for box in panel.iter("input")
        if box.get("type") == "checkbox"
    }
    names = ("theme", "prefecture", "kind", "budget", "offer", "status", "deadline", "amount")
    for name in names:
        counted: dict[str, int] = {}
        for fact in chosen_by(query, ignoring=name):
            for value in values_of(fact, name):
                if "." not in value:
                    counted[value] = counted.get(value, 0) + 1
        counted |= {value: counted.get(value, 0) for value in query.get(name, ())}
        found = {
            value: int(re.search(r"(\d+)件$", label)[1])  # type: ignore[index]
            for (field, value), label in shown.items()
            if field == name
        }
        assert found == counted, name
    every = chosen_by(query, ignoring="")
    assert f"募集 {len(every)}件" in heading(response)
    assert len(card_titles(response)) == len(every)


def test_what_says_nothing_can_be_chosen_too(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        publish_call(session, town(session, SENDAI))
        publish_call(session, town(session, "040002"), title="県の募集", budget_kind="unstated")
    index(services)
    tree = parsed(get(app, "/search?target=call&prefecture=04"))
    boxes = {(i.get("name"), i.get("value")) for i in tree.iter("input")}
    for name in ("municipality", "budget"):
        assert (name, "unstated") in boxes
        found = get(app, f"/search?target=call&prefecture=04&{name}=unstated")
        assert card_titles(found) == ["県の募集"]


def test_the_heading_says_how_many_are_open(app: Flask, market: Services) -> None:
    response = get(app, "/search?target=call&theme=disaster")
    assert heading(response) == "防災 の募集 2件（受付中 1件）"
    assert "<title>防災 の募集 2件（受付中 1件） | Local Hub</title>" in response.get_data(
        as_text=True
    )


def test_each_chip_removes_exactly_one_condition(app: Flask, market: Services) -> None:
    url = "/search?q=募集&target=call&status=open&theme=childcare&theme=education&prefecture=04"
    (applied,) = by_class(parsed(get(app, url)), "applied")
    chips = [a for a in applied.iter("a") if "chip" in (a.get("class") or "")]
    before = parse_qsl(urlsplit(url).query)
    removed = []
    for chip in chips:
        after = parse_qsl(urlsplit(chip.get("href") or "").query)
        (gone,) = set(before) - set(after)
        assert sorted(after) == sorted(pair for pair in before if pair != gone)
        removed.append(gone)
    assert removed == before[2:]
    clear = links(applied)["すべて解除"]
    assert parse_qsl(urlsplit(clear).query) == [("q", "募集"), ("target", "call")]


EMPTY = [
    "/search?q=募集&target=call&theme=tourism&prefecture=04",
    "/search?target=call&status=open&theme=childcare&kind=accelerator",
    "/search?q=募集 しゃかりき大作戦&target=call",
    "/search?q=zzzz&target=solution&stage=proven",
    "/search?q=ほげほげふがふが&target=call&budget=contract",
]


@pytest.mark.parametrize("url", EMPTY)
def test_every_way_out_of_an_empty_result_has_results(
    app: Flask, market: Services, url: str
) -> None:
    with market.database.unit_of_work() as session:
        publish_solution(session, firm(session))
    index(market)
    response = get(app, url)
    assert response.status_code == 200
    assert card_titles(response) == []
    (help_,) = by_class(parsed(response), "ways-out")
    rows = list(help_)
    assert rows
    for row in rows:
        (target,) = links(row).values()
        promised = int(re.search(r"(\d+)件", words(row)[len(next(iter(links(row)))) :])[1])  # type: ignore[index]
        there = get(app, target)
        assert there.status_code == 200
        found = re.search(r"(\d+)件", heading(there))
        assert found is not None
        assert int(found[1]) == promised >= 1


def test_the_help_names_the_single_condition_to_drop(app: Flask, market: Services) -> None:
    response = get(app, "/search?target=call&theme=tourism&prefecture=04")
    (help_,) = by_class(parsed(response), "ways-out")
    offered = links(help_)
    assert offered["分野の「観光」を外す"] == "/search?target=call&prefecture=04"
    assert offered["都道府県の「宮城県」を外す"] == "/search?target=call&theme=tourism"


@pytest.mark.parametrize(
    ("url", "status", "sentence"),
    [
        (f"/search?q={'あ' * (TEXT_MAX + 1)}", 400, "200文字以内にしてください（いま201文字です）"),
        ("/search?page=abc", 400, "ページの番号が読めません"),
        ("/search?page=0", 400, "ページの番号が読めません"),
        ("/search?page=-1", 400, "ページの番号が読めません"),
        ("/search?page=1.5", 400, "ページの番号が読めません"),
        ("/search?page=999999999999", 400, "ページの番号が読めません"),
        ("/search?page=２", 400, "ページの番号が読めません"),
        ("/search?target=call&page=2", 404, "結果は1ページまでです"),
        (
            "/search?" + "&".join(f"prefecture={n:02}" for n in range(1, VALUES_MAX + 2)),
            400,
            "20個までです（いま21個です）",
        ),
    ],
)
def test_what_cannot_be_answered_is_said(
    app: Flask, services: Services, url: str, status: int, sentence: str
) -> None:
    response = get(app, url)
    assert response.status_code == status
    assert sentence in text_of(response)
    parsed(response)


def test_a_long_text_stays_in_the_box(app: Flask, services: Services) -> None:
    tree = parsed(get(app, f"/search?q={'山' * 201}"))
    assert any(box.get("value") == "山" * 201 for box in tree.iter("input"))


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("/search?q=&target=call", "/search?target=call"),
        ("/search?target=nothing", "/search?target=call"),
        ("/search?target=call&theme=none-such", "/search?target=call"),
        (
            "/search?target=call&theme=childcare&theme=childcare",
            "/search?target=call&theme=childcare",
        ),
        ("/search?target=call&prefecture=48&prefecture=04", "/search?target=call&prefecture=04"),
        ("/search?target=call&municipality=999999", "/search?target=call"),
        ("/search?target=solution&budget=none&theme=snow", "/search?target=solution&theme=snow"),
        ("/search?target=call&status=unstated", "/search?target=call"),
        ("/search?target=call&sort=size", "/search?target=call"),
        ("/search?lang=en&q=&target=call", "/search?target=call&lang=en"),
    ],
)
def test_what_does_not_exist_is_left_out_of_the_address(
    app: Flask, services: Services, url: str, canonical: str
) -> None:
    response = get(app, url)
    assert (response.status_code, response.headers["Location"]) == (301, canonical)
    assert get(app, canonical).status_code == 200


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("/search?target=call&q=雪", "q=雪&target=call"),
        (
            "/search?prefecture=04&theme=snow&q=雪&target=call",
            "q=雪&target=call&theme=snow&prefecture=04",
        ),
        ("/search?target=call&page=1&sort=relevance", "target=call"),
        ("/search?target=call&status=closed&status=open", "target=call&status=open&status=closed"),
    ],
)
def test_a_search_has_one_address(app: Flask, services: Services, url: str, canonical: str) -> None:
    response = get(app, url)
    assert response.status_code == 301
    location = response.headers["Location"]
    assert parse_qsl(urlsplit(location).query) == parse_qsl(canonical)
    assert get(app, location).status_code == 200


@pytest.mark.parametrize("url", ["/search", "/search?q=雪", "/search?q=雪&theme=snow"])
def test_without_a_target_calls_are_meant(app: Flask, services: Services, url: str) -> None:
    response = get(app, url)
    assert response.status_code == 200
    (canonical,) = (
        link.get("href") for link in parsed(response).iter("link") if link.get("rel") == "canonical"
    )
    assert ("target", "call") in parse_qsl(urlsplit(canonical or "").query)


def test_parameters_of_others_are_left_alone(app: Flask, services: Services) -> None:
    assert get(app, "/search?target=call&unknown=1").status_code == 200


@given(order=st.permutations(["q=雪", "target=call", "status=open", "theme=snow", "theme=tourism"]))
@settings(max_examples=30)
def test_every_order_leads_to_the_one_address(
    app: Flask, services: Services, order: list[str]
) -> None:
    response = get(app, f"/search?{'&'.join(order)}")
    location = response.headers.get("Location", "")
    ordered = [tuple(pair.split("=")) for pair in order]
    canonical = [
        ("q", "雪"),
        ("target", "call"),
        ("status", "open"),
        ("theme", "snow"),
        ("theme", "tourism"),
    ]
    if ordered == canonical:
        assert response.status_code == 200
    else:
        assert (response.status_code, parse_qsl(urlsplit(location).query)) == (301, canonical)


def test_the_page_names_its_one_address(app: Flask, market: Services) -> None:
    response = get(app, "/search?q=募集&target=call&theme=snow")
    (canonical,) = (
        link.get("href") for link in parsed(response).iter("link") if link.get("rel") == "canonical"
    )
    assert parse_qsl(urlsplit(canonical or "").query) == [
        ("q", "募集"),
        ("target", "call"),
        ("theme", "snow"),
    ]


def test_pages_hold_every_result_once(app: Flask, services: Services) -> None:
    total = 2 * PER_PAGE + 5
    with services.database.unit_of_work() as session:
        officer = town(session)
        for number in range(total):
            publish_call(session, officer, title=f"見守り募集{number:02}")
    index(services)
    titles: list[str] = []
    url: str | None = "/search?q=見守り&target=call"
    pages = 0
    while url:
        response = get(app, url)
        titles += card_titles(response)
        pages += 1
        following = [a for a in parsed(response).iter("a") if a.get("rel") == "next"]
        url = following[0].get("href") if following else None
    assert pages == 3
    assert sorted(titles) == [f"見守り募集{number:02}" for number in range(total)]
    last = get(app, "/search?q=見守り&target=call&page=3")
    assert "41–45件目 / 全45件" in text_of(last)
    assert "（3ページ目）" in last.get_data(as_text=True)
    assert get(app, "/search?q=見守り&target=call&page=4").status_code == 404


def test_words_are_marked_in_titles_and_passages(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        publish_call(
            session, officer, title="除雪の相談", summary="", details="冬の除雪を軽くします。"
        )
        publish_call(session, officer, title="道の話", summary="橋の話", details="雪道の除雪です。")
    index(services)
    response = get(app, "/search?q=除雪&target=call")
    marked = [words(mark) for mark in parsed(response).iter("mark")]
    assert card_titles(response) == ["除雪の相談", "道の話"]
    assert marked == ["除雪"] * 3


HOSTILE = "<script>alert(1)</script><marquee>\"'&amp;</marquee>"


def test_hostile_words_are_only_words(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer, owner = town(session), firm(session, HOSTILE)
        publish_call(
            session, officer, title=HOSTILE, summary=HOSTILE, problem=HOSTILE, place=HOSTILE
        )
        publish_solution(session, owner, title=HOSTILE, summary=HOSTILE, solves=HOSTILE)
        company = organisation_of(session, owner).id
    index(services)
    pages = ["/", "/search?target=call", "/search?target=solution", "/calls/1", "/solutions/1",
             "/towns/042021", f"/organisations/{company}"]  # fmt: skip
    for url in (*pages, "/search?q=alert(1)&target=call", f"/towns?name={HOSTILE}"):
        tree = parsed(get(app, url))
        assert all(script.get("src") for script in tree.iter("script")), url
        assert not list(tree.iter("marquee")), url
    for url in pages:
        assert HOSTILE in words(parsed(get(app, url))), url
    echoed = Browser(app).get("/search", query_string={"q": HOSTILE, "target": "call"})
    assert any(box.get("value") == HOSTILE for box in parsed(echoed).iter("input"))


def test_drafts_and_withdrawn_solutions_are_not_found(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer, owner = town(session), firm(session)
        calls.create(session, organisation_of(session, officer), CALL, actor=officer, now=NOW)
        solution = publish_solution(session, owner)
        publish_solution(session, owner, title="いまもある広場")
        solutions.close(session, solution, actor=owner, now=NOW, expected_version=solution.version)
    index(services)
    assert card_titles(get(app, "/search?target=call")) == []
    response = get(app, "/search?target=solution")
    assert card_titles(response) == ["いまもある広場"]
    assert heading(response) == "ソリューション 1件"


def test_a_listing_that_only_the_index_thinks_public_is_not_shown(
    app: Flask, services: Services
) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer)
        found = documents.load(session, [f"call-{call.id}"])
        call.state = "archived"
    services.index.apply(list(found.values()), [])
    response = get(app, "/search?target=call")
    assert card_titles(response) == []
    assert CALL.title not in text_of(response)


def test_a_closed_call_comes_after_open_ones(app: Flask, services: Services, clock: Clock) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        for title, days in (("終わった", 1), ("急ぐ", 3), ("ゆっくり", 40)):
            publish_call(session, officer, title=title, closes_at=NOW + timedelta(days=days))
        publish_call(session, officer, title="いつでも", closes_at=None)
        publish_call(session, officer, title="これから", opens_at=NOW + timedelta(days=9))
    clock.moment = NOW + timedelta(days=2)
    index(services)
    titles = card_titles(get(app, "/search?target=call"))
    assert titles == ["急ぐ", "ゆっくり", "いつでも", "これから", "終わった"]
    assert card_titles(get(app, "/search?target=call&status=closed")) == ["終わった"]
    assert card_titles(get(app, "/search?target=call&status=upcoming")) == ["これから"]


def test_an_index_that_is_away_is_said_within_a_second(
    app: Flask, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object) -> None:
        raise IndexUnavailable("not built")

    monkeypatch.setattr(services.index, "search", away)
    begun = time.monotonic()
    response = get(app, "/search?q=雪&target=call")
    assert time.monotonic() - begun < 1
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert "いま検索を使えません" in text_of(response)
    assert get(app, "/").status_code == 200
    assert get(app, "/towns/041009").status_code == 200


@pytest.mark.parametrize("target", ["call", "solution"])
def test_more_results_need_no_more_queries(app: Flask, services: Services, target: str) -> None:
    asked = []
    with services.database.unit_of_work() as session:
        officer, owner = town(session), firm(session)
    for batch in (1, 2):
        with services.database.unit_of_work() as session:
            officer, owner = session.merge(officer), session.merge(owner)
            for _ in range(batch):
                publish_call(session, officer)
                publish_solution(session, owner)
        index(services)
        get(app, "/search?q=放課後")  # names of places are read once for each process
        with queries(services.database) as counted:
            response = get(app, f"/search?q=放課後&target={target}")
        asked.append(len(counted.statements))
        assert len(card_titles(response)) == batch + (batch - 1)
    assert asked[0] == asked[1]


@given(
    q=st.text(max_size=210),
    name=st.sampled_from(["target", "sort", "theme", "prefecture", "municipality", "page", "lang"]),
    value=st.text(max_size=12),
)
@settings(max_examples=60)
def test_nothing_typed_breaks_the_page(app: Flask, q: str, name: str, value: str) -> None:
    query = {"q": q.encode("utf-8", "replace"), name: value.encode("utf-8", "replace")}
    response = Browser(app).get("/search", query_string=query, follow_redirects=True)
    assert response.status_code in (200, 400, 404)
    parsed(response)


def test_names_are_in_the_readers_language(app: Flask, market: Services) -> None:
    response = get(app, "/search?target=call&theme=childcare&prefecture=04&lang=en")
    (panel,) = by_class(parsed(response), "filters-form")
    labels = " ".join(words(label) for label in panel.iter("label"))
    assert "Childcare" in labels
    assert "Miyagi" in labels
    assert "Within 3 days" in labels
    assert "Over ¥1 million to ¥3 million" in labels
    assert "子育て" not in labels
    assert "Sendai, Miyagi" in text_of(response)
    tree = parsed(get(app, "/search?target=call&lang=en"))
    for a in tree.iter("a"):
        href = a.get("href") or ""
        if href.startswith("/search") and a.get("hreflang") is None:
            assert ("lang", "en") in parse_qsl(urlsplit(href).query)


def test_reading_sets_no_cookie(app: Flask, market: Services) -> None:
    with market.database.unit_of_work() as session:
        owner = firm(session)
        publish_solution(session, owner)
        company = organisation_of(session, owner).id
    index(market)
    for url in ("/", "/search", "/search?target=solution", "/search?q=募集&target=call&page=9",
                "/calls/1", "/solutions/1", "/towns", "/towns?name=さ", "/towns/041009",
                f"/organisations/{company}", "/ranking", "/accessibility", "/licences",
                "/privacy", "/contact", "/nothing"):  # fmt: skip
        assert "Set-Cookie" not in get(app, url).headers, url


def test_the_listings_exist_for_the_hand_count(market: Services) -> None:
    with market.database.session() as session:
        assert session.query(Call).count() == len(MARKET)
        assert session.query(Solution).count() == 0


def test_a_heading_says_what_days_and_sums_are_about(app: Flask, market: Services) -> None:
    response = get(app, "/search?target=call&deadline=1m&amount=5m")
    named = "締切までの日数: 30日以内・予算の上限: 300万円超〜500万円 の募集"
    assert heading(response) == f"{named} 1件（受付中 1件）"
