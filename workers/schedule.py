"""The scheduler: one loop that only wakes workers, at fixed times or when tasks are due.

Any number may run; a lock in the store lets one of them act. What it missed while nothing ran
(a night with the machine off) is done when it comes back, once.
"""

import logging
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType

from croniter import croniter
from redis.exceptions import RedisError
from rq import Queue as RqQueue
from rq.registry import StartedJobRegistry
from rq.utils import as_text
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hub.clock import JST, utcnow
from hub.config import Settings
from hub.db import Database
from hub.domain import alerts, dealing, digests, mails, outbox, questions
from hub.models import Epoch
from hub.queue import PREFIX, QUEUES, Queue
from workers.logs import set_up
from workers.matching import MATCHING_VERSION

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A job and when it runs: five cron fields, read on a Japanese clock."""

    job: str
    when: str


TABLE = (
    Entry("audit", "30 2 * * 1"),  # by last week's scores: before the epoch makes new ones
    Entry("audit-running", "*/5 * * * *"),  # mostly finds that nothing is to be done
    Entry("epoch", "0 3 * * 1"),
    Entry("doctor", "30 3 * * *"),
    Entry("compact", "0 4 * * *"),
    Entry("night", "15 4 * * *"),
    Entry("embed", "*/5 * * * *"),  # a model may have come, or another one
)
SWEEP_SECONDS = 2.0
TIDY_EVERY = timedelta(seconds=15)
LOCK_SECONDS = 15
LOCK_KEY = f"{PREFIX}scheduler"
RUNS_KEY = f"{PREFIX}schedule"  # job -> when it was last enqueued, in seconds


def due(table: tuple[Entry, ...], last: Mapping[str, datetime], now: datetime) -> list[str]:
    """Jobs whose latest time of the table lies after their last run. Unknown ones are not due."""
    return [e.job for e in table if e.job in last and last[e.job] < latest(e.when, now)]


def latest(when: str, now: datetime) -> datetime:
    """The last moment at or before `now` that the cron fields name."""
    moment: datetime = croniter(when, now.astimezone(JST) + timedelta(seconds=1)).get_prev(datetime)
    return moment


class Scheduler:
    """The loop's body and what it remembers."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self.database = database
        self.queue = queue
        self.lock = queue.connection.lock(LOCK_KEY, timeout=LOCK_SECONDS, blocking=False)
        self.tidied = datetime.fromtimestamp(0, JST)
        self.begun = False

    def tick(self, now: datetime) -> bool:
        """Do whatever is due; False when another scheduler is in charge. Raises RedisError."""
        if not self._in_charge():
            return False
        if not self.begun:
            self.follow_rules()
            self.begun = True
        self.sweep(now)
        self.start_dated(now)
        if now - self.tidied >= TIDY_EVERY:
            self.tidied = now
            self.tidy()
        return True

    def follow_rules(self) -> None:
        """Have everything matched anew when the last epoch was made by other rules: an upgrade
        also changes what is said of pairs whose texts nobody touches."""
        with self.database.session() as session:
            newest = select(Epoch.version).order_by(Epoch.id.desc()).limit(1)
            version = session.scalar(newest)
        if version not in (None, MATCHING_VERSION):
            self.queue.enqueue("epoch")
            log.info("enqueued epoch: the last one was made by other rules")

    def sweep(self, now: datetime) -> None:
        """Wake what has work due: tasks after a lost ping, a failure or a dead worker, alerts
        and digests in the morning, mails."""
        with self.database.session() as session:
            kinds = outbox.due(session, now)
            if alerts.due(session, now) or mails.due(session, now):
                kinds.add("alerts")
            if digests.due(session, now):
                kinds.add("digests")
            if dealing.due(session, now):
                kinds.add("deal")
            if questions.due(session):
                kinds.add("questions")
        if kinds:
            self.queue.ping(*sorted(kinds))

    def start_dated(self, now: datetime) -> None:
        """Enqueue the jobs of the table whose time has come, and write down that they were."""
        last = self._last_runs()
        for job in due(TABLE, last, now):
            self.queue.enqueue(job)
            log.info("enqueued %s", job)
            last.pop(job)
        for entry in TABLE:
            if entry.job not in last:
                self.queue.connection.hset(RUNS_KEY, entry.job, str(now.timestamp()))

    def tidy(self) -> None:
        """Let go of jobs whose worker has died."""
        for name in QUEUES:
            StartedJobRegistry(queue=RqQueue(name, connection=self.queue.connection)).cleanup()

    def leave(self) -> None:
        """Hand over at once instead of when the lock runs out."""
        if self.lock.owned():
            self.lock.release()

    def _in_charge(self) -> bool:
        if self.lock.owned():
            return bool(self.lock.reacquire())
        return bool(self.lock.acquire())

    def _last_runs(self) -> dict[str, datetime]:
        stored = self.queue.connection.hgetall(RUNS_KEY)
        return {
            as_text(job): datetime.fromtimestamp(float(seconds), JST)
            for job, seconds in stored.items()
        }


def run(settings: Settings) -> None:
    """Schedule until told to stop. A store or database that is away is asked again."""
    set_up()
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    scheduler = Scheduler(Database(settings.database), Queue.of(settings))
    while not stop.is_set():
        try:
            scheduler.tick(utcnow())
        except (RedisError, SQLAlchemyError) as error:
            log.warning("cannot look now: %s", error)
        stop.wait(SWEEP_SECONDS)
    try:
        scheduler.leave()
    except RedisError:
        log.info("the queue store went first")
