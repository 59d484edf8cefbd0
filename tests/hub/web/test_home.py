"""The front page."""

from datetime import timedelta
from urllib.parse import unquote

from flask import Flask

from hub.domain import solutions
from hub.index import rebuild
from hub.services import Services
from tests.conftest import NOW
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, card_titles, heading, links, parsed, parts, queries, words
from tests.market import firm, publish_call, publish_solution, town


def part_titles(app: Flask, part: str) -> list[str]:
    """Titles of the cards in a part of the page."""
    section = parts(parsed(Browser(app).get("/"))).get(part)
    return [words(t) for t in by_class(section, "card-title")] if section is not None else []


def test_an_empty_market_says_so(app: Flask, services: Services) -> None:
    response = Browser(app).get("/")
    assert response.status_code == 200
    assert card_titles(response) == []
    assert "受付中の募集はまだありません" in text_of(response)
    assert [words(f) for f in by_class(parsed(response), "figure-value")] == [
        "0件",
        "0団体",
        "0件",
        "0団体",
    ]


def test_the_search_comes_first(app: Flask, services: Services) -> None:
    tree = parsed(Browser(app).get("/"))
    (main,) = tree.iter("main")
    first = next(e for e in main.iter() if e.tag in ("form", "a", "button", "input"))
    assert (first.tag, first.get("role"), first.get("action")) == ("form", "search", "/search")


def test_the_figures_count_what_is_open(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        first, second, owner = town(session), town(session, "011002"), firm(session)
        for officer in (first, first, second):
            publish_call(session, officer)
        publish_call(session, second, closes_at=NOW + timedelta(hours=1), title="もうすぐ")
        publish_call(session, second, opens_at=NOW + timedelta(days=3), title="これから")
        publish_solution(session, owner)
        gone = publish_solution(session, owner)
        solutions.close(session, gone, actor=owner, now=NOW, expected_version=gone.version)
    figures = by_class(parsed(Browser(app).get("/")), "figure-value")
    assert [words(figure) for figure in figures] == ["4件", "2団体", "1件", "1団体"]


def test_what_closes_first_stands_first(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        for days in (9, 2, 5, 30):
            publish_call(session, officer, title=f"{days}日", closes_at=NOW + timedelta(days=days))
        publish_call(session, officer, title="いつでも", closes_at=None)
    assert part_titles(app, "soon") == ["2日", "5日", "9日"]
    assert part_titles(app, "new-calls") == ["いつでも"]


def test_posting_often_takes_no_more_room(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        small, busy = firm(session, "小さな会社"), firm(session, "まめな会社")
        publish_solution(session, small, title="ひとつだけ")
        for number in range(9):
            publish_solution(session, busy, title=f"{number}つめ")
    assert sorted(part_titles(app, "new-solutions")) == ["8つめ", "ひとつだけ"]


def test_words_to_try_and_the_map_lead_to_results(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        publish_call(session, town(session), themes=("childcare.afterschool", "snow"))
        publish_call(session, town(session, "011002"), themes=("snow",))
    rebuild(services.database, services.index)
    tree = parsed(Browser(app).get("/"))
    (tried,) = by_class(tree, "hero-words")
    (places,) = by_class(tree, "japan")
    assert list(links(tried)) == ["除雪・寒冷地", "子育て"]
    assert len(links(places)) == 2
    for url in (*links(tried).values(), *links(places).values()):
        response = Browser(app).get(unquote(url))
        assert card_titles(response), url
        assert heading(response)


def test_more_listings_need_no_more_queries(app: Flask, services: Services) -> None:
    asked = []
    with services.database.unit_of_work() as session:
        towns = [town(session, code) for code in ("042021", "011002", "132063")]
        firms = [firm(session, f"会社{n}") for n in range(3)]
    for posting in (slice(0, 1), slice(1, 3)):
        with services.database.unit_of_work() as session:
            for officer, owner in zip(towns[posting], firms[posting], strict=True):
                officer, owner = session.merge(officer), session.merge(owner)
                publish_call(session, officer)
                publish_call(session, officer, closes_at=None)
                publish_solution(session, owner)
        with queries(services.database) as counted:
            Browser(app).get("/")
        asked.append(len(counted.statements))
    assert asked[0] == asked[1]
