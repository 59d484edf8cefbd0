"""Migrations lead to exactly the models, in one line, and running them twice changes nothing."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

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


def test_making_room_for_digests_keeps_which_mail_told_of_what(tmp_path: Path) -> None:
    """SQLite makes the table of mails anew; what points to its rows must not be emptied."""
    database = Database(f"sqlite:///{tmp_path}/hub.sqlite3")
    before = configured(database, "0005")
    with database.engine.begin() as connection:
        for statement in (
            "INSERT INTO alert (id, reference, email, email_key, search, search_hash, target, title,"
            " language, state, nonce, confirm_hash, end_hash, created_at, asked_at) VALUES (1, 'A',"
            " 'a', 'a', '', '', 'call', '', 'ja', 'active', '', 'c', 'e', '2026-01-01', '2026-01-01')",
            "INSERT INTO mail (id, alert_id, kind, key, recipient, subject, body, end_url, state,"
            " tries, last_error, created_at, due_at) VALUES (7, 1, 'news', 'k', '', '', '', '',"
            " 'queued', 0, '', '2026-01-01', '2026-01-01')",
            "INSERT INTO alert_seen (alert_id, subject, subject_id, mail_id) VALUES (1, 'call', 5, 7)",
        ):
            connection.execute(text(statement))
    for revision in ("0006", "0005", "0006"):
        configured(database, revision, down=revision < before)
        before = revision
        with database.engine.connect() as connection:
            assert connection.execute(text("SELECT mail_id FROM alert_seen")).scalar() == 7
            assert connection.execute(text("SELECT alert_id FROM mail")).scalar() == 1
    database.engine.dispose()


def test_who_had_confirmed_an_alert_has_a_confirmed_address(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/hub.sqlite3")
    before = configured(database, "0006")
    with database.engine.begin() as connection:
        for number, key in enumerate(("a", "b"), 1):
            connection.execute(
                text(
                    'INSERT INTO "user" (id, email, email_key, name, is_operator, created_at)'
                    " VALUES (:id, :key, :key, '', false, '2026-01-01')"
                ),
                {"id": number, "key": key},
            )
        connection.execute(
            text(
                "INSERT INTO alert (id, reference, email, email_key, search, search_hash, target,"
                " title, language, state, nonce, confirm_hash, end_hash, created_at, asked_at,"
                " confirmed_at) VALUES (1, 'A', 'a', 'a', '', '', 'call', '', 'ja', 'active', '',"
                " 'c', 'e', '2026-01-01', '2026-01-01', '2026-01-02')"
            )
        )
    for revision in ("0007", "0006", "0007"):
        configured(database, revision, down=revision < before)
        before = revision
    with database.engine.connect() as connection:
        known = text('SELECT id FROM "user" WHERE email_confirmed_at IS NOT NULL')
        assert connection.execute(known).scalars().all() == [1]
    database.engine.dispose()


def configured(database: Database, revision: str, *, down: bool = False) -> str:
    """Bring the schema to a revision; returns it."""
    move = command.downgrade if down else command.upgrade
    with database.engine.begin() as connection:
        move(migrate.configuration(connection), revision)
    return revision
