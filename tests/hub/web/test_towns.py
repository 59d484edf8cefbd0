"""A page for every municipality and prefecture."""

from datetime import timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import event, select

from hub.domain import calls, organisations
from hub.domain.organisations import Profile
from hub.domain.town_search import towns_named
from hub.models import Call, Municipality, Partner, Prefecture
from hub.services import Services
from hub.web.town import find
from search.analysis import fold
from tests.conftest import NOW, Clock
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, card_titles, heading, links, parsed, parts, queries, words
from tests.market import CALL, organisation_of, person, publish_call, town


def codes(services: Services) -> list[str]:
    with services.database.session() as session:
        return [
            *session.scalars(select(Municipality.code)),
            *session.scalars(select(Prefecture.body_code)),
        ]


def test_every_code_names_a_place(app: Flask, services: Services) -> None:
    every = codes(services)
    assert len(every) == len(set(every)) == 1741 + 47
    with app.test_request_context("/"):
        assert all(find(code) for code in every)


def test_sixty_pages_open(app: Flask, services: Services) -> None:
    browser = Browser(app)
    for code in Random(60).sample(sorted(codes(services)), 60):
        response = browser.get(f"/towns/{code}")
        assert response.status_code == 200
        (title,) = parsed(response).iter("h1")
        assert list(title.iter("rt"))
        assert "この自治体はまだ参加していません" in text_of(response)
        assert f"body_code={code}" in response.get_data(as_text=True)


@pytest.mark.parametrize("code", ["000000", "042022", "9", "0420211", "abc", "99", "００"])
def test_a_code_of_nobody_is_not_found(app: Flask, services: Services, code: str) -> None:
    assert Browser(app).get(f"/towns/{code}").status_code == 404


@pytest.mark.parametrize("number", ["01", "13", "47"])
def test_two_digits_lead_to_the_prefecture(app: Flask, services: Services, number: str) -> None:
    response = Browser(app).get(f"/towns/{number}", follow_redirects=True)
    assert response.status_code == 200
    assert (
        response.request.path
        == f"/towns/{dict(zip(['01', '13', '47'], ['010006', '130001', '470007'], strict=True))[number]}"
    )


def test_the_name_is_read_aloud_once(app: Flask, services: Services) -> None:
    (title,) = parsed(Browser(app).get("/towns/042021")).iter("h1")
    (ruby,) = title.iter("ruby")
    assert ruby.text == "石巻市"
    assert [words(rt) for rt in ruby.iter("rt")] == ["いしのまきし"]


def test_calls_stand_under_their_status(app: Flask, services: Services, clock: Clock) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        publish_call(session, officer, title="開いている")
        publish_call(session, officer, title="先に始まる", opens_at=NOW + timedelta(days=20))
        publish_call(session, officer, title="過ぎた", closes_at=NOW + timedelta(days=1))
        hand = publish_call(session, officer, title="手で閉じた")
        calls.close(session, hand, actor=officer, now=NOW, expected_version=hand.version)
        calls.create(session, organisation_of(session, officer), CALL, actor=officer, now=NOW)
    clock.moment = NOW + timedelta(days=3)
    response = Browser(app).get("/towns/042021")
    tree = parsed(response)
    sections = parts(tree)
    assert [words(t) for t in by_class(sections["open"], "card-title")] == ["開いている"]
    assert [words(t) for t in by_class(sections["upcoming"], "card-title")] == ["先に始まる"]
    assert list(links(sections["past"]))[:2] == ["過ぎた", "手で閉じた"]
    assert CALL.title not in text_of(response)
    assert "この自治体の担当者が参加しています" in text_of(response)


def test_many_past_calls_do_not_push_out_the_open_one(
    app: Flask, services: Services, clock: Clock
) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer, title="過ぎた", closes_at=NOW + timedelta(days=1))
        shared = {
            "organisation_id": call.organisation_id,
            "state": "published",
            "created_at": NOW,
            "updated_at": NOW,
            "published_at": NOW,
        }
        session.add_all(
            Call(title=f"昔{day}", closes_at=NOW - timedelta(days=day), **shared)
            for day in range(1, 251)
        )
        publish_call(session, officer, title="まだ開いている")
    clock.moment = NOW + timedelta(days=2)
    sections = parts(parsed(Browser(app).get("/towns/042021")))
    assert [words(t) for t in by_class(sections["open"], "card-title")] == ["まだ開いている"]
    past = list(links(sections["past"]))
    assert past[:10] == ["過ぎた", *(f"昔{day}" for day in range(1, 10))]


def test_without_open_calls_the_neighbours_are_shown(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        publish_call(session, town(session))
        publish_call(session, town(session, "011002"), title="遠くの募集")
    assert card_titles(Browser(app).get("/towns/041009")) == [CALL.title]
    assert card_titles(Browser(app).get("/towns/131016")) == []


def test_a_prefecture_shows_its_municipalities(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        publish_call(session, town(session))
        publish_call(session, town(session, "040002"), title="県の募集")
        publish_call(session, town(session, "060003"), title="県外から", municipality_code="042021")
    response = Browser(app).get("/towns/040002")
    assert card_titles(response) == ["県の募集", CALL.title, "県外から"]
    (places,) = by_class(parsed(response), "places")
    assert len(links(places)) == 35
    assert "石巻市 いしのまきし 2件" in words(places)
    assert card_titles(Browser(app).get("/towns/042021")) == [CALL.title, "県外から"]


def test_who_takes_part_is_said(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer = person(session)
        organisations.claim(session, "042021", actor=officer, now=NOW)
        bridge = organisations.create(
            session, "intermediary", Profile(name="橋わたしの会"), actor=person(session), now=NOW
        )
        session.add(Partner(intermediary_id=bridge.id, body_code="042021"))
        stranger = person(session)
    waiting = Browser(app).get("/towns/042021")
    assert "参加の手続き中です" in text_of(waiting)
    assert links(parsed(waiting))["橋わたしの会"] == f"/organisations/{bridge.id}"
    assert by_class(parsed(waiting), "lone-button") == []
    asking = by_class(parsed(Browser(app, stranger).get("/towns/042021")), "lone-button")
    assert [words(form) for form in asking] == ["参加を申請"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("石巻", ["宮城県石巻市"]),
        ("いしのまき", ["宮城県石巻市"]),
        ("イシノマキ", ["宮城県石巻市"]),
        ("ishinomaki", ["宮城県石巻市"]),
        ("東京都府中市", ["東京都府中市"]),
        ("府中市", ["東京都府中市", "広島県府中市"]),
        ("茅ケ崎", ["神奈川県茅ヶ崎市"]),
        ("みやぎ", ["宮城県"]),
        ("ﾔﾏﾅｼｹﾝ", ["山梨県"]),
        ("存在しない町", []),
        ("100%_", []),
    ],
)
def test_a_place_is_found_by_name_or_reading(
    app: Flask, services: Services, name: str, found: list[str]
) -> None:
    response = Browser(app).get("/towns", query_string={"name": name})
    assert response.status_code == 200
    assert (
        heading(response)
        == f"「{name.replace('ﾔﾏﾅｼｹﾝ', 'ヤマナシケン')}」に合う自治体 {len(found)}件"
    )
    shown = by_class(parsed(response), "places")
    assert [name for part in shown for name in links(part)][: len(found)] == found


def test_every_town_is_found_however_its_name_is_spelt(services: Services) -> None:
    with services.database.session() as session:
        towns = session.scalars(select(Municipality)).all()
        odd = [row for row in towns if fold(row.name) != row.name]
        assert len(odd) > 10
        for row in (*odd, *Random(5).sample(towns, 20)):
            for text in (row.name, fold(row.name), row.full_name, row.kana, row.romaji.upper()):
                assert row in session.scalars(towns_named(text)).all(), text


def test_a_name_reads_only_the_towns_that_have_it(app: Flask, services: Services) -> None:
    loaded: list[Municipality] = []

    def note(row: Municipality, _context: object) -> None:
        loaded.append(row)

    event.listen(Municipality, "load", note)
    try:
        Browser(app).get("/towns?name=石巻")
    finally:
        event.remove(Municipality, "load", note)
    assert [row.name for row in loaded] == ["石巻市"]


def test_the_list_names_every_prefecture_with_its_open_calls(
    app: Flask, services: Services
) -> None:
    with services.database.unit_of_work() as session:
        publish_call(session, town(session))
        publish_call(session, town(session, "040002"), title="県の募集")
    tree = parsed(Browser(app).get("/towns"))
    every = {k: v for part in by_class(tree, "places") for k, v in links(part).items()}
    assert len(every) == 47
    assert every["宮城県"] == "/towns/040002"
    assert any("宮城県 みやぎけん 2件" in words(part) for part in by_class(tree, "places"))


def test_more_calls_need_no_more_queries(app: Flask, services: Services) -> None:
    asked = []
    with services.database.unit_of_work() as session:
        officer = town(session)
    for batch in (1, 2):
        with services.database.unit_of_work() as session:
            officer = session.merge(officer)
            for _ in range(batch):
                publish_call(session, officer)
        with queries(services.database) as counted:
            Browser(app).get("/towns/042021")
        asked.append(len(counted.statements))
    assert asked[0] == asked[1]
