"""Desks on the web: describing one, and reading it where one looks for it."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from hub.models import Desk, User
from hub.services import Services
from tests.conftest import NOW, Clock
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, card_titles, heading, links, parsed, parts, words
from tests.market import DESK, ISHINOMAKI, organisation_of, publish_desk, town

FORM: dict[str, Any] = {
    k: v for k, v in asdict(DESK).items() if k not in ("paused", "paused_until")
}


@pytest.fixture
def officer(services: Services) -> User:
    with services.database.unit_of_work() as session:
        return town(session)


def hall(services: Services, officer: User) -> int:
    with services.database.session() as session:
        return organisation_of(session, session.merge(officer)).id


def test_an_officer_opens_a_desk_and_the_town_shows_it(
    app: Flask, services: Services, officer: User
) -> None:
    browser = Browser(app, officer)
    id_ = hall(services, officer)
    assert "窓口はまだありません" in text_of(browser.get(f"/my/organisations/{id_}/desks"))
    made = browser.post(f"/my/organisations/{id_}/desks/new", {**FORM, "reply_days": ""})
    page = browser.get(made.headers["Location"])
    assert heading(page) == DESK.name
    assert "「返事までの日数」を入力してください" in text_of(page)
    assert "公開する" not in [words(b) for b in parsed(page).iter("button")]
    assert "まちの共創デスク" not in text_of(Browser(app).get(f"/towns/{ISHINOMAKI}"))

    browser.post("/desks/1/edit", {**FORM, "version": "1"})
    (button,) = (f for f in parsed(browser.get("/desks/1")).iter("form")
                 if (f.get("action") or "").endswith("/publish"))  # fmt: skip
    sent = {i.get("name"): i.get("value") for i in button.iter("input")}
    browser.post("/desks/1/publish", {"version": sent["version"]})

    section = parts(parsed(Browser(app).get(f"/towns/{ISHINOMAKI}")))["desks"]
    assert links(section) == {DESK.name: "/desks/1"}
    assert "10営業日以内" in words(section)
    public = Browser(app).get("/desks/1")
    text = text_of(public)
    assert all(str(shown) in text for shown in
               (DESK.department, DESK.takes, DESK.rules, DESK.hours, DESK.phone, DESK.email))  # fmt: skip
    found = links(parsed(public))
    assert found[DESK.phone] == "tel:0225001234"
    assert found[DESK.email] == f"mailto:{DESK.email}"
    assert "下書きに戻す" not in text


def test_a_refused_form_keeps_what_was_typed(app: Flask, services: Services, officer: User) -> None:
    browser = Browser(app, officer)
    typed = {
        **FORM,
        "phone": "代表",
        "reply_days": "すぐ",
        "paused": "y",
        "paused_until": "13月40日",
    }
    response = browser.post(f"/my/organisations/{hall(services, officer)}/desks/new", typed)
    assert response.status_code == 422
    tree = parsed(response)
    values = {i.get("name"): i.get("value") for i in tree.iter("input")}
    assert (values["phone"], values["reply_days"], values["paused_until"]) == (
        "代表", "すぐ", "13月40日",
    )  # fmt: skip
    assert by_class(tree, "field-wrong")
    with services.database.session() as session:
        assert session.query(Desk).count() == 0


def test_two_officers_at_once_see_both_versions(
    app: Flask, services: Services, officer: User
) -> None:
    with services.database.unit_of_work() as session:
        desk = publish_desk(session, session.merge(officer))
        version, id_ = desk.version, desk.id
    browser = Browser(app, officer)
    first = browser.post(f"/desks/{id_}/edit", {**FORM, "name": "先の名前", "version": version})
    assert first.status_code == 303
    again = browser.post(f"/desks/{id_}/edit", {**FORM, "name": "先の名前", "version": version})
    assert again.status_code == 303  # the same form sent twice
    second = browser.post(f"/desks/{id_}/edit", {**FORM, "name": "後の名前", "version": version})
    assert second.status_code == 409
    assert "先の名前" in text_of(second)
    assert "後の名前" in text_of(second)


def test_how_many_proposals_it_takes_is_shown_and_can_be_left_open(
    app: Flask, services: Services, officer: User
) -> None:
    with services.database.unit_of_work() as session:
        desk = publish_desk(session, session.merge(officer))
        version, id_ = desk.version, desk.id
    browser = Browser(app, officer)
    said = "同時に受けられる提案の数"
    assert said not in text_of(Browser(app).get(f"/desks/{id_}"))
    browser.post(f"/desks/{id_}/edit", {**FORM, "capacity": "１２件", "version": version})
    assert f"{said} 12件" in text_of(Browser(app).get(f"/desks/{id_}"))
    form = {i.get("name"): i for i in parsed(browser.get(f"/desks/{id_}/edit")).iter("input")}
    assert form["capacity"].get("value") == "12"
    wrong = browser.post(
        f"/desks/{id_}/edit",
        {**FORM, "capacity": "千", "version": form["version"].get("value")},
    )
    assert wrong.status_code == 422
    assert "同時に受けられる数は1から999までの数で入力してください" in text_of(wrong)


def test_a_pause_is_said_and_ends_by_itself(
    app: Flask, services: Services, officer: User, clock: Clock
) -> None:
    with services.database.unit_of_work() as session:
        desk = publish_desk(session, session.merge(officer))
        version, id_ = desk.version, desk.id
    browser = Browser(app, officer)
    pause = {"paused": "y", "pause_reason": "予算の時期のため", "paused_until": "令和8年12月10日"}
    assert (
        browser.post(f"/desks/{id_}/edit", {**FORM, **pause, "version": version}).status_code == 303
    )
    for url in (f"/desks/{id_}", f"/towns/{ISHINOMAKI}"):
        text = text_of(Browser(app).get(url))
        assert "休止中" in text
        assert "予算の時期のため（2026年12月10日（木）まで）" in text
    form = {i.get("name"): i for i in parsed(browser.get(f"/desks/{id_}/edit")).iter("input")}
    shown = form["paused_until"].get("value")
    assert shown == "2026年12月10日（木・令和8年）"
    again = {**FORM, **pause, "paused_until": shown, "version": form["version"].get("value")}
    assert browser.post(f"/desks/{id_}/edit", again).status_code == 303
    assert form["paused"].get("checked") is not None
    clock.moment = NOW + timedelta(days=20)
    assert "休止中" not in text_of(Browser(app).get(f"/desks/{id_}"))


def test_hostile_words_are_only_words(app: Flask, services: Services, officer: User) -> None:
    bad = "<script>alert(1)</script>"
    with services.database.unit_of_work() as session:
        desk = publish_desk(
            session, session.merge(officer), name=bad, takes=bad, rules=bad, hours=bad
        )
        id_ = desk.id
    for url in (f"/desks/{id_}", f"/towns/{ISHINOMAKI}"):
        tree = parsed(Browser(app).get(url))
        assert all(script.get("src") for script in tree.iter("script"))
    assert bad in card_titles(Browser(app).get(f"/towns/{ISHINOMAKI}"))
