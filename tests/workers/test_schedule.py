"""The scheduler: the right jobs at the right time in Japan, by one of many."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue as RqQueue
from sqlalchemy import select, update

from hub.db import Database
from hub.domain import alerts, digests, outbox
from hub.domain.alert_text import Links
from hub.domain.saved_search import Search
from hub.models import Alert, Epoch, Mail
from hub.queue import INDEX, JOBS, MAIL, MATCH, UPKEEP, Queue
from tests import market
from tests.store import Store
from workers import schedule
from workers.matching import MATCHING_VERSION
from workers.schedule import TABLE, Entry, Scheduler, due, latest

MONDAY = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)  # noon in Japan
MINUTE = timedelta(minutes=1)


def upkeep(store: Store) -> list[str]:
    return [job.func_name for job in RqQueue(UPKEEP, connection=store.connect()).jobs]


def scheduler(database: Database, store: Store) -> Scheduler:
    return Scheduler(database, Queue(store.connect()))


def test_times_are_read_on_a_japanese_clock() -> None:
    assert latest("30 3 * * *", MONDAY) == datetime(2026, 11, 29, 18, 30, tzinfo=UTC)
    assert latest("0 12 * * *", MONDAY) == MONDAY
    assert latest("0 3 * * 1", MONDAY) == datetime(2026, 11, 29, 18, 0, tzinfo=UTC)


def test_due_after_the_time_has_passed_and_only_once() -> None:
    table = (Entry("doctor", "0 12 * * *"),)
    before = MONDAY - MINUTE
    assert due(table, {"doctor": before}, before) == []
    assert due(table, {"doctor": before}, MONDAY) == ["doctor"]
    assert due(table, {"doctor": MONDAY}, MONDAY + MINUTE) == []
    assert due(table, {}, MONDAY) == []


def test_the_audit_goes_by_the_scores_of_its_week() -> None:
    times = {entry.job: latest(entry.when, MONDAY) for entry in TABLE}
    assert times["audit"] == datetime(2026, 11, 29, 17, 30, tzinfo=UTC)
    assert times["audit"] < times["epoch"]


def test_every_entry_names_a_job_and_a_time() -> None:
    for entry in TABLE:
        assert entry.job in JOBS
        assert latest(entry.when, MONDAY) <= MONDAY


def test_a_first_start_runs_nothing_and_a_missed_night_is_made_up_for_once(
    database: Database, store: Store
) -> None:
    one = scheduler(database, store)
    one.tick(MONDAY)
    assert upkeep(store) == []
    one.leave()
    later = scheduler(database, store)  # the machine was off for three nights
    later.tick(MONDAY + timedelta(days=3))
    missed = ("doctor", "compact", "night", "audit-running")
    assert sorted(upkeep(store)) == sorted(JOBS[name].function for name in missed)
    later.tick(MONDAY + timedelta(days=3, minutes=1))
    assert len(upkeep(store)) == len(missed)


@pytest.mark.parametrize(
    ("version", "woken"), [(None, False), (MATCHING_VERSION, False), ("older rules", True)]
)
def test_after_an_upgrade_everything_is_matched_anew_once(
    database: Database, store: Store, version: str | None, woken: bool
) -> None:
    if version is not None:
        with database.unit_of_work() as session:
            session.add(Epoch(version=version, made_at=MONDAY, calls=0, solutions=0, snapshot=b""))
    one = scheduler(database, store)
    for minute in range(2):
        one.tick(MONDAY + minute * MINUTE)
    assert upkeep(store) == ([JOBS["epoch"].function] if woken else [])


def test_only_one_of_two_acts_and_the_other_takes_over(database: Database, store: Store) -> None:
    first, second = scheduler(database, store), scheduler(database, store)
    assert first.tick(MONDAY)
    assert not second.tick(MONDAY)
    assert first.tick(MONDAY)
    first.leave()
    assert second.tick(MONDAY)
    assert not first.tick(MONDAY)


def test_a_dead_schedulers_lock_runs_out(database: Database, store: Store) -> None:
    scheduler(database, store).tick(MONDAY)
    assert 0 < store.connect().pttl(schedule.LOCK_KEY) <= schedule.LOCK_SECONDS * 1000


def test_the_sweep_wakes_drains_with_due_tasks(database: Database, store: Store) -> None:
    one = scheduler(database, store)
    one.tick(MONDAY)
    assert _waiting(store.connect()) == (0, 0)
    with database.unit_of_work() as session:
        outbox.note_ids(session, "call", [1], cause="test", now=MONDAY, kinds=("match",))
    one.tick(MONDAY - MINUTE)
    assert _waiting(store.connect()) == (0, 0)
    one.tick(MONDAY)
    one.tick(MONDAY)
    assert _waiting(store.connect()) == (0, 1)


def test_the_sweep_wakes_the_sender_for_mails_and_in_the_morning(
    database: Database, store: Store
) -> None:
    one = scheduler(database, store)
    one.tick(MONDAY)
    assert len(RqQueue(MAIL, connection=store.connect())) == 0
    with database.unit_of_work() as session:
        alerts.subscribe(
            session,
            email="hanako@example.jp",
            search=Search(text="snow"),
            title="snow",
            language="en",
            links=Links("http://localhost", "a key for tests only"),
            now=MONDAY,
        )
    one.tick(MONDAY)
    one.tick(MONDAY)
    assert len(RqQueue(MAIL, connection=store.connect())) == 1
    store.connect().flushall()
    with database.unit_of_work() as session:
        alerts.confirm(session, session.scalars(select(Alert)).one(), now=MONDAY)
        session.execute(update(Mail).values(state="sent"))
    morning = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    another = scheduler(database, store)
    another.tick(morning - MINUTE)
    assert len(RqQueue(MAIL, connection=store.connect())) == 0
    another.tick(morning)
    assert len(RqQueue(MAIL, connection=store.connect())) == 1


def test_the_sweep_wakes_the_maker_of_digests_for_new_members_and_in_the_morning(
    database: Database, store: Store
) -> None:
    with database.unit_of_work() as session:
        market.firm(session)
    one = scheduler(database, store)
    one.tick(MONDAY)
    assert _mailing(store) == [JOBS["digests"].function]
    with database.unit_of_work() as session:
        links = Links("http://localhost", "a key for tests only")
        assert digests.enrol(session, links=links, now=MONDAY) == 1
    store.connect().flushall()
    another = scheduler(database, store)
    morning = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    another.tick(morning - MINUTE)
    assert _mailing(store) == []
    another.tick(morning)
    assert _mailing(store) == [JOBS["digests"].function]


def _mailing(store: Store) -> list[str]:
    return [job.func_name for job in RqQueue(MAIL, connection=store.connect()).jobs]


def _waiting(connection: Redis) -> tuple[int, int]:
    return len(RqQueue(INDEX, connection=connection)), len(RqQueue(MATCH, connection=connection))


def test_two_schedulers_with_a_restarted_store(
    database: Database, store: Store, tmp_path: Path
) -> None:
    """The store forgets who was in charge at worst; one of them is again."""
    first, second = scheduler(database, store), scheduler(database, store)
    assert first.tick(MONDAY)
    store.connect().delete(schedule.LOCK_KEY)
    assert [second.tick(MONDAY), first.tick(MONDAY)] == [True, False]
