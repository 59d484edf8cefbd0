"""A person at a browser, without the browser: the test client with a sign-in and form tokens."""

from html.parser import HTMLParser
from typing import Any

from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from hub.domain import accounts
from hub.models import User
from hub.services import Services

SECRET = "form token of a test"


class Browser:
    """One client. `post` carries a valid form token unless told otherwise."""

    def __init__(self, app: Flask, user: User | None = None) -> None:
        self.app = app
        self.services: Services = app.extensions["hub"]
        self.client = app.test_client()
        if user is not None:
            self.sign_in(user)

    def sign_in(self, user: User) -> None:
        """Sign in as a click on the button would, without the slow password."""
        with self.services.database.unit_of_work() as session:
            token = accounts.sign_in(
                session, session.merge(user, load=True), now=self.services.clock()
            )
        with self.client.session_transaction() as cookie:
            cookie["_user_id"] = token

    def get(self, url: str, **kwargs: Any) -> TestResponse:
        return self.client.get(url, **kwargs)

    def post(self, url: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        """Send a form of ours."""
        return self.client.post(url, data={**(data or {}), "csrf_token": self.token()}, **kwargs)

    def post_stale(self, url: str, data: dict[str, Any] | None = None) -> TestResponse:
        """Send a form whose token has expired."""
        return self.client.post(url, data={**(data or {}), "csrf_token": "stale"})

    def token(self) -> str:
        """A token as the page's form carries it."""
        with self.client.session_transaction() as cookie:
            cookie["csrf_token"] = SECRET
        signer = URLSafeTimedSerializer(self.app.secret_key, salt="wtf-csrf-token")
        return str(signer.dumps(SECRET))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text_of(response: TestResponse) -> str:
    """What a reader sees of a page, white space folded."""
    parser = _Text()
    parser.feed(response.get_data(as_text=True))
    return " ".join(" ".join(parser.parts).split())
