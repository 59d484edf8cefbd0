"""Suggestions while typing: each leads where something is found, and nothing private is told."""

import time
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from hub.domain import calls
from hub.index import rebuild
from hub.models import Call
from hub.services import Services
from hub.web.search_state import TEXT_MAX
from hub.web.suggest import LISTINGS, PLACES, WORDS
from search.index import IndexUnavailable
from tests.conftest import NOW, Once
from tests.hub.web.browser import Browser
from tests.hub.web.html import heading
from tests.market import CALL, firm, organisation_of, publish_call, publish_solution, town

FUCHU_TOKYO, FUCHU_HIROSHIMA = "132063", "342084"
BRIDGE = {
    "department": "土木課",
    "summary": "橋の傷みを空から見ます。",
    "problem": "橋の点検に人手が足りません。",
    "wanted": "ドローンで撮る方法の提案を求めます。",
    "themes": ("infrastructure",),
}
SECRET = "まだ誰にも言えない蒸気機関の復活"


def make_market(services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session, FUCHU_TOKYO)
        publish_call(session, officer)
        publish_call(
            session, officer, title="子育て支援の拠点を運営する方を募集", themes=("childcare",)
        )
        publish_call(
            session, officer, title="空き家の活用で観光の拠点をつくる", problem="空き家が多い。"
        )
        publish_call(session, town(session), title="ドローンで橋の点検", **BRIDGE)
        publish_solution(session, firm(session), title="避難所の受付を早くする仕組み")
        calls.create(
            session,
            organisation_of(session, officer),
            replace(CALL, title=SECRET),
            actor=officer,
            now=NOW,
        )
    rebuild(services.database, services.index)


@pytest.fixture
def market(once: Once, services: Services) -> Services:
    """A few calls and a solution; a draft and a withdrawn call that say other words."""
    once(make_market, services)
    return services


def suggested(app: Flask, text: str, target: str = "call", **more: Any) -> dict[str, list[Any]]:
    """The items of each group."""
    query = {"q": text, "target": target, **more}
    response = Browser(app).get("/search/suggest", query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.json is not None
    return {group["key"]: group["items"] for group in response.json["groups"]}


def labels(groups: dict[str, list[Any]], key: str) -> list[str]:
    return [item["label"] for item in groups.get(key, [])]


@pytest.mark.parametrize("typed", ["こそ", "コソ", "ｺｿ", "子", "　子育"])
def test_kana_and_any_width_find_kanji(app: Flask, market: Services, typed: str) -> None:
    assert "子育て" in labels(suggested(app, typed), "words")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("空き家 かんこ", "空き家 観光"),
        ("空き家の観", "空き家の観光"),
        ("Ｄｒｏｎｅ ドロ", "Ｄｒｏｎｅ ドローン"),
        ("きょて", "拠点"),
    ],
)
def test_the_last_word_is_completed_and_the_others_stay(
    app: Flask, market: Services, typed: str, completed: str
) -> None:
    assert completed in labels(suggested(app, typed), "words")


def test_words_that_no_listing_holds_together_are_not_offered(app: Flask, market: Services) -> None:
    assert "子育て ドローン" not in labels(suggested(app, "子育て ドロ"), "words")
    assert "ドローン" in labels(suggested(app, "ドロ"), "words")


@pytest.mark.parametrize("typed", ["こ", "子育", "かん", "空き家 き", "ふちゅ", "避", "ひな"])
@pytest.mark.parametrize("target", ["call", "solution"])
def test_every_search_that_is_offered_finds_something(
    app: Flask, market: Services, typed: str, target: str
) -> None:
    groups = suggested(app, typed, target)
    for item in (*groups.get("words", []), *groups.get("places", [])):
        page = Browser(app).get(item["url"])
        assert page.status_code == 200
        if item["url"].startswith("/search"):
            assert "0件" not in heading(page)
            assert f"target={target}" in item["url"]


def test_a_word_of_the_other_side_is_not_offered(app: Flask, market: Services) -> None:
    assert labels(suggested(app, "ひなん", "solution"), "words") == ["避難", "避難所"]
    assert labels(suggested(app, "ひなん", "call"), "words") == []


@pytest.mark.parametrize("typed", ["府中", "ふちゅう", "フチュ", "ﾌﾁｭｳ", "fuchu", "ＦＵＣ"])
def test_a_name_that_several_places_have_is_shown_with_the_prefecture(
    app: Flask, market: Services, typed: str
) -> None:
    places = suggested(app, typed)["places"]
    assert [(item["label"], item["hint"]) for item in places] == [
        ("東京都府中市", "ふちゅうし"),
        ("広島県府中市", "ふちゅうし"),
        ("広島県府中町", "ふちゅうちょう"),
    ]
    assert places[0]["url"] == f"/search?target=call&municipality={FUCHU_TOKYO}"
    assert places[1]["url"] == f"/towns/{FUCHU_HIROSHIMA}"  # nothing is found there


def test_a_place_narrows_the_words_before_it(app: Flask, market: Services) -> None:
    (first, *_) = suggested(app, "空き家 東京")["places"]
    assert first["label"] == "東京都"
    assert first["url"].endswith("&target=call&prefecture=13")
    assert "q=%E7%A9%BA%E3%81%8D%E5%AE%B6" in first["url"]
    (only,) = suggested(app, "東京 府中")["places"]
    assert only["url"] == f"/search?target=call&municipality={FUCHU_TOKYO}"


def test_solutions_are_searched_in_the_whole_prefecture_of_a_place(
    app: Flask, market: Services
) -> None:
    first = suggested(app, "東京都府中", "solution")["places"][0]
    assert first["url"] == "/search?target=solution&prefecture=00&prefecture=13"


def test_listings_whose_title_holds_the_words_are_shown(app: Flask, market: Services) -> None:
    (drone,) = suggested(app, "ドロ")["listings"]
    assert (drone["label"], drone["hint"]) == ("ドローンで橋の点検", "宮城県石巻市")
    assert Browser(app).get(drone["url"]).status_code == 200
    # "childcare" is the theme of this call, but not said in its title
    assert labels(suggested(app, "子育て"), "listings") == ["子育て支援の拠点を運営する方を募集"]


def test_no_more_is_shown_than_can_be_read(app: Flask, market: Services) -> None:
    with market.database.unit_of_work() as session:
        officer = town(session, "011002")
        for number in range(6):
            publish_call(session, officer, title=f"子育て支援の居場所その{number}")
    rebuild(market.database, market.index)
    groups = suggested(app, "子")
    assert len(groups["words"]) <= WORDS
    assert len(groups["listings"]) == LISTINGS
    assert len(suggested(app, "かわ")["places"]) == PLACES


def test_what_the_reader_chose_before_stays(app: Flask, market: Services) -> None:
    url = suggested(app, "こそ", theme="childcare", page="2")["words"][0]["url"]
    assert "theme=childcare" in url
    assert "page" not in url


@pytest.mark.parametrize("typed", ["蒸気", "じょうき", "まだ誰にも", "蒸気機関の復"])
def test_drafts_are_never_suggested(app: Flask, market: Services, typed: str) -> None:
    groups = suggested(app, typed)
    assert "listings" not in groups
    assert not [label for label in labels(groups, "words") if "機関" in label or "蒸気" in label]


def test_a_listing_that_is_withdrawn_is_gone_before_the_index_knows(
    app: Flask, market: Services
) -> None:
    with market.database.unit_of_work() as session:
        row = session.query(Call).filter_by(title="ドローンで橋の点検").one()
        row.state = "draft"
    assert "listings" not in suggested(app, "ドローン")


def test_nothing_typed_is_no_question(app: Flask, market: Services) -> None:
    assert suggested(app, "") == suggested(app, " 　 ") == {}


def test_signs_of_the_query_are_not_completed(app: Flask, market: Services) -> None:
    assert suggested(app, "-府中") == {}
    assert labels(suggested(app, '"子育"'), "words") == []


def test_the_answer_is_for_everybody(app: Flask, market: Services) -> None:
    with market.database.unit_of_work() as session:
        user = firm(session, "株式会社みなと")
    response = Browser(app, user).get("/search/suggest?q=こそ")
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in response.headers
    assert "Accept-Language" in response.headers["Vary"]
    assert response.json == Browser(app).get("/search/suggest?q=こそ").json


def test_the_answer_speaks_english(app: Flask, market: Services) -> None:
    response = Browser(app).get("/search/suggest?q=fuchu&lang=en")
    assert response.json is not None
    (group,) = response.json["groups"]
    assert group["label"] == "Places"
    first = group["items"][0]
    assert (first["label"], first["hint"]) == ("Fuchu, Tokyo", "東京都府中市")
    assert "lang=en" in first["url"]


def test_a_text_that_is_too_long_is_refused(app: Flask) -> None:
    response = Browser(app).get("/search/suggest", query_string={"q": "あ" * (TEXT_MAX + 1)})
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["groups"] == []
    assert "200文字以内" in response.json["detail"]
    assert response.headers["Cache-Control"] == "no-store"


def test_an_index_that_is_away_is_said_and_not_kept(
    app: Flask, market: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object) -> None:
        raise IndexUnavailable("not built")

    monkeypatch.setattr(market.index, "search", away)
    monkeypatch.setattr(market.index, "lexicon", away)
    refused(app)


def test_a_database_that_is_away_is_said_and_not_kept(
    app: Flask, market: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("select", {}, Exception("away"))

    monkeypatch.setattr(market.database, "session", away)
    refused(app)


def refused(app: Flask) -> None:
    response = Browser(app).get("/search/suggest?q=こそ")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json is not None
    assert response.json["groups"] == []


def test_who_asks_without_end_must_wait(
    app: Flask, market: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(app)
    answers = {browser.get("/search/suggest").status_code for _ in range(700)}
    assert answers == {200, 429}
    response = browser.get("/search/suggest?q=こそ")
    assert response.status_code == 429
    assert response.json is not None
    assert response.json["groups"] == []
    assert browser.get("/search?q=こそ&target=call").status_code == 200


@settings(max_examples=60)
@given(text=st.text(max_size=TEXT_MAX))
def test_any_text_is_answered(app: Flask, market: Services, text: str) -> None:
    response = Browser(app).get("/search/suggest", query_string={"q": text})
    assert response.status_code in (200, 400)
    assert response.json is not None
    for group in response.json["groups"]:
        assert group["items"]
        for item in group["items"]:
            assert item["url"].startswith("/")
            assert Browser(app).get(item["url"]).status_code == 200


def test_suggestions_come_at_once(app: Flask, market: Services) -> None:
    suggested(app, "こそ")
    times = []
    for typed in ("こ", "子", "ふちゅ", "空き家の活", "高齢者 見", "子育て 東京"):
        began = time.perf_counter()
        suggested(app, typed)
        times.append(time.perf_counter() - began)
    assert sorted(times)[len(times) // 2] < 0.25  # 10 ms alone; other tests use the same cores
