"""Registering, signing in and out, and choosing an organisation, through the pages."""

from datetime import timedelta

import pytest
from flask import Flask

from hub.domain import accounts
from hub.models import Membership, Organisation, User
from hub.services import Services
from tests.conftest import NOW, Clock
from tests.hub.web.browser import Browser, text_of
from tests.market import firm, organisation_of, person, publish_solution, town

FORM = {"name": "佐藤 一郎", "email": "ichiro@example.jp", "password": "みんなで雪かきをする町"}


def test_registering_signs_in_and_leads_to_the_organisation(app: Flask, services: Services) -> None:
    browser = Browser(app)
    done = browser.post("/register", FORM)
    assert (done.status_code, done.location) == (303, "/my/organisations/new")
    assert "個人事業主" in text_of(browser.get(done.location))
    company = {"kind": "company", "name": "佐藤製作所", "legal_form": "sole_proprietor"}
    made = browser.post("/my/organisations/new", company)
    with services.database.session() as session:
        organisation = session.query(Organisation).one()
    assert made.location == f"/my/organisations/{organisation.id}"
    assert "佐藤製作所" in text_of(browser.get(made.location))


def test_a_wrong_password_says_the_same_as_an_unknown_address(
    app: Flask, services: Services
) -> None:
    with services.database.unit_of_work() as session:
        accounts.register(session, **FORM, now=NOW)
    answers = []
    for form in ({**FORM, "password": "ちがうパスワード"}, {**FORM, "email": "no@example.jp"}):
        response = Browser(app).post("/sign-in", form)
        assert response.status_code == 422
        answers.append(text_of(response))
    assert answers[0] == answers[1]
    assert Browser(app).post("/sign-in", FORM).status_code == 303


def test_a_copied_cookie_is_worthless_after_signing_out(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        user = person(session)
    browser, thief = Browser(app, user), Browser(app)
    with browser.client.session_transaction() as mine, thief.client.session_transaction() as his:
        his.update(mine)
    assert thief.get("/my").status_code == 200
    browser.post("/sign-out")
    assert thief.get("/my").status_code == 303


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "/\t/evil.example", "/%09/evil.example", "\\\\evil.example", "/\\evil.example",
     "https:evil.example", "https://evil.example/my", "javascript:alert(1)", "/no-such-page",
     " //evil.example", "/my\r\nX: y", "//user@evil.example/my", "///evil.example"],
)  # fmt: skip
def test_signing_in_never_leads_away(app: Flask, services: Services, wanted: str) -> None:
    with services.database.unit_of_work() as session:
        accounts.register(session, **FORM, now=NOW)
    done = Browser(app).post("/sign-in", {**FORM, "next": wanted})
    assert (done.status_code, done.location) == (303, "/my")


def test_signing_in_leads_back_to_where_one_was(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        accounts.register(session, **FORM, now=NOW)
    sent = Browser(app).get("/my/organisations/new?kind=company")
    assert sent.location.startswith("/sign-in?next=")
    done = Browser(app).post("/sign-in", {**FORM, "next": "/my/organisations/new?kind=company"})
    assert done.location == "/my/organisations/new?kind=company"


def test_a_name_shared_by_two_towns_is_asked(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        user = person(session)
    browser = Browser(app, user)
    asked = browser.post("/my/organisations/new", {"kind": "municipality", "body_code": "府中市"})
    assert asked.status_code == 422
    assert "東京都府中市" in text_of(asked)
    assert "広島県府中市" in text_of(asked)


@pytest.mark.parametrize("typed", ["広島県府中市", "342084", "３４２０８", "広島県ふちゅうし"])
def test_a_town_is_found_by_name_reading_or_code(
    app: Flask, services: Services, typed: str
) -> None:
    with services.database.unit_of_work() as session:
        user = person(session)
    form = {"kind": "municipality", "body_code": typed}
    assert Browser(app, user).post("/my/organisations/new", form).status_code == 303
    with services.database.session() as session:
        assert session.query(Organisation).one().body_code == "342084"


def test_an_operator_confirms_and_the_town_publishes(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        operator = person(session)
        accounts.make_operator(session, operator, now=NOW)
        officer = person(session)
    browser = Browser(app, officer)
    browser.post("/my/organisations/new", {"kind": "municipality", "body_code": "日野市"})
    with services.database.session() as session:
        hall = session.query(Organisation).one()
    assert "確認を待っています" in text_of(browser.get(f"/my/organisations/{hall.id}"))
    desk = Browser(app, operator)
    assert "東京都日野市" in text_of(desk.get("/operator"))
    desk.post(f"/operator/organisations/{hall.id}/verify")
    assert (
        "東京都日野市"
        not in text_of(desk.get("/operator")).replace("確認ずみにしました", "|").split("|")[-1]
    )
    assert "確認を待っています" not in text_of(browser.get(f"/my/organisations/{hall.id}"))


def test_an_operator_confirms_a_firm_without_a_corporate_number(
    app: Flask, services: Services
) -> None:
    with services.database.unit_of_work() as session:
        operator = person(session)
        accounts.make_operator(session, operator, now=NOW)
        silent, offering = firm(session, "だまり屋"), firm(session, "ひとり工房")
        publish_solution(session, offering)
        sole = organisation_of(session, offering)
        assert silent
    desk = Browser(app, operator)
    page = text_of(desk.get("/operator"))
    assert "ひとり工房" in page
    assert "だまり屋" not in page
    assert desk.post(f"/operator/organisations/{sole.id}/verify").status_code == 303
    assert "確認を待っている企業はありません" in text_of(desk.get("/operator"))
    with services.database.session() as session:
        assert session.get_one(Organisation, sole.id).verified_at is not None


def test_asking_to_join_and_being_let_in(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        owner, asking = town(session), person(session)
        hall = session.query(Organisation).one().id
    newcomer, chief = Browser(app, asking), Browser(app, owner)
    newcomer.post(f"/organisations/{hall}/join")
    assert newcomer.get(f"/my/organisations/{hall}").status_code == 404
    with services.database.session() as session:
        request = session.query(Membership).filter_by(state="requested").one().id
    chief.post(f"/memberships/{request}/answer", {"answer": "accept", "role": "editor"})
    assert newcomer.get(f"/my/organisations/{hall}").status_code == 200
    with services.database.session() as session:
        assert session.query(User).count() == 2


def test_too_many_attempts_are_stopped_for_a_while(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.app import create_app

    services.settings.sign_in_limit = "3 per hour"
    browser = Browser(create_app(services=services))
    answers = [browser.post("/sign-in", FORM).status_code for _attempt in range(5)]
    assert answers == [422, 422, 422, 429, 429]
    assert "しばらく待ってから" in text_of(browser.post("/sign-in", FORM))


def test_someone_who_only_reads_stays_signed_in(
    app: Flask, services: Services, clock: Clock
) -> None:
    with services.database.unit_of_work() as session:
        user = person(session)
    browser = Browser(app, user)
    for _day in range(20):
        clock.moment += timedelta(days=1)
        assert browser.get("/my").status_code == 200
    clock.moment += timedelta(days=8)
    assert browser.get("/my").status_code == 303


@pytest.mark.parametrize(
    "path",
    ["/my/organisations/new?kind=municipality&body_code=%00", "/search?municipality=%00",
     "/search?q=%00&prefecture=%00", "/towns?name=%00", "/towns/%00", "/sign-in?next=%00"],
)  # fmt: skip
def test_control_characters_in_addresses_break_nothing(
    app: Flask, services: Services, path: str
) -> None:
    with services.database.unit_of_work() as session:
        user = person(session)
    for browser in (Browser(app, user), Browser(app)):
        assert browser.get(path).status_code in (200, 301, 303, 400, 404)


def test_control_characters_in_a_towns_name_break_nothing(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        user = person(session)
    form = {"kind": "municipality", "body_code": "\x00日\x00野\x07市"}
    assert Browser(app, user).post("/my/organisations/new", form).status_code == 303


@pytest.mark.parametrize("typed", ["石巻", "むさしの", "fuchu", "府中市"])
def test_half_a_name_never_claims_a_town(app: Flask, services: Services, typed: str) -> None:
    with services.database.unit_of_work() as session:
        user = person(session)
    form = {"kind": "municipality", "body_code": typed}
    answer = Browser(app, user).post("/my/organisations/new", form)
    assert answer.status_code == 422
    assert "どの自治体ですか" in text_of(answer)
