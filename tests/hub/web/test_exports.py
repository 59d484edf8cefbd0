"""Any search in other forms: the same listings everywhere, and each form keeps its standard."""

import csv
import io
import json
import random
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from hub.api import exports
from hub.api.calendar import folded
from hub.api.table import harmless, written
from hub.clock import to_jst
from hub.domain import calls, solutions
from hub.domain.calls import CallValues
from hub.models import Call, User
from hub.services import Services
from search.index import IndexUnavailable
from tests.conftest import NOW, Clock, Once
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, links, parsed, words
from tests.hub.web.test_search_page import index
from tests.market import CALL, firm, publish_call, publish_solution, town

FORMS = ("atom", "ics", "csv", "json")
ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "=cmd|'/C calc'!A0 <b>&\"，;,\\n</b>"


def get(app: Flask, url: str, **headers: str) -> TestResponse:
    return Browser(app).get(url, headers=headers)


def form(url: str, ending: str) -> str:
    """The address of a search in another form."""
    return url.replace("/search", f"/search.{ending}", 1)


# --- Reading each form --------------------------------------------------------------------------


def ids_of_pages(app: Flask, url: str) -> list[str]:
    """Walk the pages by their links."""
    found: list[str] = []
    following: str | None = url
    while following:
        tree = parsed(get(app, following))
        for title in by_class(tree, "card-title"):
            (link,) = title.iter("a")
            found.append(_id(link.get("href") or ""))
        nexts = [a.get("href") for a in tree.iter("a") if a.get("rel") == "next"]
        following = nexts[0] if nexts else None
    return found


def _id(address: str) -> str:
    kind, number = re.findall(r"/(call|solution)s/(\d+)", address)[0]
    return f"{kind}-{number}"


def _atom_id(entry: ElementTree.Element) -> str:
    return entry.findtext(f"{ATOM}id", "").rpartition(":")[2]


def components(text: str) -> Iterator[dict[str, str]]:
    """The events and to-dos of a calendar, unfolded, by property name without parameters."""
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    for line in text.split("\r\n"):
        assert len(line.encode()) <= 75
    inside: dict[str, str] | None = None
    for line in text.replace("\r\n ", "").split("\r\n"):
        if line in ("BEGIN:VEVENT", "BEGIN:VTODO"):
            inside = {"kind": line[6:]}
        elif inside is not None and line in ("END:VEVENT", "END:VTODO"):
            yield inside
            inside = None
        elif inside is not None:
            name, value = line.split(":", 1)
            inside[name.partition(";")[0]] = value


def records(response: TestResponse) -> list[dict[str, str]]:
    text = response.get_data().decode("utf-8-sig")
    return [row for row in csv.DictReader(io.StringIO(text, newline="")) if row["ID"]]


def ids_in(response: TestResponse, ending: str) -> list[str]:
    text = response.get_data(as_text=True)
    if ending == "atom":
        return [_atom_id(entry) for entry in ElementTree.fromstring(text).iter(f"{ATOM}entry")]
    if ending == "ics":
        return [found["UID"].partition("@")[0] for found in components(text)]
    if ending == "csv":
        return [row["ID"] for row in records(response)]
    return [item["id"] for item in json.loads(text)["items"]]


# --- The same listings --------------------------------------------------------------------------


def make_market(services: Services) -> None:
    chance = random.Random(20261201)
    with services.database.unit_of_work() as session:
        officers = [town(session, code) for code in ("042021", "011002", "132063")]
        owner = firm(session)
        for number in range(45):
            days = chance.choice([None, 1, 5, 40])
            call = publish_call(
                session,
                chance.choice(officers),
                title=HOSTILE if number % 9 == 0 else f"見守りの募集 その{number}",
                themes=(chance.choice(["childcare", "snow", "disaster", "tourism"]),),
                kind=chance.choice(["pilot", "proposal"]),
                budget_kind=chance.choice(["none", "unstated", "fixed"]),
                offers=chance.choice([(), ("field",), ("data", "staff")]),
                closes_at=None if days is None else NOW + timedelta(days=days),
                opens_at=NOW + timedelta(hours=2) if number % 11 == 0 and days != 1 else None,
            )
            if number % 10 == 9:
                calls.close(
                    session,
                    call,
                    actor=session.scalars(
                        select(User).where(
                            User.memberships.any(organisation_id=call.organisation_id)
                        )
                    ).first(),
                    now=NOW,
                    expected_version=call.version,
                )
        for number in range(25):
            publish_solution(
                session, owner, title=f"学びの広場{number}", areas=("00",) * (number % 2)
            )
    index(services)


@pytest.fixture
def market(once: Once, services: Services) -> Services:
    """Calls and solutions of every sort, some hostile."""
    once(make_market, services)
    return services


QUERIES = st.fixed_dictionaries(
    {"target": st.sampled_from(["call", "call", "solution"])},
    optional={
        "q": st.sampled_from(["見守り", "募集", "学び", "cmd", "ないことば"]),
        "sort": st.sampled_from(["newest", "deadline"]),
        "status": st.lists(st.sampled_from(["open", "closed", "upcoming"]), max_size=2),
        "theme": st.lists(st.sampled_from(["childcare", "snow", "tourism"]), max_size=2),
        "prefecture": st.lists(st.sampled_from(["04", "01", "13", "00", "unstated"]), max_size=2),
        "budget": st.lists(st.sampled_from(["none", "unstated"]), max_size=2),
        "offer": st.lists(st.sampled_from(["field", "unstated"]), max_size=1),
    },
)


def test_every_form_holds_what_the_pages_hold(
    app: Flask, market: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = 0

    @examples(max_examples=40)
    @given(query=QUERIES)
    def same_everywhere(query: dict[str, Any]) -> None:
        nonlocal met
        response = get(app, f"/search?{urlencode(query, doseq=True)}")
        url = response.headers.get("Location") or f"/search?{urlencode(query, doseq=True)}"
        wanted = ids_of_pages(app, url)
        assert len(set(wanted)) == len(wanted)
        met += bool(wanted)
        for ending in FORMS:
            answer = get(app, form(url, ending))
            if ending == "ics" and query["target"] == "solution":
                assert answer.status_code == 404
                continue
            assert answer.status_code == 200
            assert ids_in(answer, ending) == wanted, ending

    same_everywhere()
    assert met > 10


def test_a_long_result_is_cut_said_to_be_cut_and_led_on(
    app: Flask, market: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST", 20)
    monkeypatch.setattr(exports, "MOST_HITS", 10)
    url = "/search?target=call"
    wanted = ids_of_pages(app, url)
    found: list[str] = []
    following: str | None = form(url, "json")
    before = None
    while following:
        answer = json.loads(get(app, following).get_data())
        assert answer["prev"] == before
        assert answer["cut"].startswith("全45件のうち")
        assert (answer["first"], answer["last"]) == (
            len(found) + 1,
            len(found) + len(answer["items"]),
        )
        found += [item["id"] for item in answer["items"]]
        before, following = answer["self"], answer["next"]
    assert found == wanted
    for ending in ("atom", "csv", "ics"):
        text = get(app, form(url, ending)).get_data(as_text=True).replace("\r\n ", "")
        assert "全45件のうち、1件目から20件目までです" in text, ending
        assert ids_in(get(app, f"{form(url, ending)}&page=2"), ending) == wanted[20:40]
    assert get(app, "/search.json?target=call&page=4").status_code == 404


def test_the_page_offers_its_forms(app: Flask, market: Services) -> None:
    tree = parsed(get(app, "/search?q=見守り&target=call&status=open&page=2"))
    head = {link.get("type"): link.get("href") or "" for link in tree.iter("link")
            if link.get("rel") == "alternate"}  # fmt: skip
    (row,) = by_class(tree, "outputs")
    shown = [a.get("href") or "" for a in row.iter("a")]
    assert list(head.values()) == shown
    for (kind, url), ending in zip(head.items(), FORMS, strict=True):
        assert urlsplit(url).path == f"/search.{ending}"
        assert dict(parse_qsl(urlsplit(url).query)).keys() >= {"q", "target", "status"}
        answer = get(app, url)
        assert (answer.status_code, answer.mimetype) == (200, kind)
    on_solutions = by_class(parsed(get(app, "/search?target=solution")), "outputs")[0]
    assert not [a for a in on_solutions.iter("a") if ".ics" in (a.get("href") or "")]


# --- Reading, refusing, caching -----------------------------------------------------------------


@pytest.mark.parametrize("ending", FORMS)
@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"q={'あ' * 201}&target=call", 400),
        ("target=call&page=x", 400),
        ("target=call&page=2", 404),
        ("target=call&q=雪", 301),
        ("target=call&theme=none-such", 301),
    ],
)
def test_addresses_are_read_as_the_page_reads_them(
    app: Flask, services: Services, ending: str, query: str, status: int
) -> None:
    page, other = get(app, f"/search?{query}"), get(app, f"/search.{ending}?{query}")
    assert page.status_code == other.status_code == status
    if status == 301:
        assert other.headers["Location"] == form(page.headers["Location"], ending)
        return
    assert other.mimetype == ("application/problem+json" if ending == "json" else "text/plain")
    if ending == "json":
        problem = json.loads(other.get_data())
        assert problem["status"] == status
        assert problem["detail"] in text_of(page)


@pytest.mark.parametrize("ending", FORMS)
def test_an_index_that_is_away_is_said(
    app: Flask, services: Services, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object) -> None:
        raise IndexUnavailable("not built")

    monkeypatch.setattr(services.index, "search", away)
    response = get(app, f"/search.{ending}?target=call")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
    assert "public" not in response.headers["Cache-Control"]


@pytest.mark.parametrize("ending", FORMS)
def test_who_has_the_answer_already_gets_none(
    app: Flask, market: Services, clock: Clock, ending: str
) -> None:
    url = f"/search.{ending}?target=call&status=open"
    clock.moment = NOW + timedelta(minutes=5)
    first = get(app, url)
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in first.headers
    assert "Accept-Language" in first.headers["Vary"]
    clock.moment += timedelta(minutes=30)
    assert get(app, url, **{"If-None-Match": tag}).status_code == 304
    assert get(app, url, **{"If-Modified-Since": changed}).status_code == 304
    clock.moment = NOW + timedelta(days=1, minutes=5)  # some deadlines have passed
    for header, value in (("If-None-Match", tag), ("If-Modified-Since", changed)):
        again = get(app, url, **{header: value})
        assert again.status_code == 200
        assert set(ids_in(first, ending)) - set(ids_in(again, ending))


def test_a_change_that_the_index_may_not_know_yet_has_no_date(app: Flask, market: Services) -> None:
    assert "Last-Modified" not in get(app, "/search.json?target=call").headers


# --- Each form ----------------------------------------------------------------------------------


def test_the_feed_keeps_its_ids_and_its_order_of_time(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer, title=HOSTILE, summary="一行\nと次の行")
        bare = publish_call(session, officer, closes_at=None)
    index(services)
    feed = ElementTree.fromstring(get(app, "/search.atom?target=call").get_data())
    entry, other = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == HOSTILE
    assert entry.findtext(f"{ATOM}id") == f"tag:localhost,2026:call-{call.id}"
    assert datetime.fromisoformat(entry.findtext(f"{ATOM}updated", "")) == NOW
    assert "締切: 2026年12月31日（木） 12:00、あと30日" in entry.findtext(f"{ATOM}summary", "")
    assert "締切: 締切なし" in other.findtext(f"{ATOM}summary", "")
    assert (entry.find(f"{ATOM}author") or [])[0].text == "宮城県石巻市"
    assert [c.get("term") for c in entry.findall(f"{ATOM}category")] == ["childcare"]
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links["self"] == "http://localhost/search.atom?target=call"
    assert links["alternate"] == "http://localhost/search?target=call"
    with services.database.unit_of_work() as session:
        changed = session.get(Call, call.id)
        assert changed is not None
        values = CallValues(**{**calls.values_of(changed), "title": "別の題名"})
        calls.change(
            session, changed, values, actor=session.merge(officer), now=NOW + timedelta(hours=1),
            expected_version=changed.version,
        )  # fmt: skip
    index(services)
    again = ElementTree.fromstring(get(app, "/search.atom?target=call").get_data())
    by_id = {
        e.findtext(f"{ATOM}id"): e.findtext(f"{ATOM}title") for e in again.iter(f"{ATOM}entry")
    }
    assert by_id[f"tag:localhost,2026:call-{call.id}"] == "別の題名"
    assert f"tag:localhost,2026:call-{bare.id}" in by_id


def test_the_calendar_holds_deadlines_to_the_minute(app: Flask, services: Services) -> None:
    closes = datetime(2026, 12, 28, 8, 15, tzinfo=UTC)  # 17:15 in Japan
    with services.database.unit_of_work() as session:
        officer = town(session)
        dated = publish_call(session, officer, title=HOSTILE, closes_at=closes)
        publish_call(session, officer, closes_at=None)
        early = publish_call(session, officer, closes_at=closes + timedelta(days=1))
        calls.close(session, early, actor=officer, now=NOW, expected_version=early.version)
    index(services)
    text = get(app, "/search.ics?target=call").get_data(as_text=True)
    assert text.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert text.count("BEGIN:VTIMEZONE") == 1
    found = {c["UID"]: c for c in components(text)}
    event = found[f"call-{dated.id}@localhost"]
    assert event["kind"] == "VEVENT"
    assert event["DTSTART"] == "20261228T171500"
    assert f"DTSTART;TZID=Asia/Tokyo:{event['DTSTART']}" in text
    assert event["DTSTAMP"] == NOW.strftime("%Y%m%dT%H%M%SZ")
    assert int(event["SEQUENCE"]) == dated.version
    escaped = HOSTILE.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    assert event["SUMMARY"] == f"締切: {escaped}（宮城県石巻市）"
    assert "BEGIN:VALARM" not in text
    assert found[f"call-{early.id}@localhost"]["STATUS"] == "CANCELLED"
    assert [c["kind"] for c in found.values()].count("VTODO") == 1


@given(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n"), max_size=300)
)
def test_folding_loses_nothing_and_cuts_no_character(line: str) -> None:
    pieces = folded(line).split("\r\n ")
    assert "".join(pieces) == line
    sizes = [len(piece.encode()) + (1 if i else 0) for i, piece in enumerate(pieces)]
    assert max(sizes) <= 75


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"])), min_size=1, max_size=4))
def test_a_spreadsheet_finds_no_formula(row: list[str]) -> None:
    text = written(["見出し"] * len(row), [row]).decode()
    (back,) = list(csv.reader(io.StringIO(text, newline="")))[1:] or [[]]
    for typed, cell in zip(row, back, strict=len(row) > 1):
        assert unicodedata.normalize("NFKC", cell.strip())[:1] not in ("=", "+", "-", "@", "\u2212")
        assert " ".join(typed.split()) in cell
        assert not re.search(r"[\r\n\t]", cell)


@pytest.mark.parametrize(
    "text", ["=1+1", "+81", "-5", "@x", "\t=1", "＝1", "＋1", "－1", "＠x", " =1"]
)
def test_risky_cells_get_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text.strip()}"
    assert harmless(-5) == -5


def test_the_table_is_for_people_and_for_programs(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        publish_call(session, officer, title=HOSTILE, budget_kind="fixed", budget_max_yen=3_000_000)
    index(services)
    plain = get(app, "/search.csv?target=call")
    assert not plain.get_data().startswith(b"\xef\xbb\xbf")
    marked = get(app, "/search.csv?target=call&bom=1")
    assert marked.get_data() == b"\xef\xbb\xbf" + plain.get_data()
    assert "attachment" in plain.headers["Content-Disposition"]
    (row,) = records(plain)
    assert row["題名"] == f"'{HOSTILE}"
    assert row["締切"] == to_jst(NOW + timedelta(days=30)).isoformat()
    assert (row["募集する自治体コード"], row["募集する自治体"]) == ("042021", "宮城県石巻市")
    assert (row["都道府県コード"], row["都道府県"]) == ("04", "宮城県")
    assert row["上限額（円）"] == "3000000"
    assert row["提供できるもの"] == "実証フィールド、施設・場所"
    text = plain.get_data(as_text=True)
    assert text.count("\r\n") == text.count("\n") == 2
    english = get(app, "/search.csv?target=call&lang=en").get_data(as_text=True)
    assert english.startswith("ID,Title,Status,")
    redirected = get(app, "/search.csv?q=&bom=1")
    assert redirected.headers["Location"] == "/search.csv?target=call&bom=1"


def test_json_says_each_thing_under_its_own_name(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer, owner = town(session), firm(session)
        call = publish_call(session, officer)
        solution = publish_solution(session, owner)
        publish_solution(session, owner, title="掲載を終えた広場")
        gone = publish_solution(session, owner, title="すぐ終える広場")
        solutions.close(session, gone, actor=owner, now=NOW, expected_version=gone.version)
    index(services)
    answer = json.loads(get(app, "/search.json?target=call").get_data())
    assert (answer["total"], answer["prev"], answer["next"], answer["cut"]) == (1, None, None, None)
    (item,) = answer["items"]
    assert item == {
        "id": f"call-{call.id}",
        "title": CALL.title,
        "status": {"code": "open", "name": "受付中"},
        "closes_at": "2026-12-31T12:00:00+09:00",
        "opens_at": "2026-12-01T12:00:00+09:00",
        "owner": {"code": "042021", "name": "宮城県石巻市"},
        "department": "子育て支援課",
        "prefecture": {"code": "04", "name": "宮城県"},
        "municipality": {"code": "042021", "name": "石巻市"},
        "kind": {"code": "pilot", "name": "実証実験"},
        "themes": [{"code": "childcare", "name": "子育て"}],
        "offers": [
            {"code": "field", "name": "実証フィールド"},
            {"code": "facility", "name": "施設・場所"},
        ],
        "budget": {"code": "none", "name": "なし（双方持ち出し）"},
        "budget_max_yen": None,
        "summary": CALL.summary,
        "url": f"http://localhost/calls/{call.id}",
        "published_at": "2026-12-01T12:00:00+09:00",
        "updated_at": "2026-12-01T12:00:00+09:00",
        "version": call.version,
    }
    offered = json.loads(get(app, "/search.json?target=solution").get_data())
    assert {item["id"] for item in offered["items"]} >= {f"solution-{solution.id}"}
    assert offered["total"] == 2
    assert offered["items"][0]["areas"] == [{"code": "00", "name": "全国"}]


@pytest.mark.parametrize("ending", FORMS)
def test_addresses_and_ids_are_those_of_the_public_name(
    app: Flask, market: Services, ending: str
) -> None:
    market.settings.public_url = "https://hub.example.jp"
    response = Browser(app).get(
        f"/search.{ending}?target=call", headers={"Host": "evil.example", "X-Forwarded-Host": "x.y"}
    )
    text = response.get_data(as_text=True).replace("\r\n ", "")
    assert "https://hub.example.jp/calls/" in text
    assert "evil" not in text
    if ending in ("atom", "ics"):
        assert "hub.example.jp,2026:call-" in text or "@hub.example.jp" in text


def test_every_field_is_documented(app: Flask, market: Services) -> None:
    tree = parsed(get(app, "/formats"))
    tables = [[words(row[0]) for row in body] for body in tree.iter("tbody")]
    for target, documented in zip(("call", "solution"), tables, strict=True):
        answer = json.loads(get(app, f"/search.json?target={target}").get_data())
        assert list(answer["items"][0]) == documented
    for address in links(tree).values():
        if "/search." in address:
            assert get(app, address.removeprefix("http://localhost")).status_code == 200


def test_a_preview_of_the_address_says_what_is_there(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        for number in range(3):
            publish_call(session, officer, title=f"{HOSTILE}{number}")
    index(services)
    for url, starts in (
        ("/search?target=call", "「=cmd"),
        ("/search?target=solution", "条件を変えると見つかります"),
    ):
        tree = parsed(get(app, url))
        said = {m.get("name") or m.get("property"): m.get("content") for m in tree.iter("meta")}
        assert (said["description"] or "").startswith(starts)
        assert said["og:description"] == said["description"]
        (title,) = tree.iter("title")
        assert words(title) == f"{said['og:title']} | Local Hub"


def test_no_form_names_a_person(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer, owner = town(session), firm(session)
        officer.name = owner.name = "鶴亀 かなりあ"
        officer.email = owner.email = "canary@example.jp"
        publish_call(session, officer, contact_policy="canary@example.jp")
        publish_solution(session, owner)
    index(services)
    for target in ("call", "solution"):
        for ending in FORMS:
            text = get(app, f"/search.{ending}?target={target}").get_data(as_text=True)
            assert "かなりあ" not in text
            assert "canary" not in text
