"""Open calls by prefecture: the map and its tables say the same, and every number leads there."""

import csv
import io
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit
from xml.etree.ElementTree import Element

import pytest
from flask import Flask

from hub.services import Services
from search.index import IndexUnavailable
from tests.conftest import NOW, Clock
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, heading, links, parsed, words
from tests.hub.web.test_search_page import get, index
from tests.market import publish_call, town

SENDAI, ISHINOMAKI, SAPPORO, FUCHU = "041009", "042021", "011002", "132063"


@pytest.fixture
def market(services: Services, clock: Clock) -> Services:
    """Four open calls in three prefectures, one that has closed, one still to open."""
    with services.database.unit_of_work() as session:
        officers = {code: town(session, code) for code in (SENDAI, ISHINOMAKI, SAPPORO, FUCHU)}
        for code, theme, days in (
            (SENDAI, "snow", 30),
            (ISHINOMAKI, "snow", 40),
            (SAPPORO, "snow", 1),
            (SAPPORO, "snow", 20),
            (FUCHU, "childcare", 30),
        ):
            publish_call(
                session,
                officers[code],
                title=f"{code}の募集",
                themes=(theme,),
                closes_at=NOW + timedelta(days=days),
            )
        publish_call(session, town(session, "131016"), opens_at=NOW + timedelta(days=9))
    clock.moment = NOW + timedelta(days=2)
    index(services)
    return services


def tiles(tree: Element) -> dict[str, tuple[int, str]]:
    """Prefecture code -> number and address of its tile."""
    (japan,) = by_class(tree, "japan")
    found = {}
    for tile in japan:
        code = re.search(r"at-(\d\d)", tile.get("class") or "")
        (number,) = (words(b) for b in tile.iter("b"))
        assert code is not None
        found[code[1]] = (int(number.removesuffix("件")), next(iter(links(tile).values()), ""))
    return found


def table(tree: Element, caption: str) -> list[tuple[str, int, str]]:
    """(name, number, address) of the rows of a table."""
    (found,) = (t for t in tree.iter("table") if words(next(t.iter("caption"))) == caption)
    (body,) = found.iter("tbody")
    rows = []
    for row in body:
        cells = list(row)
        assert (cells[0].tag, cells[0].get("scope")) == ("th", "row")
        number = re.match(r"\d+", words(cells[-1]))
        assert number is not None
        rows.append((words(cells[0]), int(number[0]), next(iter(links(cells[-1]).values()), "")))
    return rows


def test_map_and_tables_say_the_same(app: Flask, market: Services) -> None:
    response = get(app, "/map")
    assert heading(response) == "募集の地図（受付中 4件）"
    tree = parsed(response)
    shown = tiles(tree)
    assert {code: n for code, (n, _url) in shown.items() if n} == {"01": 1, "04": 2, "13": 1}
    prefectures = table(tree, "都道府県ごとの受付中の募集")
    assert [number for _name, number, _url in prefectures] == [n for n, _url in shown.values()]
    regions = {name: n for name, n, _url in table(tree, "地方ごとの受付中の募集")}
    assert {name: n for name, n in regions.items() if n} == {"北海道": 1, "東北": 2, "関東": 1}
    assert len(regions) == 9
    (foot,) = tree.iter("tfoot")
    assert "".join(words(foot).split()) == "全国4"


def test_every_number_leads_to_as_many_calls(app: Flask, market: Services) -> None:
    tree = parsed(get(app, "/map?theme=snow"))
    numbers = list(tiles(tree).values())
    numbers += [(n, url) for _name, n, url in table(tree, "都道府県ごとの受付中の募集")]
    numbers += [(n, url) for _name, n, url in table(tree, "地方ごとの受付中の募集")]
    for number, url in numbers:
        assert bool(number) == bool(url)
        if url:
            there = get(app, url)
            assert there.status_code == 200
            assert f"{number}件" in heading(there)
            assert len(by_class(parsed(there), "card-call")) == number
    assert sum(number for number, _url in numbers) == 3 * 3


def test_the_map_keeps_the_search_and_gives_it_back(app: Flask, market: Services) -> None:
    url = "/search?q=募集&target=call&status=open&theme=snow&prefecture=04&page=1"
    tree = parsed(Browser(app).get(url, follow_redirects=True))
    assert links(tree)["地図で見る"] == "/map?q=%E5%8B%9F%E9%9B%86&theme=snow"
    response = get(app, "/map?q=募集&theme=snow")
    assert heading(response) == "募集・除雪・寒冷地 の募集の地図（受付中 3件）"
    whole = next(
        url for label, url in links(parsed(response)).items() if label.startswith("全国の")
    )
    assert parse_qsl(urlsplit(whole).query) == [
        ("q", "募集"), ("target", "call"), ("status", "open"), ("theme", "snow")]  # fmt: skip
    (applied,) = by_class(parsed(response), "applied")
    assert links(applied) == {
        "分野 除雪・寒冷地を外す": "/map?q=%E5%8B%9F%E9%9B%86",
        "すべて解除": "/map?q=%E5%8B%9F%E9%9B%86",
    }


def test_the_table_is_sorted_by_a_link(app: Flask, market: Services) -> None:
    tree = parsed(get(app, "/map?theme=snow"))
    heads = {words(th): th for th in tree.iter("th") if th.get("aria-sort")}
    assert {name: th.get("aria-sort") for name, th in heads.items()} == {"都道府県": "ascending"}
    by_number = parsed(get(app, "/map?theme=snow&order=count"))
    rows = table(by_number, "都道府県ごとの受付中の募集")
    assert [(name, n) for name, n, _url in rows[:3]] == [
        ("宮城県", 2),
        ("北海道", 1),
        ("青森県", 0),
    ]
    assert list(tiles(by_number)) == sorted(tiles(tree))


def test_the_csv_has_the_rows_of_the_table(app: Flask, market: Services) -> None:
    tree = parsed(get(app, "/map?theme=snow"))
    (offered,) = by_class(tree, "outputs")
    response = get(app, next(iter(links(offered).values())))
    assert response.status_code == 200
    text = response.get_data().decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head == ["都道府県コード", "都道府県", "地方", "受付中の募集"]
    assert [(row[1], int(row[3])) for row in rows] == [
        (name, n) for name, n, _url in table(tree, "都道府県ごとの受付中の募集")
    ]
    assert rows[3][:3] == ["04", "宮城県", "東北"]


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("/map?target=call&status=open", "/map"),
        ("/map?prefecture=04&municipality=041009&theme=snow", "/map?theme=snow"),
        ("/map?theme=snow&q=x", "/map?q=x&theme=snow"),
        ("/map?order=code", "/map"),
        ("/map?order=size&page=3&sort=newest", "/map"),
    ],
)
def test_a_map_has_one_address(app: Flask, services: Services, url: str, canonical: str) -> None:
    response = get(app, url)
    assert (response.status_code, response.headers["Location"]) == (301, canonical)
    assert get(app, canonical).status_code == 200


def test_what_a_map_cannot_answer_is_said(
    app: Flask, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("/map", "/map.csv"):
        response = get(app, f"{path}?q={'あ' * 201}")
        assert response.status_code == 400
        assert "200文字以内" in text_of(response)

    def away(*_args: object) -> None:
        raise IndexUnavailable("not built")

    monkeypatch.setattr(services.index, "search", away)
    for path in ("/map", "/map.csv"):
        response = get(app, path)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "60")


def test_the_map_is_found_from_where_one_looks_for_it(app: Flask, services: Services) -> None:
    for path in ("/", "/towns"):
        assert links(parsed(get(app, path)))["地図と表で見る"] == "/map"
