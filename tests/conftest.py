"""Fixtures: a fresh migrated database for each test, the application on it, and a cast of people.

With TEST_DATABASE_URL (a PostgreSQL server's URL) the same tests run on PostgreSQL. A template
database is migrated and filled with reference data once for each test process, then copied to
where the process has its database. So one engine serves all tests, and compiles a statement once.
"""

import os
import pickle
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as examples
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
PROCESS = uuid.uuid4().hex[:12]  # in the names of databases, which testers have side by side
# Testers and what they start read the same code again and again: it is compiled once.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Other tests use the same cores, so nothing is timed; and a change is judged by the same examples
# as the one before it. `make test ARGS=--hypothesis-profile=wild` looks for new ones.
SUPPRESSED = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
examples.register_profile("wild", deadline=None, suppress_health_check=SUPPRESSED)
examples.register_profile("same", examples.get_profile("wild"), derandomize=True)
examples.load_profile("same")
Made = TypeVar("Made")
Once = Callable[..., Any]
accounts.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def _fill(url: str) -> None:
    database = Database(url)
    migrate.upgrade(database)
    with database.unit_of_work() as session:
        load_reference(session)
    database.engine.dispose()


class Copies:
    """Whole databases by name, copied as files or by the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if SERVER:
            self.server = create_engine(make_url(SERVER), isolation_level="AUTOCOMMIT")

    def url(self, name: str) -> str:
        """Where the database of this name is."""
        if SERVER:
            return make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        return f"sqlite:///{self.folder / name}"

    def copy(self, source: str, name: str) -> None:
        """Make a database anew as a copy of one that nobody is connected to."""
        self.drop(name)
        if SERVER:
            self._say(f"CREATE DATABASE {name} TEMPLATE {source}")
        else:
            shutil.copyfile(self.folder / source, self.folder / name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        if SERVER:
            self._say(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        else:
            for part in ("", "-wal", "-shm", "-turnstile"):
                (self.folder / f"{name}{part}").unlink(missing_ok=True)

    def _say(self, statement: str) -> None:
        with self.server.connect() as connection:
            connection.execute(text(statement))


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """The databases of this process."""
    return Copies(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def template(copies: Copies) -> Iterator[str]:
    """The name of a migrated database with reference data."""
    name = f"template_{PROCESS}"
    if SERVER:
        copies.copy("template0", name)
    _fill(copies.url(name))
    yield name
    copies.drop(name)


@pytest.fixture(scope="session")
def engine(copies: Copies) -> Database:
    """What all tests of this process reach their databases by."""
    return Database(copies.url(f"test_{PROCESS}"))


@pytest.fixture
def database_url(template: str, copies: Copies) -> Iterator[str]:
    """The URL of a fresh copy of the template."""
    name = f"test_{PROCESS}"
    copies.copy(template, name)
    yield copies.url(name)
    copies.drop(name)


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


class Kept:
    """What many tests begin with: made by the first of them, copied for the others."""

    def __init__(self, copies: Copies, folder: Path) -> None:
        self.copies = copies
        self.folder = folder
        self.made: dict[Callable[..., object], tuple[str, bytes]] = {}

    def begin(
        self, database: Database, data_dir: Path, make: Callable[..., Made], *given: object
    ) -> Made:
        """Return what `make(*given)` returned, database and data folder as it left them."""
        if make not in self.made:
            made = make(*given)
            database.engine.dispose()
            self.made[make] = self._keep(data_dir, pickle.dumps(made))
            return made
        name, made = self.made[make]
        database.engine.dispose()
        self.copies.copy(name, f"test_{PROCESS}")
        shutil.copytree(self.folder / name, data_dir, dirs_exist_ok=True)
        return cast(Made, pickle.loads(made))

    def _keep(self, data_dir: Path, made: bytes) -> tuple[str, bytes]:
        name = f"kept_{PROCESS}_{len(self.made)}"
        self.copies.copy(f"test_{PROCESS}", name)
        shutil.copytree(data_dir, self.folder / name)
        return name, made


@pytest.fixture(scope="session")
def kept(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """What tests of this process begin with."""
    kept = Kept(copies, tmp_path_factory.mktemp("kept"))
    yield kept
    for name, _ in kept.made.values():
        copies.drop(name)


@pytest.fixture
def once(kept: Kept, database: Database, tmp_path: Path) -> Once:
    """`once(make, …)` is `make(…)`, but for the first test only: the others get a copy."""
    return partial(kept.begin, database, tmp_path)


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
