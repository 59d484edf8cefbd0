"""The worker process: its job dies with it, and finishes when it is only asked to stop."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rq import Queue as RqQueue
from rq.job import Job

from hub import commands
from hub.config import Settings
from hub.queue import INDEX, Queue
from tests.installation import PATIENCE, ROOT, until
from tests.store import Store

pytestmark = pytest.mark.heavy


class Running:
    """A worker in a process of its own, and what it logs."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                commands.worker(), cwd=ROOT, env=commands.environment(settings), stderr=file
            )

    def horses(self) -> list[psutil.Process]:
        """The processes that run its jobs."""
        return psutil.Process(self.process.pid).children()


@pytest.fixture
def worker(
    settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    """A worker that has done its first round and waits."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("REDIS_URL", store.url)
    running = Running(settings, tmp_path / "worker.log")
    waits = Queue(store.connect())
    until(lambda: waits.health().workers == 1, "the worker is there")
    yield running
    running.process.kill()
    running.process.wait()


def sleep(store: Store, seconds: float) -> Job:
    """A job that takes its time."""
    queue = RqQueue(INDEX, connection=store.connect())
    return queue.enqueue("time.sleep", seconds, job_timeout=-1, result_ttl=-1)


def started(worker: Running, job: Job) -> psutil.Process:
    until(lambda: job.get_status() == "started" and worker.horses(), "the job runs")
    return worker.horses()[0]


def test_a_killed_workers_job_dies_with_it(worker: Running, store: Store) -> None:
    horse = started(worker, sleep(store, 10 * PATIENCE))
    worker.process.kill()
    until(lambda: not horse.is_running() or horse.status() == "zombie", "the job is dead")


def test_a_stopping_worker_finishes_its_job(worker: Running, store: Store, tmp_path: Path) -> None:
    end = tmp_path / "end"
    wait = ["sh", "-c", f"until [ -e {end} ]; do sleep 0.02; done"]
    job = RqQueue(INDEX, connection=store.connect()).enqueue("subprocess.check_call", wait)
    started(worker, job)
    worker.process.send_signal(signal.SIGTERM)
    end.touch()
    assert worker.process.wait(PATIENCE) == 0
    assert job.get_status() == "finished"


def test_a_store_that_comes_back_finds_the_same_worker(worker: Running, store: Store) -> None:
    store.kill()
    time.sleep(0.5)
    store.start()
    job = sleep(store, 0)
    until(lambda: job.get_status() == "finished", "a job after the store came back")
    assert worker.process.poll() is None


def test_log_lines_name_their_job(worker: Running, store: Store) -> None:
    until(lambda: "built the index" in worker.log.read_text(), "the first job has spoken")
    (line,) = [line for line in worker.log.read_text().splitlines() if "built the index" in line]
    name, _, job = line.partition("[")[2].partition("]")[0].partition(" ")
    assert name == "index"
    assert len(job) == 8


def test_a_failing_job_stops_nobody(worker: Running, store: Store) -> None:
    failing = RqQueue(INDEX, connection=store.connect()).enqueue("os.no_such_function")
    until(lambda: failing.get_status() == "failed", "the job has failed")
    job = sleep(store, 0)
    until(lambda: job.get_status() == "finished", "the next job")
    assert worker.process.poll() is None
