"""Migrations lead to exactly the models, in one line, and running them twice changes nothing."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hub import migrate
from hub.db import Database
from hub.models import Base


def test_the_schema_is_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(migrate.configuration()).get_heads()) == 1


def test_upgrading_again_is_harmless(database: Database) -> None:
    migrate.upgrade(database)
    assert migrate.is_current(database)
