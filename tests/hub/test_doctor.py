"""The doctor finds every kind of difference and asks for exactly the repairs."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from hub import doctor
from hub.db import Database
from hub.doctor import Report
from hub.domain import alerts, facts, outbox
from hub.domain.alert_text import Links
from hub.domain.saved_search import Search
from hub.index import rebuild
from hub.models import (
    Alert,
    Call,
    Epoch,
    MatchList,
    MatchState,
    OutboxTask,
    Place,
    Solution,
)
from search.embedded import EmbeddedIndex
from search.index import Differences
from tests import market
from tests.conftest import NOW


@pytest.fixture
def index(database: Database, tmp_path: Path) -> EmbeddedIndex:
    """An index in step with two calls and a solution, all matched."""
    with database.unit_of_work() as session:
        officer = market.town(session)
        market.publish_call(session, officer)
        market.publish_call(session, officer)
        market.publish_solution(session, market.firm(session))
        session.execute(delete(OutboxTask))
        session.add(Epoch(id=1, version="v", made_at=NOW, calls=2, solutions=1, snapshot=b""))
        for subject in ("call", "solution"):
            for id_, values in facts.load(session, subject).items():
                session.add(
                    MatchState(
                        subject=subject,
                        subject_id=id_,
                        epoch_id=1,
                        fingerprint=facts.fingerprint(values),
                        matched_at=NOW,
                    )
                )
        firm = session.get_one(Solution, 1).organisation_id
        for kind, owner in (("call", 1), ("call", 2), ("firm", firm)):
            session.add(MatchList(kind=kind, owner_id=owner, epoch_id=1, dealt_at=NOW))
    index = EmbeddedIndex(tmp_path / "index")
    rebuild(database, index)
    return index


def tasks(database: Database) -> set[tuple[str, str, int]]:
    with database.session() as session:
        return {(t.kind, t.subject, t.subject_id) for t in session.scalars(select(OutboxTask))}


def repaired(database: Database, report: Report) -> set[tuple[str, str, int]]:
    with database.unit_of_work() as session:
        doctor.repair(session, report, NOW)
    return tasks(database)


def test_all_in_step(database: Database, index: EmbeddedIndex) -> None:
    report = doctor.examine(database, index)
    assert report == Report()
    assert report.clean
    assert repaired(database, report) == set()


def test_missing_stale_and_orphaned_in_the_index(database: Database, index: EmbeddedIndex) -> None:
    index.apply([], ["call-1"])
    with database.unit_of_work() as session:
        session.get_one(Solution, 1).summary = "べつの説明"
        session.get_one(Call, 2).state = "archived"
    report = doctor.examine(database, index)
    assert report.index == Differences(
        missing=frozenset({"call-1"}),
        stale=frozenset({"solution-1"}),
        orphaned=frozenset({"call-2"}),
    )
    assert report.matches == Differences(
        stale=frozenset({"solution-1"}), orphaned=frozenset({"call-2"})
    )
    assert not report.clean
    assert repaired(database, report) == {
        ("index", "call", 1),
        ("index", "call", 2),
        ("index", "solution", 1),
        ("match", "call", 2),
        ("match", "solution", 1),
        ("deal", "call", 2),
    }


def test_no_index_lacks_everything(
    database: Database, index: EmbeddedIndex, tmp_path: Path
) -> None:
    report = doctor.examine(database, EmbeddedIndex(tmp_path / "nothing here"))
    assert report.index.missing == {"call-1", "call-2", "solution-1"}


def test_a_listing_never_matched_or_matched_in_an_older_epoch(
    database: Database, index: EmbeddedIndex
) -> None:
    with database.unit_of_work() as session:
        session.execute(delete(MatchState).where(MatchState.subject_id == 2))
    assert doctor.examine(database, index).matches.missing == {"call-2"}
    with database.unit_of_work() as session:
        session.add(Epoch(id=2, version="v", made_at=NOW, calls=2, solutions=1, snapshot=b""))
    assert doctor.examine(database, index).matches.stale == {"call-1", "solution-1"}


def test_a_pair_with_a_listing_that_is_over(database: Database, index: EmbeddedIndex) -> None:
    with database.unit_of_work() as session:
        for call_id in (1, 2):
            session.add(market.pair(session.get_one(Call, call_id), session.get_one(Solution, 1)))
        session.get_one(Call, 2).state = "closed"
        session.execute(
            delete(MatchState).where(MatchState.subject == "call", MatchState.subject_id == 2)
        )
    assert doctor.examine(database, index).matches == Differences(orphaned=frozenset({"call-2"}))


def test_a_new_deadline_asks_for_no_matching(database: Database, index: EmbeddedIndex) -> None:
    with database.unit_of_work() as session:
        session.get_one(Call, 1).closes_at = NOW + timedelta(days=3)
    report = doctor.examine(database, index)
    assert report.index.stale == {"call-1"}
    assert not report.matches.all


def test_mails_and_alerts_that_are_overdue(database: Database, index: EmbeddedIndex) -> None:
    with database.unit_of_work() as session:
        for text in ("snow", "rain"):
            alerts.subscribe(
                session,
                email="hanako@example.jp",
                search=Search(text=text),
                title=text,
                language="en",
                links=Links("http://localhost", "a key for tests only"),
                now=NOW,
            )
        alerts.confirm(session, session.scalars(select(Alert)).first(), now=NOW)  # type: ignore[arg-type]
    hour = timedelta(hours=1)
    for later, count in ((hour, 0), (hour + timedelta(seconds=1), 2), (hour * 24, 3)):
        report = doctor.examine(database, index, clock=lambda moment=NOW + later: moment)
        assert (report.overdue, report.clean) == (count, count == 0)
    assert repaired(database, report) == set()


def test_waiting_tasks_are_counted_and_are_no_fault(
    database: Database, index: EmbeddedIndex
) -> None:
    with database.unit_of_work() as session:
        outbox.note_ids(session, "call", [1], cause="test", now=NOW)
    report = doctor.examine(database, index)
    assert report.clean
    with database.session() as session:
        assert report.waiting == session.scalar(select(func.count(OutboxTask.id))) == 2


def test_a_call_without_a_list_and_a_list_without_a_call(
    database: Database, index: EmbeddedIndex
) -> None:
    with database.unit_of_work() as session:
        session.execute(delete(MatchList).where(MatchList.kind == "call", MatchList.owner_id == 2))
        session.add(MatchList(kind="firm", owner_id=99, epoch_id=1, dealt_at=NOW))
    report = doctor.examine(database, index)
    assert report.lists == Differences(
        missing=frozenset({"call-2"}), orphaned=frozenset({"firm-99"})
    )
    assert not report.clean
    assert repaired(database, report) == {("deal", "call", 2), ("deal", "firm", 99)}


def test_a_place_without_its_pair_and_a_list_of_an_older_epoch(
    database: Database, index: EmbeddedIndex
) -> None:
    with database.unit_of_work() as session:
        solution = session.get_one(Solution, 1)
        session.add(
            Place(
                kind="call", owner_id=1, rank=1, call_id=1, solution_id=1,
                firm_id=solution.organisation_id, town_id=solution.organisation_id,
                value=0.5, how="merit", begins_at=NOW,
            )
        )  # fmt: skip
    assert doctor.examine(database, index).lists.stale == {"call-1"}
    with database.unit_of_work() as session:
        session.execute(delete(Place))
        session.execute(
            update(MatchList)
            .where(MatchList.kind == "call", MatchList.owner_id == 2)
            .values(epoch_id=0)
        )
    assert doctor.examine(database, index).lists.stale == {"call-2"}
