"""Writers of SQLite take turns; on PostgreSQL they need not."""

import multiprocessing
import threading
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.db import Database, _turnstile

SPAWN = multiprocessing.get_context("spawn")


def _write_on(url: str, stop: Event, turns: "Synchronized[int]") -> None:
    """What a worker does with much to do: write, and write again."""
    database = Database(url)
    while not stop.is_set():
        with database.unit_of_work() as session:
            session.execute(text("INSERT INTO line VALUES (1)"))
            stop.wait(0.1)
            turns.value += 1


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/hub.sqlite3"
    with Database(url).unit_of_work() as session:
        session.execute(text("CREATE TABLE line (number INTEGER)"))
    return url


def test_a_click_is_not_kept_waiting_by_a_worker_that_writes_on_and_on(url: str) -> None:
    stop, turns = SPAWN.Event(), SPAWN.Value("i", 0)
    worker = SPAWN.Process(target=_write_on, args=(url, stop, turns))
    worker.start()
    passed = []
    try:
        while not turns.value:
            stop.wait(0.01)
        for _ in range(12):
            before = turns.value
            with Database(url).unit_of_work() as session:
                passed.append(turns.value - before)
                session.execute(text("INSERT INTO line VALUES (2)"))
    finally:
        stop.set()
        worker.join()
    # One turn is under way when we ask, and more may pass before we reach the turnstile.
    assert max(passed) <= 5


def test_threads_of_one_process_take_turns_too(url: str) -> None:
    database = Database(url)

    def write() -> None:
        for _ in range(20):
            with database.unit_of_work() as session:
                session.execute(text("INSERT INTO line VALUES (3)"))

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM line")) == 120


def test_who_hangs_in_the_turnstile_does_not_stop_the_others_for_ever(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.db.BUSY_SECONDS", 0.05)
    path = url.removeprefix("sqlite:///")
    with _turnstile(path), Database(url).unit_of_work() as session:
        session.execute(text("INSERT INTO line VALUES (4)"))
        written = session.scalar(text("SELECT count(*) FROM line"))
    assert written == 1
