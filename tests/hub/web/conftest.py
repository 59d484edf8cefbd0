"""The application on the test's database and a real embedded index, with a clock to turn."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from flask import Flask

from hub.app import create_app
from hub.config import Settings
from hub.db import Database
from hub.index import rebuild
from hub.queue import Queue
from hub.services import Services
from search.index import open_index
from tests.conftest import NOW


@dataclass
class Clock:
    """What the application takes for now."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(settings: Settings, database: Database, clock: Clock) -> Services:
    """Real database and index; the queue is away, as it may be at any time."""
    index = open_index(data_dir=settings.data_dir, meili_url=None, meili_key=None)
    rebuild(database, index)
    return Services(
        settings=settings,
        database=database,
        index=index,
        queue=Queue.of(settings),
        clock=clock,
    )


@pytest.fixture
def app(services: Services) -> Flask:
    return create_app(services=services)
