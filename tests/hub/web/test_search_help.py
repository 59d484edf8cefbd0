"""Help where nothing was found: what it names, that it is true, and that it costs little."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hub.domain.neighbours import NEIGHBOURS
from hub.models.reference import Prefecture
from hub.services import Services
from hub.web.search_help import MOST_ASKED, MOST_WAYS
from search.query import SearchQuery
from tests.conftest import NOW, Once
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, card_titles, heading, links, parsed, words
from tests.hub.web.test_search_page import get, index
from tests.market import firm, publish_call, publish_desk, publish_solution, town

SENDAI, SAPPORO, TOKYO, MORIOKA = "041009", "011002", "131016", "032018"


def make_market(services: Services) -> None:
    with services.database.unit_of_work() as session:
        officers = {code: town(session, code) for code in (SENDAI, SAPPORO, TOKYO, MORIOKA)}
        for code, theme, kind in (
            (SENDAI, "childcare", "pilot"),
            (SENDAI, "snow", "proposal"),
            (SAPPORO, "snow", "pilot"),
            (TOKYO, "tourism", "collaboration"),
        ):
            publish_call(
                session, officers[code], title=f"{theme}の募集", themes=(theme, "education"),
                kind=kind, offers=("field", "data"), closes_at=NOW + timedelta(days=30),
            )  # fmt: skip
        for number in range(3):
            publish_solution(session, firm(session, f"会社{number}"), areas=("13", "14"))
        publish_desk(session, officers[SENDAI], name="仙台の窓口")
        publish_desk(session, officers[SENDAI], name="休みの窓口", paused=True, pause_reason="人手")
        publish_desk(session, officers[TOKYO], name="千代田の窓口")
    index(services)


@pytest.fixture
def market(once: Once, services: Services) -> Services:
    """Calls in three prefectures, solutions, and desks in two prefectures."""
    once(make_market, services)
    return services


def offered(app: Flask, url: str) -> list[tuple[str, int, str]]:
    """(words, promised number, address) of the ways out of a search without results."""
    response = Browser(app).get(url, follow_redirects=True)
    assert response.status_code == 200
    assert by_class(parsed(response), "empty")
    found = []
    for way in by_class(parsed(response), "ways-out"):
        for row in way:
            ((label, target),) = links(row).items()
            number = re.search(r"(\d+)件", words(row)[len(label) :])
            assert number is not None
            found.append((label, int(number[1]), target))
    return found


def labels(app: Flask, url: str) -> dict[str, int]:
    return {label: number for label, number, _target in offered(app, url)}


FILTERS: dict[str, list[str]] = {
    "status": ["open", "closed", "upcoming"],
    "theme": ["childcare", "snow", "tourism", "disaster"],
    "kind": ["pilot", "accelerator", "collaboration"],
    "prefecture": ["04", "01", "13", "05", "47", "20"],
    "municipality": [SENDAI, TOKYO, "202011"],
    "offer": ["field", "unstated"],
    "budget": ["none", "contract"],
    "stage": ["product", "proven"],
}


def test_every_way_leads_to_as_many_as_it_says(app: Flask, market: Services) -> None:
    met = 0

    @given(
        text=st.sampled_from(["", "募集", "秋田市", "除雪 ぬるぬる", '"除雪の募集"', "教育 -募集", "zzzz"]),
        target=st.sampled_from(["call", "solution"]),
        chosen=st.fixed_dictionaries(
            {}, optional={name: st.lists(st.sampled_from(v), min_size=1, max_size=2, unique=True)
                          for name, v in FILTERS.items()},
        ),
    )  # fmt: skip
    @settings(
        max_examples=40,
        phases=(Phase.explicit, Phase.generate),
    )
    def leads(text: str, target: str, chosen: dict[str, Any]) -> None:
        nonlocal met
        response = Browser(app).get(
            "/search", query_string={"q": text, "target": target, **chosen}, follow_redirects=True
        )
        if card_titles(response) and not by_class(parsed(response), "empty"):
            return
        ways = offered(app, response.request.full_path)
        assert 1 <= len(ways) <= MOST_WAYS
        for label, number, url in ways:
            there = get(app, url)
            assert there.status_code == 200, label
            shown = re.search(r"(\d+)件", heading(there))
            assert shown is not None
            assert int(shown[1]) == number >= 1, label
        met += 1

    leads()
    assert met > 20


def test_the_index_is_asked_a_few_times_only(
    app: Flask, market: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SearchQuery] = []
    search = market.index.search

    def counted(query: SearchQuery) -> Any:
        asked.append(query)
        return search(query)

    monkeypatch.setattr(market.index, "search", counted)
    filters = "&".join(f"{name}={v[-1]}" for name, v in FILTERS.items() if name != "stage")
    offered(app, f"/search?q=あ+い+う+え&target=call&{filters}")
    assert len(asked) <= 1 + MOST_ASKED + 3
    asked.clear()
    ways = labels(app, "/search?target=call&kind=accelerator&budget=none")
    assert ways["募集の種類の「アクセラ」を外す"] == 4
    assert len(asked) <= 4  # the counts at hand told most of it


def test_places_widen_step_by_step(app: Flask, market: Services) -> None:
    ways = labels(app, "/search?target=call&prefecture=05&theme=snow")
    assert ways["都道府県の「秋田県」を外す"] == 2
    assert ways["となりまで広げる（青森県、岩手県、宮城県 など）"] == 1
    assert ways["東北に広げる"] == 1
    ways = labels(app, "/search?target=call&municipality=042021")
    assert ways["宮城県の全体に広げる"] == 2


def test_a_place_that_was_typed_widens_as_a_chosen_one(app: Flask, market: Services) -> None:
    ways = labels(app, "/search?q=秋田市&target=call")
    assert ways["となりまで広げる（青森県、岩手県、宮城県 など）"] == 2
    assert ways["東北に広げる"] == 2
    assert ways["はじめから見る"] == 4
    solutions = labels(app, "/search?q=秦野市&target=solution")
    assert solutions["神奈川県の全体に広げる"] == 3
    quoted = labels(app, "/search?q=%22秋田市%22&target=call")
    assert not any("広げる" in label for label in quoted)


def test_quotes_and_excluded_words_are_offered_to_go(app: Flask, market: Services) -> None:
    ways = labels(app, "/search?q=%22募集+snow%22&target=call")
    assert ways["「募集 snow」を、順を問わずにさがす"] == 2
    ways = labels(app, "/search?q=snow+-募集&target=call")
    assert ways["除くことばを外す"] == 2


def test_desks_of_the_area_are_offered_but_not_paused_ones(app: Flask, market: Services) -> None:
    nothing = "&theme=disaster"
    assert card_titles(get(app, "/search?target=call&theme=disaster&prefecture=04")) == [
        "仙台の窓口"
    ]
    by_town = get(app, f"/search?target=call{nothing}&municipality={TOKYO}")
    assert card_titles(by_town) == ["千代田の窓口"]
    beside = get(app, f"/search?target=call{nothing}&prefecture=03")  # next to Miyagi
    assert card_titles(beside) == ["仙台の窓口"]
    assert card_titles(get(app, "/search?q=世田谷区&target=call")) == ["千代田の窓口"]
    assert card_titles(get(app, "/search?q=秋田市&target=call")) == ["仙台の窓口"]
    for query in ("target=call&theme=disaster", f"target=call{nothing}&prefecture=47",
                  "target=solution&theme=disaster&prefecture=04"):  # fmt: skip
        assert card_titles(get(app, f"/search?{query}")) == [], query
    assert "窓口" not in text_of(get(app, "/search?target=call&prefecture=04"))


def test_neighbours_know_each_other_and_are_prefectures(services: Services) -> None:
    with services.database.session() as session:
        codes = {row.code for row in session.query(Prefecture)}
    assert set(NEIGHBOURS) == codes
    for code, near in NEIGHBOURS.items():
        assert code not in near
        assert all(code in NEIGHBOURS[other] for other in near)
    assert NEIGHBOURS["20"] == ("10", "11", "15", "16", "19", "21", "22", "23")
    assert NEIGHBOURS["13"] == ("11", "12", "14", "19")
