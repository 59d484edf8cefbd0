"""A typed query meets the reference tables of the database."""

from pathlib import Path

from sqlalchemy import event
from sqlalchemy.orm import Session

from hub.db import Database
from hub.domain.understanding import gazetteer, intent_of
from hub.models.base import Base
from search.intent import Choice
from seeds.reference import load_reference


def test_places_and_themes_of_the_tables_are_understood(database: Database) -> None:
    with database.session() as session:
        offered = intent_of(session, "東京都府中市の見守り").suggestions
    assert [s.choices[0] for s in offered] == [
        Choice("municipality", ("132063",)),
        Choice("theme", ("safety.watch",)),
    ]


def test_the_tables_are_read_once(database: Database) -> None:
    statements = []
    with database.session() as session:
        intent_of(session, "府中")
        event.listen(
            database.engine, "before_cursor_execute", lambda *args: statements.append(args[2])
        )
        intent_of(session, "池田")
        assert gazetteer(session).codes("四国") == ("36", "37", "38", "39")
    assert not statements


def test_tables_that_were_empty_are_read_again(tmp_path: Path) -> None:

    empty = Database(f"sqlite:///{tmp_path}/empty.db")
    Base.metadata.create_all(empty.engine)

    def offered(session: Session) -> int:
        return len(intent_of(session, "札幌 除雪").suggestions)

    with empty.session() as session:
        assert offered(session) == 0
    with empty.unit_of_work() as session:
        load_reference(session)
    with empty.session() as session:
        assert offered(session) == 2
    empty.dispose()
