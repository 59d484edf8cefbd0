"""Writing calls and solutions through the pages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from hub.models import AuditEvent, Call, Solution, User
from hub.services import Services
from tests.hub.web.browser import Browser, text_of
from tests.market import firm, organisation_of, publish_call, publish_solution, town

CALL_FORM: dict[str, Any] = {
    "title": "雪かきを手伝える人の輪をひろげたい",
    "kind": "pilot",
    "problem": "高齢の一人暮らしの家で、屋根や玄関の雪かきが間に合いません。",
    "themes": ["snow", "elderly"],
    "fine_themes": [],
    "offers": ["field"],
    "budget_kind": "fixed",
    "contact_policy": "福祉課 fukushi@city.example.jp",
    "budget_max": "３００万円",
    "closes_on": "令和８年１２月２５日",
    "closes_time": "正午",
}
SOLUTION_FORM: dict[str, Any] = {
    "title": "雪かきの頼みごとを近所で分けあう電話",
    "solves": "雪かきを頼みたい人と手伝える人を電話だけでつなぎます。",
    "themes": ["snow"],
    "stage": "product",
    "areas": ["05", "06"],
}


@pytest.fixture
def officer(services: Services) -> User:
    with services.database.unit_of_work() as session:
        return town(session)


@pytest.fixture
def owner(services: Services) -> User:
    with services.database.unit_of_work() as session:
        return firm(session)


def organisation_id(services: Services, user: User) -> int:
    with services.database.session() as session:
        return organisation_of(session, session.merge(user)).id


def the_call(services: Services) -> Call:
    with services.database.session() as session:
        return session.query(Call).one()


def test_an_officer_drafts_previews_publishes_changes_and_closes(
    app: Flask, services: Services, officer: User
) -> None:
    browser = Browser(app, officer)
    saved = browser.post(
        f"/my/organisations/{organisation_id(services, officer)}/calls/new", CALL_FORM
    )
    call = the_call(services)
    assert (saved.status_code, saved.location) == (303, f"/calls/{call.id}/preview")
    assert call.closes_at == datetime(2026, 12, 25, 3, 0, tzinfo=UTC)
    assert (call.budget_max_yen, call.state) == (3_000_000, "draft")
    preview = text_of(browser.get(saved.location))
    assert "2026年12月25日（金） 12:00" in preview.replace("（令和8年）", "")
    assert "公開する" in preview

    published = browser.post(f"/calls/{call.id}/publish", {"version": call.version})
    assert (published.status_code, published.location) == (303, f"/calls/{call.id}/matches")
    assert CALL_FORM["title"] in text_of(Browser(app).get(f"/calls/{call.id}"))

    version = the_call(services).version
    changed = browser.post(
        f"/calls/{call.id}/edit", {**CALL_FORM, "title": "題名を直した", "version": version}
    )
    assert changed.status_code == 303
    assert "題名を直した" in text_of(Browser(app).get(f"/calls/{call.id}"))

    version = the_call(services).version
    closed = browser.post(f"/calls/{call.id}/close", {"version": version})
    assert closed.status_code == 303
    assert "受付終了" in text_of(Browser(app).get(f"/calls/{call.id}"))


def test_a_company_posts_a_solution(app: Flask, services: Services, owner: User) -> None:
    browser = Browser(app, owner)
    url = f"/my/organisations/{organisation_id(services, owner)}/solutions/new"
    saved = browser.post(url, SOLUTION_FORM)
    with services.database.session() as session:
        solution = session.query(Solution).one()
        assert (saved.status_code, sorted(solution.areas)) == (303, ["05", "06"])
    browser.post(f"/solutions/{solution.id}/publish", {"version": solution.version})
    page = text_of(Browser(app).get(f"/solutions/{solution.id}"))
    assert SOLUTION_FORM["solves"] in page


def test_the_edit_form_shows_what_is_stored_and_saving_it_changes_nothing(
    app: Flask, services: Services, officer: User
) -> None:
    browser = Browser(app, officer)
    browser.post(f"/my/organisations/{organisation_id(services, officer)}/calls/new", CALL_FORM)
    before = the_call(services)
    page = browser.get(f"/calls/{before.id}/edit").get_data(as_text=True)
    for value in ("2026年12月25日", "12:00", "3,000,000", CALL_FORM["problem"]):
        assert value in page
    again = {
        **CALL_FORM,
        "closes_on": "2026年12月25日",
        "closes_time": "12:00",
        "budget_max": "3,000,000",
        "version": before.version,
    }
    browser.post(f"/calls/{before.id}/edit", again)
    assert the_call(services).version == before.version


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"closes_on": "2月30日"}, "closes_on", "2月"),
        ({"closes_on": "らいしゅう"}, "closes_on", "らいしゅう"),
        ({"closes_time": "25:99"}, "closes_time", "25:99"),
        ({"budget_max": "たくさん"}, "budget_max", "たくさん"),
        ({"title": "あ" * 101}, "title", "100文字以内にしてください（いま101文字です）"),
        ({"themes": ["snow", "elderly", "welfare", "safety"]}, "themes", "3つまで"),
    ],
)
def test_bad_input_is_told_at_its_field_and_nothing_typed_is_lost(
    app: Flask, services: Services, officer: User, change: dict[str, Any], field: str, sentence: str
) -> None:
    browser = Browser(app, officer)
    response = browser.post(
        f"/my/organisations/{organisation_id(services, officer)}/calls/new", {**CALL_FORM, **change}
    )
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert "<title>エラー: " in page
    assert sentence in text_of(response)
    assert f'href="#{field}"' in page
    assert CALL_FORM["problem"] in page
    with services.database.session() as session:
        assert session.query(Call).count() == 0


def test_a_stale_form_keeps_everything_and_the_next_press_saves(
    app: Flask, services: Services, officer: User
) -> None:
    browser = Browser(app, officer)
    url = f"/my/organisations/{organisation_id(services, officer)}/calls/new"
    stale = browser.post_stale(url, CALL_FORM)
    assert stale.status_code == 422
    assert "もう一度ボタンを押してください" in text_of(stale)
    assert CALL_FORM["problem"] in stale.get_data(as_text=True)
    assert browser.post(url, CALL_FORM).status_code == 303


def test_two_officers_at_once(app: Flask, services: Services, officer: User) -> None:
    with services.database.unit_of_work() as session:
        call = publish_call(session, session.merge(officer))
    browser = Browser(app, officer)
    form = {**CALL_FORM, "version": call.version}
    assert (
        browser.post(f"/calls/{call.id}/edit", {**form, "title": "先の人の題名"}).status_code == 303
    )
    second = browser.post(f"/calls/{call.id}/edit", {**form, "title": "あとの人の題名"})
    page = text_of(second)
    assert second.status_code == 409
    assert "ほかの人が先に変更しました" in page
    assert "先の人の題名" in page
    assert 'value="あとの人の題名"' in second.get_data(as_text=True)
    assert the_call(services).title == "先の人の題名"
    version = the_call(services).version
    third = {**form, "title": "あとの人の題名", "version": version}
    assert browser.post(f"/calls/{call.id}/edit", third).status_code == 303
    assert the_call(services).title == "あとの人の題名"


def test_publishing_an_outdated_page_is_refused(
    app: Flask, services: Services, officer: User
) -> None:
    browser = Browser(app, officer)
    browser.post(f"/my/organisations/{organisation_id(services, officer)}/calls/new", CALL_FORM)
    call = the_call(services)
    browser.post(
        f"/calls/{call.id}/edit", {**CALL_FORM, "title": "変えた", "version": call.version}
    )
    answer = browser.post(f"/calls/{call.id}/publish", {"version": call.version})
    assert answer.location == f"/calls/{call.id}/preview"
    assert "ほかの人が先に変更しました" in text_of(browser.get(answer.location))
    assert the_call(services).state == "draft"


def test_pressing_twice_is_no_mistake(app: Flask, services: Services, officer: User) -> None:
    browser = Browser(app, officer)
    browser.post(f"/my/organisations/{organisation_id(services, officer)}/calls/new", CALL_FORM)
    call = the_call(services)
    first, second = (
        browser.post(f"/calls/{call.id}/publish", {"version": call.version}) for _press in range(2)
    )
    assert first.location == second.location == f"/calls/{call.id}/matches"
    assert "ほかの人" not in text_of(browser.get(second.location))
    with services.database.session() as session:
        assert session.query(AuditEvent).filter_by(action="call.publish").count() == 1


def test_a_conflict_lists_only_what_differs(app: Flask, services: Services, officer: User) -> None:
    browser = Browser(app, officer)
    form = {**CALL_FORM, "problem": "一行目\r\n二行目"}
    browser.post(f"/my/organisations/{organisation_id(services, officer)}/calls/new", form)
    call = the_call(services)
    url = f"/calls/{call.id}/edit"
    browser.post(url, {**form, "themes": ["snow"], "version": call.version})
    page = text_of(browser.post(url, {**form, "version": call.version}))
    clash = page[page.index("ほかの人が先に変更しました") : page.index("まずここから")]
    assert "分野" in clash
    assert "除雪・寒冷地、高齢者・介護" in clash
    assert "一行目" not in clash


def test_fields_nobody_offered_are_ignored(app: Flask, services: Services, officer: User) -> None:
    browser = Browser(app, officer)
    extra = {"state": "published", "organisation_id": "1", "verified_at": "2026-01-01",
             "is_operator": "1", "published_at": "2026-01-01"}  # fmt: skip
    browser.post(
        f"/my/organisations/{organisation_id(services, officer)}/calls/new", {**CALL_FORM, **extra}
    )
    call = the_call(services)
    assert (call.state, call.published_at) == ("draft", None)


WILD = {
    "half-width kana": ("ﾃﾞｼﾞﾀﾙ支援", "デジタル支援"),
    "emoji": ("見守り👵🏻を👨‍👩‍👧で", "見守り👵🏻を👨‍👩‍👧で"),
    "control characters": ("雪\x00か\x07き\u202e", "雪かき"),
    "html": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
}


@pytest.mark.parametrize("name", WILD)
def test_wild_text_is_kept_and_shown_harmlessly(
    app: Flask, services: Services, owner: User, name: str
) -> None:
    typed, kept = WILD[name]
    with services.database.unit_of_work() as session:
        solution = publish_solution(session, session.merge(owner))
    browser = Browser(app, owner)
    form = {**SOLUTION_FORM, "title": typed, "solves": typed * 3, "version": solution.version}
    assert browser.post(f"/solutions/{solution.id}/edit", form).status_code == 303
    response = Browser(app).get(f"/solutions/{solution.id}")
    assert "<script>alert" not in response.get_data(as_text=True)
    assert kept in text_of(response)
