"""The worker: takes jobs from the queue and runs each in a forked process of its own."""

import importlib
import logging
import os
import signal
import time

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue as RqQueue
from rq import Worker
from rq.job import Job

from hub.config import Settings
from hub.processes import die_with_parent
from hub.queue import QUEUES, Queue, connect
from workers.logs import name_job, set_up

log = logging.getLogger(__name__)

# Imported before the first fork, so that a job starts within milliseconds.
PRELOADED = (
    "workers.jobs.alerts",
    "workers.jobs.audit",
    "workers.jobs.indexing",
    "workers.jobs.matching",
    "workers.jobs.deal",
    "workers.jobs.explaining",
    "workers.jobs.questions",
    "workers.jobs.embedding",
    "workers.jobs.upkeep",
)


class HubWorker(Worker):
    """A worker whose running job dies with it.

    A job whose worker was killed would otherwise go on while another worker runs it again.
    """

    max_connection_wait_time = 2.0  # the store may be back at any moment

    @property
    def told_to_stop(self) -> bool:
        """Whether a signal asked it to stop."""
        return self._shutdown_requested_date is not None

    def main_work_horse(self, job: Job, queue: RqQueue) -> None:
        """First words of the forked process."""
        die_with_parent(self.pid or 0, signal.SIGKILL)
        name_job(f"{queue.name.rpartition(':')[2]} {job.id[:8]}")
        super().main_work_horse(job, queue)


def work(settings: Settings, *, burst: bool = False) -> None:
    """Work on all queues until told to stop; with `burst` until they are empty.

    A worker gives up when the store goes away at a bad moment; then the next one takes over
    here, with everything still loaded.
    """
    set_up()
    warm_up()
    connection = connect(settings)
    while True:
        wait_for_store(connection)
        Queue(connection).ping()  # tasks may wait, and an index that is missing gets built
        log.info("waiting for jobs (process %d)", os.getpid())
        worker = _worker(connection)
        try:
            worker.work(burst=burst, logging_level="WARNING")
        except RedisError as error:
            log.warning("lost the queue store: %s", error)
        if burst or worker.told_to_stop:
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)


def _worker(connection: Redis) -> HubWorker:
    worker = HubWorker(
        [RqQueue(name, connection=connection) for name in QUEUES],
        connection=connection,
        # An idle worker wakes every `ttl - 15` seconds, and only then does maintenance.
        worker_ttl=30,
        maintenance_interval=15,
        job_monitoring_interval=5,
        log_job_description=False,
    )
    worker.log_result_lifespan = False
    return worker


def warm_up() -> None:
    """Load code and dictionary into the parent; forked jobs share them."""
    for name in PRELOADED:
        importlib.import_module(name)
    from search.analysis import tokenize

    tokenize("公民連携の準備運動")


def wait_for_store(connection: Redis, *, seconds: float = 0.5) -> None:
    """Return when the store answers."""
    while True:
        try:
            connection.ping()
            return
        except RedisError:
            log.warning("queue store not reachable, waiting (process %d)", os.getpid())
            time.sleep(seconds)
