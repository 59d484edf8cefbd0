"""The hub's side of the queue: waking the workers, and seeing whether they are well.

A job carries nothing: it only says "look at the outbox". Whatever happens to it, the tasks are
safe in the database and the scheduler's sweep wakes the workers again. So nothing here may ever
fail a request: an unreachable queue is a late search result, not an error page.
"""

import hashlib
import logging
import os
import stat
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from hub.config import Settings

if TYPE_CHECKING:
    from rq import Queue as RqQueue

log = logging.getLogger(__name__)

PREFIX = "localhub:"
INDEX, MAIL = f"{PREFIX}index", f"{PREFIX}mail"
MATCH, EXPLAIN = f"{PREFIX}match", f"{PREFIX}explain"
UPKEEP, EMBED = f"{PREFIX}upkeep", f"{PREFIX}embed"
QUEUES = (INDEX, MAIL, MATCH, EXPLAIN, UPKEEP, EMBED)  # in the order in which workers look at them


@dataclass(frozen=True, slots=True)
class Job:
    """A job by its dotted name: the hub never imports what the workers run."""

    function: str
    queue: str
    seconds: int  # it is stopped after this long
    first: bool = False  # goes before what waits in its queue: somebody looks at a page


JOBS = {
    "index": Job("workers.jobs.indexing.run", INDEX, 1800),
    "alerts": Job("workers.jobs.alerts.run", MAIL, 300),
    "digests": Job("workers.jobs.digests.run", MAIL, 300),
    "match": Job("workers.jobs.matching.run", MATCH, 1800),
    "deal": Job("workers.jobs.deal.run", MATCH, 1800),
    "night": Job("workers.jobs.deal.night", UPKEEP, 900),
    "questions": Job("workers.jobs.questions.run", MATCH, 300, first=True),
    "explain": Job("workers.jobs.explaining.run", EXPLAIN, 1800),
    "embed": Job("workers.jobs.embedding.run", EMBED, 1800),
    "doctor": Job("workers.jobs.upkeep.doctor", UPKEEP, 900),
    "compact": Job("workers.jobs.upkeep.compact", UPKEEP, 900),
    "epoch": Job("workers.jobs.upkeep.epoch", UPKEEP, 1800),
    "audit": Job("workers.jobs.audit.run", UPKEEP, 900),
    "audit-running": Job("workers.jobs.audit.running", UPKEEP, 900),
}
DRAINS = (
    "index",
    "match",
    "deal",
    "explain",
    "embed",
)  # the jobs that empty the outbox, named like its kinds of task

PING_SECONDS = 0.5  # a page never waits longer than this for the queue
AWAKE_SECONDS = 10  # a lost job is replaced by the first ping or sweep after this
HEARTBEAT_SECONDS = 40  # workers send one at least every 15 seconds
LONGEST_SOCKET = 100  # bytes; the operating system refuses paths over 107


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the store answers, and how many workers were heard of lately."""

    reachable: bool
    workers: int


def url(settings: Settings) -> str:
    """Where the store is: REDIS_URL, or the embedded server's socket."""
    if settings.redis_url:
        return settings.redis_url
    path = socket_path(settings.data_dir)
    if path.parent.exists():
        check_private(path.parent)
    return f"unix://{path}"


def check_private(folder: Path) -> None:
    """Raise PermissionError unless the folder is ours alone.

    Whoever can write to the store can run code in the workers, and temporary folders are shared.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} must be a folder that only its owner may use (mode 0700)")


def socket_path(data_dir: Path) -> Path:
    """The embedded server's socket: in a short folder of our own, since data folders go deep."""
    mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    path = Path(tempfile.gettempdir()) / f"localhub-{os.getuid()}-{mark}" / "valkey.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        path = Path("/tmp") / path.parent.name / path.name  # noqa: S108 - checked to be private
    return path


def embedder_path(settings: Settings) -> Path:
    """The socket of the bundled model, in the same private folder."""
    return socket_path(settings.data_dir).with_name("embedder.sock")


def make_private(folder: Path) -> None:
    """Make the folder of the sockets. Raises PermissionError when another could use it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    check_private(folder)


def connect(settings: Settings, *, seconds: float | None = None) -> Redis:
    """A connection. With `seconds` a call fails after that long instead of trying again."""
    if seconds is None:
        return Redis.from_url(url(settings), socket_timeout=None)
    return Redis.from_url(
        url(settings),
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )


class Queue:
    """What the web and the scheduler know of the queue."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection

    @classmethod
    def of(cls, settings: Settings) -> "Queue":
        """The queue of these settings, impatient enough for a web request."""
        return cls(connect(settings, seconds=PING_SECONDS))

    def ping(self, *names: str) -> bool:
        """Wake a worker for each named drain (all when none is named); call it after the commit.

        Many pings become one waiting job. A job that has begun no longer counts as waiting, so
        a task added after it looked gets a job of its own. False when the store is away; the
        sweep then finds the tasks.
        """
        try:
            for name in names or DRAINS:
                if self.connection.set(_awake(name), 1, nx=True, ex=AWAKE_SECONDS):
                    self.enqueue(name)
        except RedisError as error:
            log.warning("queue not reachable, the sweep will find the tasks: %s", error)
            return False
        return True

    def begun(self, name: str) -> None:
        """Called by a drain before it looks at the outbox: from here on a ping is a new job."""
        self.connection.delete(_awake(name))

    def enqueue(self, name: str) -> None:
        """Put one job on its queue. Raises RedisError."""
        job = JOBS[name]
        self._rq(job.queue).enqueue(
            job.function,
            job_timeout=job.seconds,
            result_ttl=0,
            failure_ttl=86400,
            at_front=job.first,
        )

    def has_jobs(self, *names: str) -> bool:
        """Whether one of these jobs waits; False when the store is away."""
        try:
            return any(self._rq(JOBS[name].queue).count for name in names)
        except RedisError:
            return False

    def health(self) -> Health:
        """Ask the store and read the workers' last heartbeats. Never raises."""
        try:
            self.connection.ping()
            return Health(True, self._live_workers())
        except RedisError:
            return Health(False, 0)

    def _live_workers(self) -> int:
        from rq.utils import as_text
        from rq.worker_registration import get_keys

        oldest = datetime.now(UTC) - timedelta(seconds=HEARTBEAT_SECONDS)
        live = 0
        for key in get_keys(self._rq(INDEX)):
            heartbeat, death = self.connection.hmget(key, "last_heartbeat", "death")
            if heartbeat and not death and datetime.fromisoformat(as_text(heartbeat)) > oldest:
                live += 1
        return live

    def _rq(self, name: str) -> "RqQueue":
        from rq import Queue as RqQueue

        return RqQueue(name, connection=self.connection)


def _awake(name: str) -> str:
    return f"{PREFIX}awake:{name}"
