"""The pages about the place itself, and the words of cards."""

from dataclasses import astuple
from datetime import datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from hub.clock import JST
from hub.models import Call, Match, Organisation, Solution
from hub.services import Services
from hub.web import match_cards, present
from hub.web.pages import packages
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, heading, links, parsed, words
from tests.market import firm


@pytest.mark.parametrize("path", ["ranking", "accessibility", "licences", "privacy", "contact"])
def test_pages_parse_strictly_and_lead_on(app: Flask, services: Services, path: str) -> None:
    response = Browser(app).get(f"/{path}")
    assert response.status_code == 200
    for url in links(next(iter(parsed(response).iter("main")))).values():
        if url.startswith("/"):
            assert Browser(app).get(url).status_code == 200, url


def test_the_contact_is_the_settings_own(app: Flask, services: Services) -> None:
    services.settings.contact_email = "madoguchi@example.org"
    for path in ("contact", "accessibility", "privacy"):
        found = links(parsed(Browser(app).get(f"/{path}")))
        assert found["madoguchi@example.org"] == "mailto:madoguchi@example.org"
    assert services.settings.operator_name in text_of(Browser(app).get("/contact"))


def test_conformance_is_claimed_in_part_only(app: Flask, services: Services) -> None:
    text = text_of(Browser(app).get("/accessibility"))
    assert "JIS X 8341-3:2016 の適合レベルAAに一部準拠" in text
    assert "WCAG 2.2" in text
    assert text.replace("一部準拠", "").count("準拠") == 0


def test_the_parts_in_use_are_listed_with_their_licences(app: Flask, services: Services) -> None:
    found = {package.name.lower(): package for package in packages()}
    assert {"flask", "sqlalchemy", "sudachipy", "tantivy", "werkzeug"} <= set(found)
    assert not {"pytest", "playwright", "mypy"} & set(found)
    assert [name for name, package in found.items() if package.licence == "–"] == []
    text = text_of(Browser(app).get("/licences"))
    assert found["flask"].version in text


def test_the_privacy_page_names_the_cookie(app: Flask, services: Services) -> None:
    assert app.config["SESSION_COOKIE_NAME"] in text_of(Browser(app).get("/privacy"))


def test_an_error_page_leads_home_and_to_the_search(app: Flask, services: Services) -> None:
    response = Browser(app).get("/nowhere")
    assert response.status_code == 404
    main = next(iter(parsed(response).iter("main")))
    assert {"/", "/search?target=call", "/contact"} <= set(links(main).values())


def test_an_error_page_needs_no_database(
    app: Flask, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    with services.database.unit_of_work() as session:
        member = firm(session)
    browser = Browser(app, member)

    def away(**_wish: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(services.database, "session", away)
    for url in ("/", "/search?target=call", "/towns/042021", "/calls/1"):
        response = browser.get(url)
        assert response.status_code == 503
        assert "ただいま混み合っています" in text_of(response)
        assert "マイページ" not in text_of(response)
    assert browser.get("/privacy").status_code in (200, 503)


def test_a_fault_of_ours_is_told_truly_to_readers_and_writers(
    app: Flask, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ValueError("broken")

    monkeypatch.setattr(present, "vocabulary", broken)
    response = Browser(app).get("/")
    assert response.status_code == 500
    assert heading(response) == "うまくいきませんでした"
    assert "何かを送ったところなら、まだ保存されていません" in text_of(response)


NOON = datetime(2026, 12, 1, 12, 0, tzinfo=JST)


@pytest.mark.parametrize(
    ("closes", "code", "remaining"),
    [
        (datetime(2026, 12, 1, 17, 15, tzinfo=JST), "today", "本日17:15まで"),
        (datetime(2026, 12, 1, 12, 1, tzinfo=JST), "today", "本日12:01まで"),
        (datetime(2026, 12, 2, 0, 0, tzinfo=JST), "today", "本日24:00まで"),
        (datetime(2026, 12, 2, 9, 0, tzinfo=JST), "soon", "あす09:00まで"),
        (datetime(2026, 12, 4, 17, 15, tzinfo=JST), "soon", "あと3日"),
        (datetime(2026, 12, 8, 17, 15, tzinfo=JST), "soon", "あと7日（営業日5日）"),
        (datetime(2026, 12, 9, 0, 0, tzinfo=JST), "soon", "あと7日（営業日5日）"),
        (datetime(2026, 12, 9, 0, 1, tzinfo=JST), "open", "あと8日"),
        (datetime(2026, 12, 1, 12, 0, tzinfo=JST), "closed", ""),
        (None, "standing", ""),
    ],
)
def test_the_time_left_is_said_as_people_count_it(
    app: Flask, closes: datetime | None, code: str, remaining: str
) -> None:
    call = Call(state="published", closes_at=closes)
    with app.test_request_context("/"):
        status = present.status_of(call, NOON)
    assert (status.code, status.remaining) == (code, remaining)


@pytest.mark.parametrize(
    ("kind", "most", "said"),
    [
        ("none", None, "なし（双方持ち出し）"),
        ("contract", 4_400_000, "委託（440万円まで）"),
        ("fixed", 120_000_000, "定額（1億2,000万円まで）"),
        ("subsidy", None, "補助"),
        ("unstated", None, "記載なし"),
    ],
)
def test_money_is_said_in_words(app: Flask, kind: str, most: int | None, said: str) -> None:
    with app.test_request_context("/"):
        assert present.budget_words(Call(budget_kind=kind, budget_max_yen=most)) == said


@given(st.text())
def test_linking_changes_no_word(text: str) -> None:
    assert present.linked(text).striptags() == " ".join(present.escape(text).striptags().split())


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "https://example.jp/募集をご覧ください",
            '<a href="https://example.jp/" rel="nofollow ugc noopener">https://example.jp/</a>'
            "募集をご覧ください",
        ),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ('https://a.jp/"onclick=1', '<a href="https://a.jp/" rel="nofollow ugc noopener">'
         'https://a.jp/</a>&#34;onclick=1'),
        ("http://a.jp.", '<a href="http://a.jp" rel="nofollow ugc noopener">http://a.jp</a>.'),
    ],
)  # fmt: skip
def test_only_web_addresses_become_links(text: str, html: str) -> None:
    assert str(present.linked(text)) == html


def test_a_match_is_four_words_and_its_reasons(app: Flask) -> None:
    company = Organisation(kind="company", name="株式会社ひだまり")
    match = Match(
        solution=Solution(id=7, title="学びの広場", stage="product", organisation=company),
        score=0.99,
        parts={"text": 0.9, "themes": 0.5, "need": None},
        reasons={"ja": ["どちらも子育てです。"], "en": ["Both are about childcare."]},
        gaps={"ja": [], "en": []},
    )
    with app.test_request_context("/"):
        card = match_cards.solution_match(match)
    assert (card.strength, card.stage, card.owner) == (4, "製品", "株式会社ひだまり")
    assert [astuple(part) for part in card.parts] == [("文章の近さ", 4), ("分野の重なり", 2)]
    assert card.reasons == ["どちらも子育てです。"]
    with app.test_request_context("/?lang=en"):
        assert match_cards.solution_match(match).reasons == ["Both are about childcare."]


def test_strength_grows_with_the_score() -> None:
    grown = [match_cards.strength(n / 100) for n in range(101)]
    assert grown == sorted(grown)
    assert set(grown) == {1, 2, 3, 4}


def test_the_menu_shows_where_one_is(app: Flask, services: Services) -> None:
    for url, label in (
        ("/search?target=call", "募集をさがす"),
        ("/search?target=solution", "ソリューション"),
        ("/towns/042021", "自治体"),
        ("/ranking", "順位のしくみ"),
    ):
        (menu,) = by_class(parsed(Browser(app).get(url)), "menu")
        here = [words(a) for a in menu.iter("a") if a.get("aria-current")]
        assert here == [label]


def test_moments_in_the_past_are_closed(app: Flask) -> None:
    call = Call(state="published", closes_at=NOON - timedelta(minutes=1))
    with app.test_request_context("/"):
        assert present.status_of(call, NOON).label == "受付終了"


def test_the_privacy_page_says_where_typed_words_go(app: Flask, services: Services) -> None:
    assert "意味を調べます" not in text_of(Browser(app).get("/privacy"))
    services.settings.embedder_url = "https://vectors.example/v1"
    assert "vectors.example に送り、意味を調べます" in text_of(Browser(app).get("/privacy"))
    services.settings.semantic = "off"
    assert "意味を調べます" not in text_of(Browser(app).get("/privacy"))
