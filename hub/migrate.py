"""Database migrations, run in code so that an installation needs no extra file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from hub.db import Database

FOLDER = Path(__file__).parent / "migrations"
LOCK_KEY = 7_243_615  # any number that no other program uses on the same PostgreSQL


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration for our folder and, when given, an open connection."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Bring the schema to the newest revision; two at once wait for each other."""
    with _alone(database) as connection:
        command.upgrade(configuration(connection), "head")


def is_current(database: Database) -> bool:
    """Whether the schema is at the newest revision."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    engine = database.engine.execution_options(begin="IMMEDIATE")
    with engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        yield connection
