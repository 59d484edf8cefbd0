"""Limits on how often one address may try to sign in or register, and one person ask the matcher."""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from hub import queue
from hub.web.context import actor, services

QUESTIONS = "300 per hour"

limiter = Limiter(get_remote_address, strategy="sliding-window-counter")


def attempts() -> str:
    """The limit in force, e.g. "20 per hour"."""
    return services().settings.sign_in_limit


def questions() -> str:
    """How often one person may ask what only the matcher can answer."""
    return QUESTIONS


def asker() -> str:
    """Who asks: many people of one town share an address."""
    user = actor()
    return f"person-{user.id}" if user else str(get_remote_address())


def init_app(app: Flask) -> None:
    """Count in the queue's store, shared by all processes; in memory while it is away."""
    settings = app.extensions["hub"].settings
    url = queue.url(settings)
    app.config.update(
        RATELIMIT_STORAGE_URI=f"redis+{url}" if url.startswith("unix:") else url,
        RATELIMIT_STORAGE_OPTIONS={"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
    )
    limiter.init_app(app)
