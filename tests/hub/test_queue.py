"""Waking the workers: pings are many, jobs are few, and none is swallowed."""

import time
from pathlib import Path

import pytest
from rq import Queue as RqQueue
from rq import SimpleWorker

from hub import queue
from hub.config import Settings
from hub.queue import DRAINS, EMBED, EXPLAIN, INDEX, JOBS, MAIL, MATCH, QUEUES, UPKEEP, Queue
from tests.store import Store, server, store

__all__ = ["server", "store"]


def jobs(store: Store, name: str) -> int:
    return len(RqQueue(name, connection=store.connect()))


def test_a_ping_wakes_every_drain_once(store: Store) -> None:
    pinged = Queue(store.connect())
    for _ in range(5):
        assert pinged.ping()
    waiting = {name: jobs(store, name) for name in QUEUES}
    assert waiting == {INDEX: 1, MAIL: 0, MATCH: 2, EXPLAIN: 1, UPKEEP: 0, EMBED: 1}
    assert RqQueue(INDEX, connection=store.connect()).jobs[0].func_name == JOBS["index"].function


def test_a_ping_after_the_drain_began_is_a_job_of_its_own(store: Store) -> None:
    """The running drain may already have looked at the outbox."""
    pinged = Queue(store.connect())
    pinged.ping("index")
    RqQueue(INDEX, connection=store.connect()).empty()  # a worker took it …
    pinged.ping("index")
    assert jobs(store, INDEX) == 0  # … and has not looked yet: it will see the task
    pinged.begun("index")
    pinged.ping("index")
    assert jobs(store, INDEX) == 1


def test_named_drains_only(store: Store) -> None:
    Queue(store.connect()).ping("match")
    assert (jobs(store, INDEX), jobs(store, MATCH)) == (0, 1)


def test_a_question_of_a_page_goes_before_what_waits(store: Store) -> None:
    asked = Queue(store.connect())
    asked.ping("match", "deal", "questions")
    waiting = [job.func_name for job in RqQueue(MATCH, connection=store.connect()).jobs]
    assert waiting == [JOBS[name].function for name in ("questions", "match", "deal")]


def test_every_job_is_a_function_that_exists() -> None:
    from importlib import import_module

    assert set(DRAINS) <= JOBS.keys()
    for job in JOBS.values():
        module, _, name = job.function.rpartition(".")
        assert callable(getattr(import_module(module), name))
        assert job.queue in QUEUES


def test_a_store_that_is_away_fails_no_request_and_holds_none_up(tmp_path: Path) -> None:
    away = Queue.of(Settings(data_dir=tmp_path, redis_url=f"unix://{tmp_path}/nobody.sock"))
    began = time.monotonic()
    assert not away.ping()
    assert away.health() == queue.Health(reachable=False, workers=0)
    assert time.monotonic() - began < 2


def test_a_store_that_hangs_holds_no_request_up(store: Store) -> None:
    import os
    import signal

    assert store.process is not None
    hanging = Queue(queue.connect(_settings(store), seconds=0.3))
    os.kill(store.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert not hanging.ping()
        assert time.monotonic() - began < 2
    finally:
        os.kill(store.process.pid, signal.SIGCONT)


def _settings(store: Store) -> Settings:
    return Settings(redis_url=store.url)


def test_health_counts_workers_heard_of_lately(store: Store) -> None:
    watched = Queue(store.connect())
    assert watched.health() == queue.Health(reachable=True, workers=0)
    worker = SimpleWorker(
        [RqQueue(name, connection=store.connect()) for name in QUEUES], connection=store.connect()
    )
    worker.register_birth()
    assert watched.health().workers == 1
    store.connect().hset(worker.key, "last_heartbeat", "2020-01-01T00:00:00.000000Z")
    assert watched.health().workers == 0
    worker.heartbeat()
    worker.register_death()
    assert watched.health().workers == 0


def test_the_socket_path_is_short_however_deep_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "/".join("データ" * 20)
    assert len(bytes(queue.socket_path(deep))) <= queue.LONGEST_SOCKET
    monkeypatch.setattr("tempfile.tempdir", "/tmp/" + "long" * 30)
    assert len(bytes(queue.socket_path(deep))) <= queue.LONGEST_SOCKET
    assert queue.socket_path(deep) != queue.socket_path(tmp_path)


def test_a_named_store_goes_before_the_embedded_one(tmp_path: Path) -> None:
    assert queue.url(Settings(data_dir=tmp_path, redis_url="redis://r:1/2")) == "redis://r:1/2"
    embedded = queue.url(Settings(data_dir=tmp_path, redis_url=""))
    assert embedded == f"unix://{queue.socket_path(tmp_path)}"
