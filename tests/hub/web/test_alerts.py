"""Alerts by mail, from the form on the search page to the end, as a reader meets them."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from hub.domain import alerts, mails
from hub.domain.accounts import make_operator
from hub.domain.alert_text import Links
from hub.index import rebuild
from hub.mail import open_transport
from hub.models import Alert, AlertSeen, AuditEvent, Mail, User
from hub.services import Services
from tests.conftest import NOW, Clock
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, heading, links, parsed
from tests.mailbox import Received, received
from tests.market import firm, person, publish_call, publish_solution, town
from workers.jobs import alerts as job

FORM = "/alerts/new?q=子育て&target=call&prefecture=04"
OURS = {"Sec-Fetch-Site": "same-origin"}
MORNING = NOW.replace(hour=23, minute=30)  # half past eight of the next day in Japan
HANAKO = "hanako@example.jp"


def ask(app: Flask, email: str = HANAKO, url: str = FORM, **kwargs: object) -> TestResponse:
    """Send the form of the search page, as a browser does that has no cookie."""
    return app.test_client().post(url, data={"email": email}, headers=OURS, **kwargs)


def work(services: Services) -> None:
    """What the worker does."""
    made = Links(services.settings.origin, services.settings.secret)
    assert job.compose(services.database, services.index, made, clock=services.clock)
    transport = open_transport(services.settings)
    assert job.send(services.database, transport, made.host, clock=services.clock)


def state(services: Services, email: str = HANAKO) -> list[str]:
    with services.database.session() as session:
        return list(
            session.scalars(select(Alert.state).where(Alert.email_key == email).order_by(Alert.id))
        )


def begun(app: Flask, services: Services, tmp_path: Path, url: str = FORM) -> Received:
    """An alert that has been asked for and confirmed; returns the confirming mail."""
    assert ask(app, url=url).status_code == 303
    work(services)
    mail = received(tmp_path)[-1]
    assert app.test_client().post(mail.path("/alerts/confirm")).status_code == 303
    return mail


def published(services: Services, clock: Clock, **changes: object) -> int:
    """A call of Ishinomaki that appears now and is in the index."""
    with services.database.unit_of_work() as session:
        officer = session.scalar(select(User).join(User.memberships)) or town(session)
        call = publish_call(session, officer, now=clock.moment, **changes)
    rebuild(services.database, services.index)
    return call.id


# --- The whole way ------------------------------------------------------------------------------


def test_from_the_search_page_to_the_end(
    app: Flask, services: Services, clock: Clock, tmp_path: Path
) -> None:
    visitor = Browser(app)
    page = visitor.get("/search?q=子育て&target=call&sort=newest&prefecture=04")
    (form,) = (f for f in parsed(page).iter("form") if "alert-form" in (f.get("class") or ""))
    assert "Set-Cookie" not in page.headers

    answer = ask(app, url=form.get("action") or "")
    assert (answer.status_code, answer.location) == (303, "/alerts/sent")
    assert "Set-Cookie" not in answer.headers
    assert heading(visitor.get(answer.location)) == "確認のメールを送りました"
    work(services)
    (asking,) = received(tmp_path)
    assert asking.message["To"] == HANAKO
    assert state(services) == ["pending"]

    link = asking.path("/alerts/confirm")
    assert heading(visitor.get(link)) == "お知らせを始めますか"
    assert state(services) == ["pending"], "opening the link changes nothing"
    done = visitor.client.post(link)
    assert (done.status_code, done.location) == (303, link)
    assert heading(visitor.get(link)) == "お知らせを始めました"
    assert state(services) == ["active"]

    clock.moment += timedelta(hours=1)
    id_ = published(services, clock)
    work(services)
    assert len(received(tmp_path)) == 1, "nothing before the morning"
    clock.moment = MORNING
    work(services)
    work(services)
    _, news = received(tmp_path)
    assert news.subject == "【Local Hub】「子育て・宮城県」の募集に新着1件"
    assert "宮城県石巻市" in news.body
    assert "放課後の居場所を一緒につくる事業者を募集" in news.body
    assert "締切: 2026年12月31日（木）12:00（令和8年）" in news.body
    assert news.path("/calls") == f"/calls/{id_}"

    link = news.path("/alerts/end")
    assert heading(visitor.get(link)) == "お知らせを止めますか"
    assert state(services) == ["active"]
    assert heading(visitor.client.post(link)) == "お知らせを止めました"
    assert state(services) == ["ended"]
    assert heading(visitor.get(link)) == "お知らせを止めました"
    clock.moment += timedelta(days=1)
    published(services, clock)
    work(services)
    assert len(received(tmp_path)) == 2


def test_where_nothing_is_found_an_alert_is_offered(app: Flask) -> None:
    page = Browser(app).get("/search?q=ぬるぬるのぬ&target=solution")
    assert "この条件で新着を知らせる" in text_of(page)
    assert by_class(parsed(page), "alert-form")


# --- Who learns what ----------------------------------------------------------------------------


def test_no_answer_tells_whether_an_address_has_an_alert(
    app: Flask, services: Services, tmp_path: Path, clock: Clock
) -> None:
    def shape(answer: TestResponse) -> tuple[int, str | None, bytes, list[str]]:
        return answer.status_code, answer.location, answer.data, sorted(answer.headers.keys())

    fresh = shape(ask(app, "new@example.jp"))
    begun(app, services, tmp_path)
    pending = shape(ask(app, "new@example.jp"))
    running = shape(ask(app))
    post = app.test_client().post
    with services.database.unit_of_work() as session:
        alert = session.scalars(select(Alert).where(Alert.email_key == HANAKO)).one()
        alerts.end(session, alert, now=clock.moment)
    ended = shape(ask(app))
    assert fresh == pending == running == ended
    assert post("/alerts/new", data={"email": HANAKO}).status_code == 422  # sent from nowhere


def test_only_the_mail_says_that_an_alert_runs_already(
    app: Flask, services: Services, tmp_path: Path
) -> None:
    begun(app, services, tmp_path)
    ask(app)
    work(services)
    mail = received(tmp_path)[-1]
    assert mail.subject == "【Local Hub】このお知らせはもう始まっています"
    assert "/alerts/confirm/" not in mail.body
    assert state(services) == ["active"]
    assert app.test_client().post(mail.path("/alerts/end")).status_code == 200
    assert state(services) == ["ended"]


def test_asking_twice_is_one_alert_and_one_mail(
    app: Flask, services: Services, tmp_path: Path, clock: Clock
) -> None:
    same = ["/alerts/new?target=call&q=子育て&theme=snow&theme=childcare",
            "/alerts/new?q=子育て&theme=childcare&theme=snow&sort=newest&page=2&status=closed",
            "/alerts/new?q= 子育て　&theme=snow&theme=childcare&colour=red"]  # fmt: skip
    for url in same:
        assert ask(app, "hanako@example.jp", url).status_code == 303
        assert ask(app, "Ｈanako@EXAMPLE.jp ", url).status_code == 303
    work(services)
    (mail,) = received(tmp_path)
    clock.moment += timedelta(minutes=10)
    ask(app, url=same[0])
    work(services)
    _, again = received(tmp_path)
    assert again.path("/alerts/confirm") == mail.path("/alerts/confirm"), "both mails work"
    ask(app, url="/alerts/new?q=雪")
    assert state(services) == ["pending", "pending"]


def test_an_ended_alert_begins_afresh(app: Flask, services: Services, tmp_path: Path) -> None:
    old = begun(app, services, tmp_path)
    with services.database.unit_of_work() as session:
        alerts.end(session, session.scalars(select(Alert)).one(), now=NOW)
    new = begun(app, services, tmp_path)
    assert state(services) == ["active"]
    assert new.path("/alerts/confirm") != old.path("/alerts/confirm")
    assert app.test_client().post(old.path("/alerts/confirm")).status_code == 404


def test_numbers_cannot_be_guessed_for_long(app: Flask) -> None:
    client = app.test_client()
    answers = [client.get(f"/r/ACD-EF{letter}").status_code for letter in "34679ACDEFGHJKMNPQ" * 2]
    assert answers[0] == 404
    assert answers[-1] == 429
    assert client.get("/search").status_code == 200


def test_a_mailbox_is_not_flooded_and_neither_is_anyone_from_one_place(
    app: Flask, services: Services
) -> None:
    from_many = [
        app.test_client().post(
            f"/alerts/new?q=雪{n}", data={"email": HANAKO}, headers=OURS,
            environ_base={"REMOTE_ADDR": f"192.0.2.{n}"},
        ).status_code
        for n in range(12)
    ]  # fmt: skip
    assert from_many == [303] * 10 + [429] * 2
    from_one = [ask(app, f"p{n}@example.jp").status_code for n in range(22)]
    assert from_one == [303] * 20 + [429] * 2


# --- Links --------------------------------------------------------------------------------------


def test_a_forged_host_is_in_no_mail(app: Flask, services: Services, tmp_path: Path) -> None:
    forged = {
        **OURS, "Host": "evil.example", "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example",
    }  # fmt: skip
    answer = app.test_client().post(FORM, data={"email": HANAKO}, headers=forged)
    assert answer.status_code == 303
    work(services)
    (mail,) = received(tmp_path)
    assert "evil" not in mail.message.as_string() + mail.body + mail.subject
    assert "http://127.0.0.1:8000/alerts/confirm/" in mail.body


def test_links_lead_to_the_public_address(app: Flask, services: Services, tmp_path: Path) -> None:
    services.settings.public_url = "https://hub.example.jp"
    ask(app, url=FORM + "&lang=en")
    work(services)
    (mail,) = received(tmp_path)
    assert re.findall(r"https?://[^/]+", mail.body) == ["https://hub.example.jp"] * 2
    assert mail.message["Message-ID"].endswith("@hub.example.jp>")
    assert mail.path("/alerts/confirm").endswith("?lang=en")
    page = app.test_client().get(mail.path("/alerts/confirm"))
    assert 'lang="en"' in page.get_data(as_text=True)


def test_a_link_that_is_seven_days_old_is_over(
    app: Flask, services: Services, clock: Clock, tmp_path: Path
) -> None:
    ask(app)
    work(services)
    link = received(tmp_path)[0].path("/alerts/confirm")
    client = app.test_client()
    clock.moment = NOW + timedelta(days=7)
    assert client.get(link).status_code == 200
    clock.moment += timedelta(seconds=1)
    assert client.get(link).status_code == client.post(link).status_code == 404
    assert state(services) == ["pending"]
    with services.database.unit_of_work() as session:
        alerts.forget(session, now=clock.moment)
        assert session.scalars(select(Alert)).all() == []
        assert session.scalars(select(Mail)).all() == []


def test_a_link_of_one_kind_does_nothing_of_the_other(
    app: Flask, services: Services, tmp_path: Path
) -> None:
    mail = begun(app, services, tmp_path)
    token = mail.path("/alerts/confirm").rpartition("/")[2]
    client = app.test_client()
    for odd in (token, "", "x" * 22, token[:-1], token.lower(), "%00", "あ" * 22):
        assert client.post(f"/alerts/end/{odd}").status_code == 404
    assert state(services) == ["active"]


def test_a_mail_program_ends_it_without_asking(
    app: Flask, services: Services, clock: Clock, tmp_path: Path
) -> None:
    """RFC 8058: a post from elsewhere, no cookie, no token, no redirect."""
    begun(app, services, tmp_path)
    clock.moment += timedelta(hours=1)
    published(services, clock)
    clock.moment = MORNING
    work(services)
    news = received(tmp_path)[-1].message
    assert news["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = news["List-Unsubscribe"].strip("<>")
    answer = app.test_client().post(
        url,
        data="List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"},
    )
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert state(services) == ["ended"]


def test_looking_changes_nothing(app: Flask, services: Services, tmp_path: Path) -> None:
    mail = begun(app, services, tmp_path)
    with services.database.session() as session:
        alert = session.scalars(select(Alert)).one()
        end = Links(services.settings.origin, services.settings.secret).token("end", alert.nonce)

    def everything() -> list[object]:
        with services.database.session() as session:
            return [
                session.execute(select(table)).all()
                for table in (Alert.__table__, Mail.__table__, AuditEvent.__table__)
            ]

    before = everything()
    client = app.test_client()
    for path in (
        mail.path("/alerts/confirm"), f"/alerts/end/{end}", f"/r/{alert.reference}", "/r", FORM,
        f"/r?number={alert.reference}", "/alerts/sent",
    ):  # fmt: skip
        assert client.get(path).status_code in (200, 303)
        assert client.head(path).status_code in (200, 303)
    assert everything() == before


# --- Reference numbers --------------------------------------------------------------------------


def test_by_number_and_address_it_begins_and_ends(
    app: Flask, services: Services, tmp_path: Path
) -> None:
    """For readers whose gateway takes the links out of their mails."""
    ask(app)
    work(services)
    number = re.search(r"参照番号: (\S+)", received(tmp_path)[0].body)
    assert number
    client = app.test_client()
    found = client.get(f"/r?number=　{number[1].lower().replace('-', ' ')}")
    assert found.status_code == 303
    page = client.get(found.location)
    assert HANAKO not in page.get_data(as_text=True)
    assert heading(page) == f"お知らせ {number[1]}"
    assert "no-store" in page.headers["Cache-Control"]

    wrong = client.post(found.location, data={"email": "taro@example.jp"}, headers=OURS)
    assert wrong.status_code == 422
    assert "参照番号とアドレスが合いません" in text_of(wrong)
    assert 'value="taro@example.jp"' in wrong.get_data(as_text=True)
    assert state(services) == ["pending"]
    for after in ("active", "ended"):
        right = client.post(found.location, data={"email": " Hanako@example.jp"}, headers=OURS)
        assert right.status_code == 303
        assert state(services) == [after]
    assert "email" not in client.get(found.location).get_data(as_text=True)


def test_the_search_of_a_number_is_one_click_away(
    app: Flask, services: Services, tmp_path: Path
) -> None:
    mail = begun(
        app, services, tmp_path, "/alerts/new?q=雪 道&target=call&theme=snow&status=closed"
    )
    page = app.test_client().get(mail.path("/r/"))
    url = next(href for href in links(parsed(page)).values() if "theme" in href)
    query = parse_qs(urlsplit(url).query)
    assert query == {"q": ["雪 道"], "target": ["call"], "status": ["open"], "theme": ["snow"]}


def test_an_unknown_number_keeps_what_was_typed(app: Flask) -> None:
    page = app.test_client().get("/r?number=A7K-3M0")
    assert page.status_code == 422
    assert 'value="A7K-3M0"' in page.get_data(as_text=True)


# --- Forms --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["", "hanako", "hanako@", "a@b@example.jp", "hanako@example.jp\r\nBcc: x@example.jp@"]
)
def test_what_is_no_address_is_refused_and_kept(app: Flask, services: Services, typed: str) -> None:
    page = ask(app, typed)
    assert page.status_code == 422
    parsed(page)
    assert "エラー: " in page.get_data(as_text=True)
    assert "子育て・宮城県" in text_of(page)
    assert state(services, typed) == []
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_form_of_another_site_does_nothing(
    app: Flask, services: Services, headers: dict[str, str]
) -> None:
    client = app.test_client()
    page = client.post(FORM, data={"email": HANAKO}, headers=headers)
    assert page.status_code == 422
    assert state(services) == []
    assert f'value="{HANAKO}"' in page.get_data(as_text=True)
    (field,) = (f for f in parsed(page).iter("input") if f.get("name") == "csrf_token")
    again = {"email": HANAKO, "csrf_token": field.get("value")}
    assert client.post(FORM, data=again).status_code == 303, "pressing again works"
    assert state(services) == ["pending"]


def test_an_old_browser_names_its_origin_only(app: Flask, services: Services) -> None:
    answer = app.test_client().post(
        FORM, data={"email": HANAKO}, headers={"Origin": "http://localhost"}
    )
    assert answer.status_code == 303


def test_a_search_that_cannot_be_read_makes_no_alert(app: Flask, services: Services) -> None:
    assert ask(app, url=f"/alerts/new?q={'あ' * 201}").status_code == 400
    assert state(services) == []


# --- What is kept -------------------------------------------------------------------------------


def test_an_address_is_erased_thirty_days_after_the_end(
    app: Flask, services: Services, clock: Clock, tmp_path: Path
) -> None:
    begun(app, services, tmp_path)
    with services.database.unit_of_work() as session:
        alerts.end(session, session.scalars(select(Alert)).one(), now=NOW)
    for days, kept in ((30, 1), (31, 0)):
        with services.database.unit_of_work() as session:
            alerts.forget(session, now=NOW + timedelta(days=days))
            assert session.scalar(select(func.count(Alert.id))) == kept
    with services.database.session() as session:
        trail = session.scalars(select(AuditEvent).where(AuditEvent.subject == "alert")).all()
        assert [e.action for e in trail] == ["alert.subscribe", "alert.confirm", "alert.end"]
        assert HANAKO not in str([(e.before, e.after) for e in trail])


def test_a_running_alert_is_kept_and_what_it_told_while_it_is_open(
    app: Flask, services: Services, clock: Clock, tmp_path: Path
) -> None:
    begun(app, services, tmp_path)
    clock.moment += timedelta(hours=1)
    published(services, clock, closes_at=NOW + timedelta(days=500))
    clock.moment = MORNING
    work(services)
    with services.database.unit_of_work() as session:
        alerts.forget(session, now=NOW + timedelta(days=400))
        assert session.scalar(select(func.count()).select_from(AlertSeen)) == 1
        assert session.scalar(select(func.count()).select_from(Mail)) == 0
        session.execute(text("UPDATE call SET state = 'closed'"))
        alerts.forget(session, now=NOW + timedelta(days=400))
        assert session.scalar(select(func.count()).select_from(AlertSeen)) == 0
    assert state(services) == ["active"]


def test_solutions_are_told_too(
    app: Flask, services: Services, clock: Clock, tmp_path: Path
) -> None:
    begun(app, services, tmp_path, "/alerts/new?target=solution")
    clock.moment += timedelta(hours=1)
    with services.database.unit_of_work() as session:
        solution = publish_solution(session, firm(session), now=clock.moment)
    rebuild(services.database, services.index)
    clock.moment = MORNING
    work(services)
    news = received(tmp_path)[-1]
    assert news.subject == "【Local Hub】「すべて」のソリューションに新着1件"
    assert news.path("/solutions/") == f"/solutions/{solution.id}"


def test_the_operator_sees_what_did_not_arrive(
    app: Flask, services: Services, clock: Clock, tmp_path: Path
) -> None:
    with services.database.unit_of_work() as session:
        operator = person(session)
        make_operator(session, operator, now=NOW)
    boss = Browser(app, operator)
    assert "届いていないメール" not in text_of(boss.get("/operator"))
    ask(app)
    clock.moment += timedelta(hours=1, seconds=1)
    page = text_of(boss.get("/operator"))
    assert "1時間より長く待っているメールが1件あります" in page
    with services.database.unit_of_work() as session:
        mail = session.scalars(select(Mail)).one()
        mails.fail(session, mail, "550 no such mailbox")
    page = text_of(boss.get("/operator"))
    assert "550 no such mailbox" in page
    assert HANAKO not in page
