"""Nightly and weekly work."""

from pathlib import Path

import pytest
from rq import Queue as RqQueue
from sqlalchemy import delete, func, select

from hub.config import Settings
from hub.models import Call, Epoch, MatchState, OutboxTask, Vector
from hub.queue import INDEX, MATCH, Queue
from hub.services import Services
from search.embedded import EmbeddedIndex
from tests import market
from tests.conftest import NOW
from tests.store import Store
from workers.jobs import deal, epochs, explaining, indexing, matching, rematch, upkeep


@pytest.fixture
def here(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Services:
    """An installation with one call and one solution, all in step."""
    made = Services.of(settings)
    made.queue = Queue(store.connect())
    made.clock = lambda: NOW
    for module in (upkeep, indexing, matching, deal, explaining, rematch):
        monkeypatch.setattr(module, "opened", lambda: made)
    with made.database.unit_of_work() as session:
        market.publish_call(session, market.town(session))
        market.publish_solution(session, market.firm(session))
    indexing.build(made.database, made.index, clock=made.clock)
    indexing.drain(made.database, made.index, clock=made.clock)
    market.work_off(made.database, epochs.root(settings.data_dir), clock=made.clock)
    return made


def waiting(here: Services) -> set[tuple[str, str, int]]:
    with here.database.session() as session:
        return {(t.kind, t.subject, t.subject_id) for t in session.scalars(select(OutboxTask))}


def jobs(here: Services, name: str) -> int:
    return len(RqQueue(name, connection=here.queue.connection))


def test_the_doctor_asks_for_repairs_and_wakes_the_workers(here: Services) -> None:
    upkeep.doctor()
    assert waiting(here) == set()
    assert jobs(here, INDEX) == 0
    here.index.apply([], ["call-1"])
    with here.database.unit_of_work() as session:
        session.execute(delete(MatchState).where(MatchState.subject == "solution"))
    upkeep.doctor()
    assert waiting(here) == {("index", "call", 1), ("match", "solution", 1)}
    assert (jobs(here, INDEX), jobs(here, MATCH)) == (1, 2)  # the last deals what was matched


def test_a_weekly_epoch_has_everything_matched_again(here: Services) -> None:
    upkeep.epoch()
    assert waiting(here) == {("match", "call", 1)}  # with all calls every pair is scored
    assert jobs(here, MATCH) == 1


def test_rematch_does_it_at_once_and_says_so(
    here: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    rematch.rematch(fresh=False)
    assert waiting(here) == set()
    assert "matched anew: 1 pairs" in capsys.readouterr().out
    with here.database.session() as session:
        assert set(session.scalars(select(MatchState.epoch_id))) == {2}
        assert session.get_one(Epoch, 2).dealt_at == NOW


def test_rematch_goes_on_with_what_a_killed_one_left(
    here: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    matching.new_epoch(here.database, now=NOW)
    rematch.rematch(fresh=False)
    assert "going on" in capsys.readouterr().out
    with here.database.session() as session:
        assert session.scalar(select(func.max(Epoch.id))) == 2
    matching.new_epoch(here.database, now=NOW)
    rematch.rematch(fresh=True)
    with here.database.session() as session:
        assert session.scalar(select(func.max(Epoch.id))) == 4
        assert set(session.scalars(select(MatchState.epoch_id))) == {4}


def test_compacting_forgets_what_nothing_reads(here: Services) -> None:
    folder = epochs.root(here.settings.data_dir)
    for _ in range(2):
        matching.new_epoch(here.database, now=NOW)
        matching.drain(here.database, folder, clock=here.clock)
    with here.database.unit_of_work() as session:
        session.get_one(Call, 1).state = "archived"
    upkeep.compact()
    with here.database.session() as session:
        assert session.scalars(select(Epoch.id).order_by(Epoch.id)).all() == [2, 3]
        there = select(Vector.subject, Vector.subject_id).where(Vector.gone.is_(False))
        assert session.execute(there).all() == [("solution", 1)]
        assert session.scalar(select(func.count()).select_from(Call)) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["2", "3"]


def test_compacting_an_installation_that_never_matched(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Services.of(settings)
    monkeypatch.setattr(upkeep, "opened", lambda: made)
    assert not Path(epochs.root(settings.data_dir)).exists()
    upkeep.compact()
    with made.database.session() as session:
        assert session.scalars(select(Epoch.id)).all() == []


def test_a_drain_takes_its_wake_up_word_before_it_looks(here: Services) -> None:
    """So that a ping during the job is a job of its own."""
    for name, run in (("index", indexing.run), ("match", matching.run)):
        here.queue.ping(name)
        before = jobs(here, {"index": INDEX, "match": MATCH}[name])
        run()
        here.queue.ping(name)
        assert jobs(here, {"index": INDEX, "match": MATCH}[name]) == before + 1


def test_a_match_job_makes_room_and_comes_back(
    here: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "BUDGET_SECONDS", 0)
    upkeep.epoch()
    RqQueue(MATCH, connection=here.queue.connection).empty()
    matching.run()
    assert waiting(here)
    assert jobs(here, MATCH) == 1


def test_the_index_job_builds_an_index_that_is_missing(here: Services, tmp_path: Path) -> None:
    here.index = EmbeddedIndex(tmp_path / "another")
    indexing.run()
    assert here.index.versions().keys() == {"call-1", "solution-1"}
