"""Alerts by mail, from the form on the search page to the end, as a reader meets them."""

from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from hub.domain.alert_text import Links
from hub.index import rebuild
from hub.mail import open_transport
from hub.models import Alert, User
from hub.services import Services
from tests.conftest import NOW, Clock
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, heading, parsed
from tests.mailbox import Received, received
from tests.market import publish_call, town
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
    page = visitor.get("/search?q=子育て&target=call&prefecture=04&sort=newest")
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
