"""The outbox: nothing noted is ever lost, and nobody does another's task."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from hub.db import Database
from hub.domain import outbox
from hub.models import OutboxTask
from tests import market
from tests.conftest import NOW

SECOND = timedelta(seconds=1)


def noted(database: Database, ids: list[int], kinds: tuple[str, ...] = ("index",)) -> None:
    with database.unit_of_work() as session:
        outbox.note_ids(session, "call", ids, cause="test", now=NOW, kinds=kinds)


def claimed(database: Database, now=NOW, limit: int = 100) -> list[int]:
    with database.unit_of_work() as session:
        return [t.subject_id for t in outbox.claim(session, "index", now=now, limit=limit)]


def test_a_published_listing_leaves_one_task_of_each_kind(database: Database) -> None:
    with database.unit_of_work() as session:
        market.publish_call(session, market.town(session))
        assert outbox.take_noted(session) == {"index", "match"}
        assert outbox.take_noted(session) == frozenset()
    with database.session() as session:
        tasks = session.scalars(select(OutboxTask).order_by(OutboxTask.kind)).all()
    assert [(t.kind, t.subject, t.subject_id) for t in tasks] == [
        ("index", "call", 1),
        ("match", "call", 1),
    ]


def test_a_refused_change_leaves_no_task(database: Database) -> None:
    def fail_after_publishing() -> None:
        with database.unit_of_work() as session:
            market.publish_call(session, market.town(session))
            raise RuntimeError("the view failed before its commit")

    with pytest.raises(RuntimeError):
        fail_after_publishing()
    with database.session() as session:
        assert session.scalars(select(OutboxTask)).all() == []


def test_a_claimed_task_is_nobody_elses_until_its_lease_is_over(database: Database) -> None:
    noted(database, [1, 2])
    assert claimed(database, limit=1) == [1]
    assert claimed(database) == [2]
    assert claimed(database) == []
    assert claimed(database, NOW + outbox.LEASE - SECOND) == []
    assert claimed(database, NOW + outbox.LEASE) == [1, 2]


def test_claimers_at_the_same_moment_share_no_task(database: Database) -> None:
    noted(database, list(range(60)))
    taken: list[list[int]] = []

    def take() -> None:
        for _ in range(10):
            taken.append(claimed(database, limit=3))

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(id_ for ids in taken for id_ in ids) == list(range(60))


def test_tasks_of_one_listing_are_claimed_together(database: Database) -> None:
    noted(database, [1, 2, 1, 3, 1])
    assert claimed(database, limit=1) == [1, 1, 1]
    assert claimed(database) == [2, 3]


def test_a_settled_task_is_gone_and_a_newer_one_stays(database: Database) -> None:
    noted(database, [1])
    with database.unit_of_work() as session:
        tasks = outbox.claim(session, "index", now=NOW, limit=9)
    noted(database, [1])
    with database.unit_of_work() as session:
        outbox.settle(session, tasks)
    assert claimed(database) == [1]


def test_a_failing_task_comes_back_later_each_time_and_says_why(database: Database) -> None:
    noted(database, [1])
    now, waits = NOW, []
    for _ in range(10):
        with database.unit_of_work() as session:
            (task,) = outbox.claim(session, "index", now=now, limit=9)
            outbox.postpone(session, task, "engine down " * 99, now=now)
        with database.session() as session:
            row = session.scalars(select(OutboxTask)).one()
        waits.append((row.due_at - now).total_seconds())
        assert row.last_error.startswith("engine down")
        now = row.due_at
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_task_given_back_was_not_tried(database: Database) -> None:
    noted(database, [1])
    with database.unit_of_work() as session:
        tasks = outbox.claim(session, "index", now=NOW, limit=9)
        outbox.give_back(session, tasks, now=NOW, seconds=2)
    assert claimed(database, NOW + SECOND) == []
    with database.unit_of_work() as session:
        (task,) = outbox.claim(session, "index", now=NOW + 2 * SECOND, limit=9)
    assert task.tries == 1


def test_due_names_the_kinds_with_work(database: Database) -> None:
    noted(database, [1], kinds=("match",))
    with database.session() as session:
        assert outbox.due(session, NOW - SECOND) == set()
        assert outbox.due(session, NOW) == {"match"}


def test_hurry_makes_waiting_tasks_due(database: Database) -> None:
    noted(database, [1])
    claimed(database)
    with database.unit_of_work() as session:
        outbox.hurry(session, "index", now=NOW)
    assert claimed(database) == [1]


def test_a_task_that_kills_its_worker_takes_no_others_with_it(database: Database) -> None:
    with database.unit_of_work() as session:
        outbox.note_ids(session, "call", [1, 2, 3], cause="test", now=NOW, kinds=("match",))
    moment = NOW
    for _kill in range(outbox.SUSPECT_TRIES):  # all three are claimed together, and all lost
        with database.unit_of_work() as session:
            assert len(outbox.claim(session, "match", now=moment, limit=50)) == 3
        moment += outbox.LEASE
    alone = []
    for _worker in range(3):
        with database.unit_of_work() as session:
            tasks = outbox.claim(session, "match", now=moment, limit=50)
            alone.append([task.subject_id for task in tasks])
            if tasks[0].subject_id != 1:
                outbox.settle(session, tasks)
    assert sorted(alone) == [[1], [2], [3]]
