"""Index in step: what a task leads to, and what no failure may lead to."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.db import Database
from hub.domain import calls, documents, outbox
from hub.models import Call, OutboxTask, User
from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
from search.index import IndexBusy, IndexUnavailable, SearchIndex
from search.query import SearchQuery
from tests import market
from tests.conftest import NOW
from workers.jobs import indexing


@pytest.fixture
def index(tmp_path: Path, database: Database) -> EmbeddedIndex:
    """An empty index."""
    index = EmbeddedIndex(tmp_path / "index")
    indexing.build(database, index, clock=clock())
    return index


def clock(later: timedelta = timedelta()) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: NOW + later


def waiting(database: Database) -> list[OutboxTask]:
    with database.session() as session:
        return list(
            session.scalars(
                select(OutboxTask).where(OutboxTask.kind == "index").order_by(OutboxTask.id)
            )
        )


def in_step(database: Database, index: SearchIndex) -> bool:
    with database.session() as session:
        return documents.versions(session) == index.versions()


def published(database: Database, count: int = 1) -> None:
    with database.unit_of_work() as session:
        officer = market.town(session)
        for _ in range(count):
            market.publish_call(session, officer)


def test_a_published_call_is_found_and_its_task_is_gone(
    database: Database, index: EmbeddedIndex
) -> None:
    published(database)
    assert indexing.drain(database, index, clock=clock()) == 1
    assert waiting(database) == []
    found = index.search(SearchQuery(text="こそだて 居場所", now=int(NOW.timestamp())))
    assert [hit.id for hit in found.hits] == ["call-1"]


def test_a_change_replaces_and_an_unpublished_listing_disappears(
    database: Database, index: EmbeddedIndex
) -> None:
    published(database, 2)
    indexing.drain(database, index, clock=clock())
    with database.unit_of_work() as session:
        session.get_one(Call, 1).title = "雪かきの担い手を募集"
        session.get_one(Call, 2).state = "archived"
        outbox.note_ids(session, "call", [1, 2], cause="test", now=NOW)
    assert not in_step(database, index)
    assert indexing.drain(database, index, clock=clock()) == 2
    assert in_step(database, index)
    assert index.versions().keys() == {"call-1"}


def test_a_task_for_something_that_agrees_or_never_was_is_settled(
    database: Database, index: EmbeddedIndex
) -> None:
    published(database)
    indexing.drain(database, index, clock=clock())
    with database.unit_of_work() as session:
        outbox.note_ids(session, "call", [1, 77], cause="test", now=NOW, kinds=("index",))
    assert indexing.drain(database, index, clock=clock()) == 2
    assert waiting(database) == []


class Troubled:
    """An index on which writing goes wrong in a chosen way."""

    def __init__(self, index: SearchIndex, error: Exception | None = None, bad: str = "") -> None:
        self.index, self.error, self.bad = index, error, bad

    def apply(self, upserts: Sequence[SearchDocument], deletes: Collection[str]) -> None:
        if self.error and (not self.bad or any(d.id == self.bad for d in upserts)):
            raise self.error
        self.index.apply(upserts, deletes)

    def versions(self, ids: Collection[str] | None = None) -> dict[str, int]:
        return self.index.versions(ids)


class Forgetful(Troubled):
    """An engine that accepts writes and forgets them."""

    def apply(self, upserts: Sequence[SearchDocument], deletes: Collection[str]) -> None:
        pass


def test_accepted_is_not_done(database: Database, index: EmbeddedIndex) -> None:
    published(database)
    assert indexing.drain(database, Forgetful(index), clock=clock()) == 0
    (task,) = waiting(database)
    assert task.due_at > NOW
    assert indexing.drain(database, index, clock=lambda: task.due_at) == 1


def test_a_busy_index_leaves_tasks_untried(database: Database, index: EmbeddedIndex) -> None:
    published(database)
    indexing.drain(database, Troubled(index, IndexBusy("held")), clock=clock())
    (task,) = waiting(database)
    assert (task.tries, task.last_error) == (0, "")
    assert task.due_at - NOW <= timedelta(seconds=5)


def test_an_engine_that_is_away_is_asked_again_later(
    database: Database, index: EmbeddedIndex
) -> None:
    published(database)
    indexing.drain(database, Troubled(index, IndexUnavailable("engine is down")), clock=clock())
    (task,) = waiting(database)
    assert task.tries == 1
    assert "engine is down" in task.last_error
    assert indexing.drain(database, index, clock=lambda: task.due_at) == 1


def test_one_listing_that_is_refused_does_not_hold_up_the_others(
    database: Database, index: EmbeddedIndex
) -> None:
    published(database, 5)
    troubled = Troubled(index, ValueError("cannot write this one"), bad="call-3")
    assert indexing.drain(database, troubled, clock=clock()) == 4
    (task,) = waiting(database)
    assert (task.subject_id, task.last_error) == (3, "ValueError: cannot write this one")
    assert index.versions().keys() == {"call-1", "call-2", "call-4", "call-5"}


def test_a_worker_killed_after_writing_leaves_its_task(
    database: Database, index: EmbeddedIndex
) -> None:
    class Killed(BaseException):
        pass

    class Killing(Troubled):
        def apply(self, upserts: Sequence[SearchDocument], deletes: Collection[str]) -> None:
            self.index.apply(upserts, deletes)
            raise Killed

    published(database)
    with pytest.raises(Killed):
        indexing.drain(database, Killing(index), clock=clock())
    assert len(waiting(database)) == 1
    assert indexing.drain(database, index, clock=clock(outbox.LEASE)) == 1
    assert in_step(database, index)


def test_a_change_while_indexing_is_seen(database: Database, index: EmbeddedIndex) -> None:
    """The second look compares with the truth of then, not with what was written."""

    class Overtaken(Troubled):
        def apply(self, upserts: Sequence[SearchDocument], deletes: Collection[str]) -> None:
            self.index.apply(upserts, deletes)
            with database.unit_of_work() as session:
                session.get_one(Call, 1).title += "!"

    published(database)
    assert indexing.drain(database, Overtaken(index), clock=clock()) == 0
    (task,) = waiting(database)
    assert indexing.drain(database, index, clock=lambda: task.due_at) == 1
    assert in_step(database, index)


def test_a_missing_index_is_built_and_waiting_tasks_fall_due(
    database: Database, tmp_path: Path
) -> None:
    published(database, 2)
    index = EmbeddedIndex(tmp_path / "index")
    assert not index.ready()
    indexing.build(database, index, clock=clock())
    assert index.ready()
    assert in_step(database, index)


def test_building_beside_another_builder_is_left_to_it(
    database: Database, index: EmbeddedIndex
) -> None:
    with index.rebuilding():
        indexing.build(database, EmbeddedIndex(index._generations.root), clock=clock())
        assert index.versions() == {}


def test_what_changes_during_a_rebuild_is_in_step_afterwards(
    database: Database, index: EmbeddedIndex
) -> None:
    published(database)
    indexing.drain(database, index, clock=clock())
    with index.rebuilding() as fresh:
        with database.session() as session:
            fresh.apply(list(documents.load(session, ["call-1"]).values()))
        with database.unit_of_work() as session:
            officer = session.get_one(User, 1)
            call = session.get_one(Call, 1)
            calls.close(session, call, actor=officer, now=NOW, expected_version=call.version)
        indexing.drain(database, index, clock=clock())
        assert len(waiting(database)) == 1
    assert indexing.drain(database, index, clock=clock(timedelta(seconds=5))) == 1
    assert in_step(database, index)


def test_more_tasks_than_a_batch_are_done_in_one_run(
    database: Database, index: EmbeddedIndex
) -> None:
    published(database)
    with database.unit_of_work() as session:
        ids = list(range(1, 2 * indexing.BATCH + 2))
        outbox.note_ids(session, "call", ids, cause="test", now=NOW, kinds=("index",))
    assert indexing.drain(database, index, clock=clock()) == len(ids) + 1
    assert waiting(database) == []
