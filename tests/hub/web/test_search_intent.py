"""Questions about the words of a search: what they may mean, each with results to follow."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.index import rebuild
from hub.services import Services
from hub.web.context import now
from hub.web.search_facets import Values
from hub.web.search_intent import (
    MOST_ASKED,
    MOST_LINKS,
    MOST_QUESTIONS,
    Question,
    questions,
)
from hub.web.search_state import SearchState
from search.index import SearchResult
from tests.conftest import NOW
from tests.market import firm, publish_call, publish_solution, town

FUCHU_TOKYO, FUCHU_HIROSHIMA, ISHINOMAKI = "132063", "342084", "042021"


class Asking:
    """The index, and how often it was asked."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.times = 0

    def __call__(self, state: SearchState) -> SearchResult:
        self.times += 1
        return self.services.index.search(state.query(now()))


@pytest.fixture
def market(app: Flask, services: Services) -> Iterator[Services]:
    """Two towns of one name, one elsewhere, and two firms; inside a request."""
    with services.database.unit_of_work() as session:
        for code, title in ((FUCHU_TOKYO, "けやき並木の見守り"), (FUCHU_HIROSHIMA, "坂道の見守り")):
            publish_call(
                session,
                town(session, code),
                title=f"{title}を手伝う事業者を募集",
                municipality_code=code,
                themes=("safety.watch",),
            )
        publish_call(
            session,
            town(session, ISHINOMAKI),
            title="港の見守りと防災",
            municipality_code=ISHINOMAKI,
            themes=("disaster",),
            kind="proposal",
            budget_kind="fixed",
            budget_max_yen=4_000_000,
            closes_at=NOW + timedelta(days=2),
        )
        publish_solution(session, firm(session))
        publish_solution(session, firm(session), title="雪かきを手伝う機械", areas=("04",))
    rebuild(services.database, services.index)
    with app.test_request_context("/search"):
        yield services


def asked(
    market: Services, text: str, target: str = "call", **filters: tuple[str, ...]
) -> list[Question]:
    state = SearchState(text=text, target=target, filters=filters)
    return questions(state, Values(), Asking(market))


def said(found: list[Question]) -> dict[str, list[tuple[str, int]]]:
    return {q.sentence: [(link.label, link.count) for link in q.links] for q in found}


def test_a_name_of_several_places_is_asked_about(market: Services) -> None:
    found = asked(market, "府中 見守り")
    assert said(found)["「府中」は場所ですか？"] == [("東京都府中市", 1), ("広島県府中市", 1)]
    query = parse_qs(urlsplit(found[0].links[0].url).query)
    assert query == {"q": ["見守り"], "target": ["call"], "municipality": [FUCHU_TOKYO]}


def test_a_plain_place_offers_its_filter(market: Services) -> None:
    assert said(asked(market, "東京都府中市")) == {
        "「東京都府中市」の地域でしぼりこみますか？": [("東京都府中市", 1)]
    }
    assert said(asked(market, "東北の見守り"))["「東北」の地域でしぼりこみますか？"] == [
        ("東北（6都道府県）", 1)
    ]


def test_money_time_kinds_and_themes_are_offered(market: Services) -> None:
    assert said(asked(market, "500万円以下 見守り")) == {
        "「500万円以下」でしぼりこみますか？": [("500万円以下", 1)],
    }
    assert said(asked(market, "見守り")) == {
        "「見守り」でしぼりこみますか？": [
            ("分野: 防犯・見守り › 子ども・高齢者の見守り", 2),
            ("分野: 防犯・見守り", 2),
        ],
    }
    assert said(asked(market, "提案募集 港")) == {
        "「提案募集」でしぼりこみますか？": [("募集の種類: 提案募集", 1)]
    }
    assert said(asked(market, "締切間近")) == {
        "「締切間近」でしぼりこみますか？": [("締切までの日数: 1週間以内", 1)]
    }


def test_all_that_is_plain_is_offered_at_once(market: Services) -> None:
    found = asked(market, "防災 500万円以下 3日以内 提案募集")
    assert found[0].sentence == "ことばを条件に置きかえますか？"
    (link,) = found[0].links
    assert (link.label, link.count) == ("500万円以下・3日以内・提案募集・防災", 1)
    assert parse_qs(urlsplit(link.url).query) == {
        "target": ["call"],
        "amount": ["1m", "3m", "5m"],
        "deadline": ["3d"],
        "kind": ["proposal"],
        "theme": ["disaster"],
    }


def test_sums_and_days_are_never_left_behind_as_words(market: Services) -> None:
    (place,) = [q for q in asked(market, "石巻 港 3日以内") if "石巻" in q.sentence]
    query = parse_qs(urlsplit(place.links[0].url).query)
    assert query["deadline"] == ["3d"]
    assert place.links[0].label == "宮城県石巻市・3日以内"


def test_the_other_side_of_the_market_is_offered(market: Services) -> None:
    found = asked(market, "雪かきを手伝ってくれる会社ある？")
    (sentence, links) = next(iter(said(found).items()))
    assert sentence == "「会社」をさがしていますか？"
    assert links == [("ソリューションをさがす", 1)]
    query = parse_qs(urlsplit(found[0].links[0].url).query)
    assert query == {"q": ["雪かきを手伝ってくれる"], "target": ["solution"]}
    assert not [q for q in asked(market, "雪かき 会社", "solution") if "会社" in q.sentence]


def test_solutions_reach_a_place_from_the_whole_country_too(market: Services) -> None:
    found = said(asked(market, "石巻", "solution"))
    assert found == {"「石巻」の地域でしぼりこみますか？": [("宮城県（全国対応を含む）", 2)]}


def test_links_without_results_are_not_shown(market: Services) -> None:
    assert asked(market, "沖縄県") == []
    assert asked(market, "1千万円以上") == []
    assert asked(market, "") == []
    assert asked(market, "ぬれぬれえ") == []


def test_what_is_chosen_already_is_not_asked_again(market: Services) -> None:
    assert "「防災」でしぼりこみますか？" not in said(asked(market, "防災 港", theme=("disaster",)))


def test_every_link_has_as_many_results_as_it_says(app: Flask, market: Services) -> None:
    texts = (
        "府中 見守り",
        "見守り 宮城",
        "3日以内 見守り",
        "500万円以下",
        "見守り 実証",
        "補助金 見守り",
    )
    for text in texts:
        for question in asked(market, text):
            for link in question.links:
                page = app.test_client().get(link.url)
                assert page.status_code == 200
                assert f"{link.count}件" in page.get_data(as_text=True)


def test_the_index_is_asked_few_times(market: Services) -> None:
    asking = Asking(market)
    state = SearchState(
        text="府中 中央区 池田 東北 見守り 防災 補助金 実証 会社 500万円以下 3日以内"
    )
    found = questions(state, Values(), asking)
    assert len(found) <= MOST_QUESTIONS
    assert all(1 <= len(question.links) <= MOST_LINKS for question in found)
    assert asking.times <= MOST_ASKED


def test_alternatives_of_one_name_are_counted_at_once(market: Services) -> None:
    asking = Asking(market)
    questions(SearchState(text="府中"), Values(), asking)
    assert asking.times == 1


@settings(max_examples=40)
@given(text=st.text(max_size=40), target=st.sampled_from(["call", "solution"]))
def test_no_text_breaks_the_questions(market: Services, text: str, target: str) -> None:
    for question in asked(market, text.strip(), target):
        assert all(link.count for link in question.links)


def test_questions_are_in_the_readers_language(app: Flask, market: Services) -> None:
    with app.test_request_context("/search", headers={"Accept-Language": "en"}):
        assert said(asked(market, "Fuchu")) == {
            "Is “Fuchu” a place?": [("Fuchu, Tokyo", 1), ("Fuchu, Hiroshima", 1)],
        }
        assert said(asked(market, "under 5 million yen")) == {
            "Narrow by “under 5 million yen”?": [("under 5 million yen", 1)],
        }
