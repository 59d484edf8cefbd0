"""What every answer keeps to: headers, cookies, languages, sizes, honest failures."""

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from hub.services import Services
from tests.conftest import Once
from tests.hub.web.browser import Browser, text_of
from tests.market import firm, person, publish_call, publish_solution, town

PUBLIC = ["/", "/search", "/search?q=子育て", "/towns", "/towns/132128", "/ranking",
          "/accessibility", "/licences", "/privacy", "/contact", "/calls/1", "/solutions/1"]  # fmt: skip


def make_market(services: Services) -> None:
    with services.database.unit_of_work() as session:
        publish_call(session, town(session))
        publish_solution(session, firm(session))


@pytest.fixture
def market(once: Once, services: Services) -> None:
    once(make_market, services)


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_set_no_cookie(app: Flask, market: None, path: str) -> None:
    response = Browser(app).get(path)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", [*PUBLIC, "/sign-in", "/no-such-page", "/static/css/app.css"])
def test_every_answer_carries_the_strict_headers(app: Flask, market: None, path: str) -> None:
    headers = Browser(app).get(path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_signed_in_pages_are_not_stored(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        user = person(session)
    assert Browser(app, user).get("/my").headers["Cache-Control"] == "no-store"


def test_the_language_is_chosen_by_link_or_by_the_browser(app: Flask) -> None:
    browser = Browser(app)
    japanese = browser.get("/sign-in")
    assert '<html lang="ja">' in japanese.get_data(as_text=True)
    wished = browser.get("/sign-in", headers={"Accept-Language": "en-GB,en;q=0.8"})
    assert '<html lang="en">' in wished.get_data(as_text=True)
    linked = browser.get("/sign-in?lang=en").get_data(as_text=True)
    assert '<html lang="en">' in linked
    assert "/register?lang=en" in linked
    assert "Accept-Language" in wished.headers["Vary"]


def test_a_body_of_ten_megabytes_gets_a_clear_answer(app: Flask) -> None:
    response = Browser(app).client.post("/register", data={"name": "あ" * 3_500_000})
    assert response.status_code == 413
    assert "2メガバイトまで" in text_of(response)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("get", "/no-such-page", 404), ("get", "/calls/99999999999999999999", 404),
     ("get", "/calls/0", 404), ("put", "/sign-in", 405), ("get", "/calls/1/publish", 405)],
)  # fmt: skip
def test_failures_are_pages_with_a_way_on(app: Flask, method: str, path: str, status: int) -> None:
    response = getattr(app.test_client(), method)(path)
    assert response.status_code == status
    assert 'href="/search' in response.get_data(as_text=True)


def test_a_database_that_is_away_is_said_plainly(
    app: Flask, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(services.database, "session", away)
    response = Browser(app).get("/towns")
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "1分ほど待って" in text_of(response)


def test_a_forged_host_is_refused_when_hosts_are_named(services: Services) -> None:
    from hub.app import create_app

    services.settings.trusted_hosts = "hub.example.jp"
    client = create_app(services=services).test_client()
    assert client.get("/privacy", headers={"Host": "hub.example.jp"}).status_code == 200
    assert client.get("/privacy", headers={"Host": "evil.example"}).status_code == 400
