"""What a view needs of its request: services, database session, signed-in person, the time."""

from datetime import datetime
from typing import cast

from flask import Flask, current_app, g, request
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy.orm import Session

from hub.domain import accounts, outbox
from hub.models.organisation import User
from hub.services import Services

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Person(UserMixin):
    """The signed-in person of this request; `token` is the secret of the browser's sign-in."""

    def __init__(self, user: User, token: str) -> None:
        self.user = user
        self.token = token

    def get_id(self) -> str:
        return self.token


def services() -> Services:
    """The parts this process holds."""
    return cast(Services, current_app.extensions["hub"])


def session() -> Session:
    """The request's session; one that may write only for requests that change something."""
    if "session" not in g:
        g.session = services().database.session(writing=request.method not in SAFE_METHODS)
    return cast(Session, g.session)


def commit() -> None:
    """The request's one commit; then the workers concerned are woken (a lost ping loses nothing)."""
    noted = outbox.take_noted(session())
    session().commit()
    if noted:
        services().queue.ping(*noted)


def now() -> datetime:
    """One moment for the whole request."""
    if "now" not in g:
        g.now = services().clock()
    return cast(datetime, g.now)


def actor() -> User | None:
    """The signed-in person, or None for a visitor."""
    return current_user.user if current_user.is_authenticated else None


def person() -> User:
    """The signed-in person, in views that only signed-in people reach."""
    user = actor()
    assert user is not None
    return user


def _touch(token: str) -> None:
    """Keep the sign-in young; a request that only reads writes this in a transaction of its own."""
    if request.method not in SAFE_METHODS:
        accounts.touch(session(), token, now=now())
        return
    with services().database.unit_of_work() as own:
        accounts.touch(own, token, now=now())


def init_app(app: Flask) -> None:
    """Load the person of each request from the server-side sign-in; close sessions at the end."""
    manager = LoginManager(app)
    manager.session_protection = None  # sign-ins are kept and revoked on our side

    @manager.user_loader
    def load(token: str) -> Person | None:
        user = accounts.signed_in_by(session(), token, now=now())
        if user is None:
            return None
        if accounts.is_unseen(session(), token, now=now()):
            _touch(token)
        return Person(user, token)

    @app.teardown_appcontext
    def close(_error: BaseException | None) -> None:
        opened = g.pop("session", None)
        if opened is not None:
            opened.close()
