"""Nothing is lost when worker and store are killed, again and again, while people publish."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub import doctor
from hub.clock import utcnow
from hub.config import Settings
from hub.db import Database
from hub.domain import matches, outbox
from hub.models import Call, Epoch, Match, MatchList, OutboxTask, User
from hub.queue import Queue
from search.embedded import EmbeddedIndex
from search.query import SearchQuery
from tests import market
from tests.installation import PATIENCE, ROOT, Installation, until

pytestmark = pytest.mark.heavy

PUBLISHES = 200
REBUILT = 96
KILLS = 5
SEED = 20261201
TEXTS = (
    "冬の朝に道路の雪をかく人手が足りません。",
    "放課後の子どもが安心して過ごせる場所がほしい。",
    "観光客に山あいの集落まで足を運んでもらいたい。",
    "家庭の生ごみを減らし、畑に返したい。",
)


@pytest.fixture
def installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    made = Installation(tmp_path / "data", DATABASE_URL=database_url, REDIS_URL="").start()
    yield made.wait_ready()
    family = made.everyone()
    made.stop(signal.SIGTERM)
    for process in family:
        if process.is_running():
            process.kill()


class Saboteur:
    """Does the worst thing it can think of at seeded moments."""

    def __init__(self, installation: Installation, seed: int) -> None:
        self.installation = installation
        self.random = random.Random(seed)
        self.hung: list[int] = []
        self.done: dict[str, int] = {}

    def act(self) -> None:
        """Perhaps harm something."""
        roll = self.random.random()
        if self.hung and roll < 0.4:
            self.relieve()
        elif roll < 0.10:
            self.harm("job", signal.SIGKILL)
        elif roll < 0.14:
            self.harm("worker", signal.SIGKILL)
        elif roll < 0.17:
            self.harm("valkey", signal.SIGKILL)
        elif roll < 0.18 and not self.hung:
            self.harm("valkey", signal.SIGSTOP)
        elif roll < 0.19:
            self.harm("schedule", signal.SIGKILL)

    def relieve(self) -> None:
        """Kill what hangs: it never woke up again."""
        for pid in self.hung:
            _kill(pid, signal.SIGKILL)
        self.hung.clear()

    def harm(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a child, or to the job that the worker runs."""
        victim = self.installation.children().get("worker" if name == "job" else name)
        if victim is not None and name == "job":
            victim = next(iter(victim.children()), None)
        if victim is None:
            return
        _kill(victim.pid, number)
        word = f"{name} {number.name}"
        self.done[word] = self.done.get(word, 0) + 1
        if number == signal.SIGSTOP:
            self.hung.append(victim.pid)


def _kill(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def settled(installation: Installation, database: Database) -> None:
    """Wait until nothing is left to do; shows the logs when something is."""
    try:
        until(lambda: _waiting(database) == 0, "the outbox is empty")
    except AssertionError as error:
        raise AssertionError(
            f"{error}: {_waiting(database)} tasks\n{installation.logs()}"
        ) from None


def test_200_publishes_survive_every_death(
    installation: Installation, database: Database, tmp_path: Path
) -> None:
    data_dir = installation.data_dir
    queue = Queue.of(Settings(data_dir=data_dir, redis_url=""))
    with database.unit_of_work() as session:
        officer, owner = market.town(session), market.firm(session)
        people = officer.id, owner.id
    saboteur = Saboteur(installation, SEED)
    unheard = 0
    for number in range(PUBLISHES):
        with database.unit_of_work() as session:
            _publish(session, number, people)
            noted = outbox.take_noted(session)
        unheard += not queue.ping(*noted)
        saboteur.act()
        time.sleep(0.05)
    saboteur.relieve()
    assert saboteur.done.keys() >= {"worker SIGKILL", "valkey SIGKILL", "valkey SIGSTOP"}
    assert unheard > 0, "the store was never away while somebody published"

    settled(installation, database)
    index = EmbeddedIndex(data_dir / "index")
    assert doctor.examine(database, index) == doctor.Report()
    told = subprocess.run(
        [sys.executable, "-m", "hub", "doctor"],
        cwd=ROOT,
        env=installation.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    now = int(utcnow().timestamp())
    for number in range(PUBLISHES):
        found = index.search(SearchQuery(text=_word(number), now=now))
        assert len(found.hits) == 1, f"{_word(number)}: {found.hits}"
    with database.session() as session:
        for call in session.scalars(select(Call)):
            assert matches.for_call(session, call, now=utcnow())
            assert matches.is_current(session, call)


def test_a_rebuild_that_is_killed_again_and_again_ends_with_one_list_each(
    installation: Installation, database: Database, tmp_path: Path
) -> None:
    with database.unit_of_work() as session:
        officer, owner = market.town(session), market.firm(session)
        people = officer.id, owner.id
        for number in range(REBUILT):
            _publish(session, number, people)
    settled(installation, database)
    output = tmp_path / "rebuild.out"
    rebuild = _rebuild(installation, output, 1)
    for number in range(KILLS):
        time.sleep(number * 0.1)  # later and later
        worker = installation.children()["worker"]
        worker.suspend()  # or it may have done the rest before the next rebuild looks
        for job in worker.children():
            _kill(job.pid, signal.SIGKILL)
        rebuild.kill()
        rebuild.wait()
        rebuild = _rebuild(installation, output, number + 2)
        worker.resume()
    assert rebuild.wait(PATIENCE) == 0, output.read_text()
    assert "going on" in output.read_text(), "no rebuild was killed half way"
    settled(installation, database)
    index = EmbeddedIndex(installation.data_dir / "index")
    assert doctor.examine(database, index) == doctor.Report()
    with database.session() as session:
        epoch = session.scalar(select(func.max(Epoch.id)))
        assert set(session.scalars(select(Match.epoch_id))) == {epoch}
        calls = session.scalars(select(Call.id)).all()
        lists = select(MatchList.owner_id).where(
            MatchList.kind == "call", MatchList.epoch_id == epoch
        )
        assert sorted(session.scalars(lists)) == sorted(calls)


def _rebuild(installation: Installation, output: Path, number: int) -> "subprocess.Popen[bytes]":
    """A rebuild, the so many-th, that has begun to match."""
    with output.open("ab") as said:
        rebuild = subprocess.Popen(
            [sys.executable, "-m", "hub", "match", "rebuild"],
            cwd=ROOT,
            env=installation.environment,
            stdout=said,
            stderr=said,
        )
    until(lambda: output.read_text().count("matching") >= number, "it has begun")
    return rebuild


def _word(number: int) -> str:
    """A word that stands in one listing only."""
    return f"kikaku{number:03}"


def _publish(session: Session, number: int, people: tuple[int, int]) -> None:
    officer, owner = (session.get_one(User, id_) for id_ in people)
    text = TEXTS[number // 4 % len(TEXTS)] * (1 + number % 3)
    now = utcnow()
    if number % 4 == 3:
        market.publish_solution(
            session,
            owner,
            now=now,
            title=f"{_word(number)} の仕組み",
            summary=text,
            solves=text,
            brings=text,
        )
    else:
        market.publish_call(
            session,
            officer,
            now=now,
            title=f"{_word(number)} の募集",
            problem=text,
            closes_at=now + timedelta(days=30),
        )


def _waiting(database: Database) -> int:
    with database.session() as session:
        return session.scalar(select(func.count(OutboxTask.id))) or 0
