"""Fixtures: a fresh migrated database for each test, the application on it, and a cast of people.

With TEST_DATABASE_URL (a PostgreSQL server's URL) the same tests run on PostgreSQL. A template
database is migrated and filled with reference data once for each test process, then copied to
where the process has its database. So one engine serves all tests, and compiles a statement once.
"""

import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from sqlalchemy import create_engine, make_url, text
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from hub import migrate
from hub.app import create_app
from hub.config import Settings
from hub.db import Database
from hub.domain import accounts
from hub.index import rebuild
from hub.queue import Queue
from hub.services import Services
from search.index import open_index
from seeds.reference import load_reference

# Noon in Japan on an ordinary day: what `now` is where a test needs a fixed moment.
NOW = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)
SERVER = os.environ.get("TEST_DATABASE_URL", "")
# Testers and what they start read the same code again and again: it is compiled once.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
hypothesis.settings.register_profile("shared", deadline=None)  # other tests use the same cores
hypothesis.settings.load_profile("shared")
accounts.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def _fill(url: str) -> None:
    database = Database(url)
    migrate.upgrade(database)
    with database.unit_of_work() as session:
        load_reference(session)
    database.engine.dispose()


def _on_server(statement: str) -> None:
    engine = create_engine(make_url(SERVER), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database with reference data: a file path, or a name on the server."""
    if not SERVER:
        path = tmp_path_factory.mktemp("template") / "hub.sqlite3"
        _fill(f"sqlite:///{path}")
        yield str(path)
        return
    name = f"template_{uuid.uuid4().hex[:12]}"
    _on_server(f"CREATE DATABASE {name}")
    _fill(make_url(SERVER).set(database=name).render_as_string(hide_password=False))
    yield name
    _on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """What all tests of this process reach their databases by."""
    if not SERVER:
        return Database(f"sqlite:///{tmp_path_factory.mktemp('database')}/hub.sqlite3")
    url = make_url(SERVER).set(database=f"test_{uuid.uuid4().hex[:12]}")
    return Database(url.render_as_string(hide_password=False))


@pytest.fixture
def database_url(template: str, engine: Database) -> Iterator[str]:
    """The URL of a fresh copy of the template."""
    url = engine.engine.url
    if SERVER:
        _on_server(f"CREATE DATABASE {url.database} TEMPLATE {template}")
    else:
        shutil.copyfile(template, str(url.database))
    yield url.render_as_string(hide_password=False)
    if SERVER:
        _on_server(f"DROP DATABASE {url.database} WITH (FORCE)")
    else:
        for file in Path(str(url.database)).parent.iterdir():
            file.unlink()


@pytest.fixture
def database(database_url: str, engine: Database) -> Iterator[Database]:
    """A fresh migrated database with reference data."""
    yield engine
    engine.engine.dispose()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of an installation in the test's own folder; its queue store does not run."""
    return Settings(
        data_dir=tmp_path,
        database_url=database_url,
        redis_url=f"unix://{tmp_path}/no-queue.sock",
        sign_in_limit="1000 per hour",
        secret_key="a key for tests only",
    )


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


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    """Templates that one application has compiled for the others."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(services: Services, compiled: BytecodeCache) -> Flask:
    app = create_app(services=services)
    app.jinja_env.bytecode_cache = compiled
    return app


# Tests that share something costly, or that must not meet one another, go to one tester. (The mark
# xdist_group does nothing under this pytest: it renames tests, which no longer takes effect.)
TOGETHER = {
    "tests/journeys/test_quality.py": "pages in a browser",
    "tests/journeys/": "journeys in a browser",
    "tests/hub/test_serve.py": "installations",
    "tests/workers/test_fault.py": "installations",
    "tests/workers/test_worker.py": "installations",
}


class Together(LoadScopeScheduling):
    """Deals tests one by one, and the groups of TOGETHER whole, greatest first."""

    def _split_scope(self, nodeid: str) -> str:
        found = (group for path, group in TOGETHER.items() if nodeid.startswith(path))
        return next(found, nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """Say how tests are dealt to testers."""
    return Together(config, log)
