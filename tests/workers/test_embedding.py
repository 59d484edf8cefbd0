"""Vectors in the background: all in the end, none twice, and nothing else held up."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select

from hub import doctor
from hub.config import Settings
from hub.db import Database
from hub.domain import documents, organisations, outbox, vectors
from hub.models import Call, Embedding, Match, OutboxTask, User
from hub.queue import Queue
from hub.services import Services
from search.embedded import EmbeddedIndex
from search.embedding import HttpEmbedder
from search.passages import GIST, passages
from search.query import SearchQuery
from tests import market
from tests.conftest import NOW
from tests.embedder import Endpoint, serving
from tests.installation import ROOT
from workers.jobs import embedding, indexing, upkeep

MODEL = "some-e5-model/8/1"


class Clock:
    """A clock that goes on a little whenever somebody looks."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with serving() as made:
        yield made


@pytest.fixture
def embedder(server: Endpoint) -> HttpEmbedder:
    return HttpEmbedder(server.url)


@pytest.fixture
def index(tmp_path: Path, database: Database) -> EmbeddedIndex:
    index = EmbeddedIndex(tmp_path / "index")
    indexing.build(database, index, clock=lambda: NOW)
    return index


@pytest.fixture
def listed(database: Database, index: EmbeddedIndex, clock: Clock) -> Database:
    """Three calls with titles of their own and one text."""
    with database.unit_of_work() as session:
        officer = market.town(session)
        for number in range(3):
            market.publish_call(session, officer, title=f"{number}番目の募集")
    indexing.drain(database, index, clock=clock)
    return database


def tasks(database: Database, kind: str = "embed") -> list[OutboxTask]:
    with database.session() as session:
        return list(session.scalars(select(OutboxTask).where(OutboxTask.kind == kind)))


def work(database: Database, index: EmbeddedIndex, embedder: HttpEmbedder, clock: Clock) -> None:
    """What the queue would do, until nothing is left."""
    embedding.follow(database, embedder, clock=clock)
    for _ in range(5):
        indexing.drain(database, index, clock=clock)
        embedding.drain(database, embedder, clock=clock)
    indexing.drain(database, index, clock=clock)
    assert tasks(database) == tasks(database, "index") == []


def said(database: Database) -> dict[str, tuple[str, ...]]:
    with database.session() as session:
        return {d.id: passages(d) for batch in documents.load_all(session) for d in batch}


def healthy(database: Database, index: EmbeddedIndex) -> bool:
    report = doctor.examine(database, index)
    return not report.index.all and not report.vectors.all


def test_a_model_that_appears_gets_every_listing_into_the_index(
    listed: Database, index: EmbeddedIndex, embedder: HttpEmbedder, server: Endpoint, clock: Clock
) -> None:
    assert tasks(listed) == []
    work(listed, index, embedder, clock)
    expected = {f"passage: {text}" for some in said(listed).values() for text in some}
    assert Counter(server.texts) == Counter(expected)
    wanted = embedder.embed_passages([said(listed)["call-2"][GIST]])[0]
    first, *rest = index.nearest(wanted, SearchQuery(target="call"), 9, model=MODEL)
    assert (first.id, round(first.score, 2)) == ("call-2", 1.0)
    assert len(rest) == 2
    assert healthy(listed, index)


def test_titles_of_all_come_before_the_rest_of_any(
    database: Database, index: EmbeddedIndex, embedder: HttpEmbedder, server: Endpoint, clock: Clock
) -> None:
    with database.unit_of_work() as session:
        officer = market.town(session)
        for number in range(2 * embedding.BATCH + 1):
            market.publish_call(
                session,
                officer,
                title=f"{number}番目の募集",
                summary=f"{number}番目の説明です。",
                problem=f"{number}番目の困りごとがあります。",
            )
    indexing.drain(database, index, clock=clock)
    work(database, index, embedder, clock)
    titles = [f"passage: {some[0]}" for some in said(database).values()]
    assert sorted(server.texts[: len(titles)]) == sorted(titles)
    assert len(server.texts) == len(set(server.texts))
    assert max(map(len, server.asked)) <= embedding.BATCH


def test_a_change_goes_before_all_that_waits_for_a_new_model(
    listed: Database, index: EmbeddedIndex, embedder: HttpEmbedder, server: Endpoint, clock: Clock
) -> None:
    with listed.unit_of_work() as session:
        other = market.town(session, "042056")
        for number in range(3, 3 + embedding.BATCH):
            market.publish_call(session, other, title=f"{number}番目の募集")
    indexing.drain(listed, index, clock=clock)
    embedding.follow(listed, embedder, clock=clock)
    with listed.unit_of_work() as session:
        market.publish_call(session, session.merge(other), title="いま出した募集")
    indexing.drain(listed, index, clock=clock)
    embedding.drain(listed, embedder, clock=clock, seconds=0)
    assert "passage: いま出した募集" in server.asked[-1]


def test_without_a_model_no_task_is_made_and_one_that_is_left_goes(
    listed: Database, index: EmbeddedIndex, clock: Clock
) -> None:
    assert not embedding.follow(listed, None, clock=clock)
    with listed.unit_of_work() as session:
        vectors.ask_to_embed(session, {"call-1"}, now=NOW)
    embedding.follow(listed, None, clock=clock)
    assert tasks(listed) == []
    assert healthy(listed, index)


def test_a_change_has_only_what_is_new_computed(
    listed: Database, index: EmbeddedIndex, embedder: HttpEmbedder, server: Endpoint, clock: Clock
) -> None:
    work(listed, index, embedder, clock)
    server.asked.clear()
    with listed.unit_of_work() as session:
        call = session.get_one(Call, 1)
        call.problem = "冬の朝に道路の雪をかく人手が足りません。"
        outbox.note(session, call, cause="test", now=clock())
    work(listed, index, embedder, clock)
    assert len(server.texts) == 2  # the gist, and the passage itself
    assert all("雪をかく人手" in text for text in server.texts)
    assert healthy(listed, index)


def test_another_model_replaces_the_first_and_the_first_can_come_back_for_nothing(
    listed: Database, index: EmbeddedIndex, server: Endpoint, clock: Clock
) -> None:
    query = SearchQuery(target="call")
    work(listed, index, HttpEmbedder(server.url, "one-e5"), clock)
    with serving() as second:
        second.dimension = 4
        other = HttpEmbedder(second.url, "other")
        work(listed, index, other, clock)
        vector = other.embed_passages(["0番目の募集"])[0]
        hits = index.nearest(vector, query, 9, model="other/4/1")
        assert len(hits) == 3
    assert healthy(listed, index)
    server.asked.clear()
    back = HttpEmbedder(server.url, "one-e5")
    work(listed, index, back, clock)
    assert server.texts == []
    vector = back.embed_passages(["0番目の募集"])[0]
    assert len(index.nearest(vector, query, 9, model="one-e5/8/1")) == 3


def test_switched_off_the_index_holds_no_vectors_and_everything_agrees(
    listed: Database, index: EmbeddedIndex, embedder: HttpEmbedder, clock: Clock
) -> None:
    work(listed, index, embedder, clock)
    assert embedding.follow(listed, None, clock=clock)
    indexing.drain(listed, index, clock=clock)
    vector = embedder.embed_passages(["0番目の募集"])[0]
    assert index.nearest(vector, SearchQuery(), 9, model=MODEL) == ()
    assert healthy(listed, index)
    assert tasks(listed, "index") == []


def test_a_model_that_is_away_leaves_tasks_untried_for_a_while(
    listed: Database, embedder: HttpEmbedder, server: Endpoint, clock: Clock
) -> None:
    embedding.follow(listed, embedder, clock=clock)
    server.status = 503
    assert embedding.drain(listed, embedder, clock=clock)
    found = tasks(listed)
    assert [task.tries for task in found] == [0, 0, 0]
    assert all(task.due_at - NOW > timedelta(seconds=20) for task in found)
    server.status = 200
    clock.moment += timedelta(seconds=embedding.AWAY_SECONDS)
    assert embedding.drain(listed, embedder, clock=clock)
    assert tasks(listed) == []


def test_one_text_that_is_refused_does_not_hold_up_the_others(
    listed: Database, index: EmbeddedIndex, embedder: HttpEmbedder, server: Endpoint, clock: Clock
) -> None:
    server.refused = "1番目の募集"
    embedding.follow(listed, embedder, clock=clock)
    for _ in range(3):
        embedding.drain(listed, embedder, clock=clock)
        indexing.drain(listed, index, clock=clock)
    (task,) = tasks(listed)
    assert (task.subject_id, task.tries > 0) == (2, True)
    assert "400" in task.last_error
    server.refused = ""
    clock.moment += outbox.LONGEST_WAIT
    work(listed, index, embedder, clock)
    assert healthy(listed, index)


def test_a_listing_withdrawn_meanwhile_is_settled(
    listed: Database, index: EmbeddedIndex, embedder: HttpEmbedder, server: Endpoint, clock: Clock
) -> None:
    embedding.follow(listed, embedder, clock=clock)
    with listed.unit_of_work() as session:
        session.get_one(Call, 2).state = "archived"
        outbox.note_ids(session, "call", [2, 77], cause="test", now=NOW, kinds=("index", "embed"))
    work(listed, index, embedder, clock)
    assert not any("1番目" in text for text in server.texts)
    assert healthy(listed, index)


def test_it_gives_way_between_two_steps(
    listed: Database, embedder: HttpEmbedder, server: Endpoint, clock: Clock
) -> None:
    embedding.follow(listed, embedder, clock=clock)
    assert not embedding.drain(listed, embedder, clock=clock, gives_way=lambda: True)
    assert len(server.asked) == 2  # the probe and one step
    assert not embedding.drain(listed, embedder, clock=clock, seconds=0)
    assert len(server.asked) == 3


def test_the_doctor_finds_a_listing_that_nobody_will_see_to(
    listed: Database, index: EmbeddedIndex, embedder: HttpEmbedder, clock: Clock
) -> None:
    embedding.follow(listed, embedder, clock=clock)
    assert not doctor.examine(listed, index).vectors.all  # tasks wait, which is no fault
    with listed.unit_of_work() as session:
        session.execute(delete(OutboxTask).where(OutboxTask.subject_id == 2))
    report = doctor.examine(listed, index)
    assert report.vectors.missing == {"call-2"}
    assert not report.clean
    with listed.unit_of_work() as session:
        doctor.repair(session, doctor.Report(vectors=report.vectors), clock())
    work(listed, index, embedder, clock)
    assert healthy(listed, index)


def test_vectors_nobody_needs_any_more_go_after_a_week(
    listed: Database, index: EmbeddedIndex, embedder: HttpEmbedder, clock: Clock
) -> None:
    work(listed, index, embedder, clock)
    with listed.unit_of_work() as session:
        vectors.store(session, MODEL, ["nobody says this"], np.ones((1, 8), np.float32), now=NOW)
        vectors.store(session, "former/8/1", ["雪"], np.ones((1, 8), np.float32), now=NOW)
        before = len(session.scalars(select(Embedding)).all())
    for later, gone in ((timedelta(days=1), 0), (vectors.KEPT + timedelta(hours=1), 2)):
        upkeep.forget_embeddings(listed, now=NOW + later)
        with listed.session() as session:
            assert len(session.scalars(select(Embedding)).all()) == before - gone
    assert healthy(listed, index)


def test_the_job_itself_does_nothing_without_a_queue_store_and_a_model(
    settings: Settings, listed: Database, index: EmbeddedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Services(settings, listed, index, Queue.of(settings))
    monkeypatch.setattr(embedding, "opened", lambda: here)
    monkeypatch.setattr(here.queue, "begun", lambda name: None)
    embedding.run()
    assert tasks(listed) == []


KILLED = textwrap.dedent(
    """
    import sys
    from datetime import datetime
    from hub.db import Database
    from search.embedding import HttpEmbedder
    from workers.jobs import embedding
    now = datetime.fromisoformat(sys.argv[3])
    embedding.drain(Database(sys.argv[1]), HttpEmbedder(sys.argv[2]), clock=lambda: now)
    """
)


def test_a_worker_killed_again_and_again_computes_nothing_twice_but_what_was_in_its_hands(
    database: Database,
    database_url: str,
    index: EmbeddedIndex,
    server: Endpoint,
    clock: Clock,
    until_asked: Callable[[int, "subprocess.Popen[bytes]"], None],
) -> None:
    with database.unit_of_work() as session:
        officer = market.town(session)
        for number in range(12):
            market.publish_call(
                session, officer, title=f"{number}番目", problem=f"困りごと{number}。"
            )
    indexing.drain(database, index, clock=clock)
    embedding.follow(database, HttpEmbedder(server.url), clock=clock)
    server.before = lambda: time.sleep(0.05)
    kills = 0
    for _ in range(4):
        with database.unit_of_work() as session:
            outbox.hurry(session, "embed", now=NOW)  # the lease of the dead is over
        given = (database_url, server.url, NOW.isoformat())
        child = subprocess.Popen([sys.executable, "-c", KILLED, *given], cwd=ROOT)
        until_asked(len(server.asked) + 3, child)
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.wait()
    assert kills >= 2
    with database.unit_of_work() as session:
        outbox.hurry(session, "embed", now=NOW)
    server.before = lambda: None
    work(database, index, HttpEmbedder(server.url), clock)
    expected = {f"passage: {text}" for some in said(database).values() for text in some}
    counted = Counter(server.texts)
    assert counted.keys() == expected
    assert sum(count - 1 for count in counted.values()) <= kills * embedding.BATCH
    assert healthy(database, index)


@pytest.fixture
def until_asked(server: Endpoint) -> Callable[[int, "subprocess.Popen[bytes]"], None]:
    """Wait until the endpoint was asked so often, or the asking process has ended."""

    def wait(times: int, child: "subprocess.Popen[bytes]") -> None:
        while len(server.asked) < times and child.poll() is None:
            time.sleep(0.005)

    return wait


def test_a_move_of_the_head_office_leaves_meanings_and_scores_alone(
    listed: Database, index: EmbeddedIndex, embedder: HttpEmbedder, clock: Clock, tmp_path: Path
) -> None:
    with listed.unit_of_work() as session:
        owner = market.firm(session)
        market.publish_solution(session, owner)
    work(listed, index, embedder, clock)
    market.work_off(listed, tmp_path / "epochs", clock=clock)
    before = scored(listed)
    assert any("meaning" in parts and parts["meaning"] is not None for _, parts in before.values())
    with listed.unit_of_work() as session:
        person = session.get_one(User, owner.id)
        firm = market.organisation_of(session, person)
        profile = organisations.Profile(
            name=firm.name, legal_form="corporation", prefecture_code="47"
        )
        organisations.change(
            session, firm, profile, actor=person, expected_version=firm.version, now=clock()
        )
    market.work_off(listed, tmp_path / "epochs", clock=clock)  # no model is at hand
    assert scored(listed) == before


def scored(database: Database) -> dict[tuple[int, int], tuple[float, dict[str, float | None]]]:
    with database.session() as session:
        rows = session.scalars(select(Match))
        return {(row.call_id, row.solution_id): (row.score, row.parts) for row in rows}
