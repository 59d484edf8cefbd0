"""Keeping the search index in step with the database.

A task is settled only when the index is seen to hold what the database says now. What a crash
leaves behind is therefore always a task, never a difference without one.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from rq.timeouts import BaseTimeoutException

from hub.clock import utcnow
from hub.db import Database
from hub.domain import documents, outbox, vectors
from hub.domain.outbox import Task
from hub.index import rebuild
from search.documents import SearchDocument
from search.index import DocumentsRefused, IndexBusy, IndexUnavailable, SearchIndex
from workers.context import opened

log = logging.getLogger(__name__)

BATCH = 100
BUSY_SECONDS = 2
Clock = Callable[[], datetime]


def run() -> None:
    """The job: empty the outbox of index tasks that are due; build an index that is missing."""
    here = opened()
    here.queue.begun("index")
    if not here.index.ready():
        with suppress(IndexUnavailable):  # then each task says so and waits
            build(here.database, here.index, clock=here.clock)
    settled = drain(here.database, here.index, clock=here.clock)
    if settled:
        log.info("index in step again after %d tasks", settled)


def build(database: Database, index: SearchIndex, *, clock: Clock = utcnow) -> None:
    """Fill an index that does not exist yet or was made by older rules."""
    try:
        count = rebuild(database, index)
    except IndexBusy:
        return  # somebody else is building it
    log.info("built the index of %d listings", count)
    with database.unit_of_work() as session:
        outbox.hurry(session, "index", now=clock())


def drain(database: Database, index: SearchIndex, *, clock: Clock = utcnow) -> int:
    """Work on due tasks until none is left; returns how many were settled."""
    settled = 0
    while tasks := _claim(database, clock()):
        try:
            settled += _work(database, index, tasks, clock)
        except IndexBusy:
            log.info("another writer holds the index; %d tasks wait", len(tasks))
            with database.unit_of_work() as session:
                outbox.give_back(session, tasks, now=clock(), seconds=BUSY_SECONDS)
            break
    return settled


def _claim(database: Database, now: datetime) -> list[Task]:
    with database.unit_of_work() as session:
        return outbox.claim(session, "index", now=now, limit=BATCH)


def _work(database: Database, index: SearchIndex, tasks: Sequence[Task], clock: Clock) -> int:
    """Compare, repair, and look again: only the second look settles what needed a repair."""
    errors: dict[str, str] = {}
    try:
        difference = compare(database, index, tasks)
        errors = repair(index, difference)
        if difference.keys:
            difference = compare(database, index, tasks)
    except (IndexBusy, BaseTimeoutException):
        raise
    except Exception as error:
        log.exception("cannot compare %d listings with the index", len(tasks))
        _postpone(database, tasks, {}, _said(error), clock())
        return 0
    open_tasks = [task for task in tasks if task.key in difference.keys]
    done = [task for task in tasks if task.key not in difference.keys]
    with database.unit_of_work() as session:
        outbox.settle(session, done)
        vectors.ask_to_embed(session, _lacking(done, difference), now=clock())
    _postpone(database, open_tasks, errors, "the listing changed while it was indexed", clock())
    return len(done)


@dataclass(frozen=True, slots=True)
class Difference:
    """What the index lacks or holds wrongly, and what it holds for no reason.

    `incomplete` are listings without all their vectors, which is no difference.
    """

    upserts: dict[str, SearchDocument]
    deletes: frozenset[str]
    incomplete: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        """Every listing concerned."""
        return self.deletes | self.upserts.keys()


def compare(database: Database, index: SearchIndex, tasks: Sequence[Task]) -> Difference:
    """Compare the truth of this moment, not that of when the task was made, with the index."""
    keys = {task.key for task in tasks}
    with database.session() as session:
        wanted = documents.load(session, keys)
        incomplete = vectors.incomplete(session, wanted.values())
    seen = index.versions(keys)
    return Difference(
        {key: document for key, document in wanted.items() if seen.get(key) != document.version},
        frozenset(seen.keys() - wanted.keys()),
        incomplete,
    )


def _lacking(tasks: Sequence[Task], difference: Difference) -> set[str]:
    """Listings to compute vectors for; those indexed for new vectors have a task for the rest."""
    return {task.key for task in tasks if task.cause != vectors.CAUSE} & difference.incomplete


def repair(index: SearchIndex, difference: Difference) -> dict[str, str]:
    """Write the difference; returns an error for each listing that could not be written.

    One listing that the index refuses must not hold up the others: then each goes alone.
    """
    if not difference.keys:
        return {}
    try:
        index.apply(list(difference.upserts.values()), difference.deletes)
        return {}
    except (IndexBusy, BaseTimeoutException):
        raise
    except DocumentsRefused as refused:
        log.error("cannot index %s", refused)
        return refused.reasons
    except Exception as error:
        if len(difference.keys) == 1:
            log.exception("cannot index %s", *difference.keys)
            return dict.fromkeys(difference.keys, _said(error))
    errors: dict[str, str] = {}
    for key in difference.keys:
        one = difference.upserts.get(key)
        part = Difference({key: one} if one else {}, frozenset() if one else frozenset({key}))
        errors |= repair(index, part)
    return errors


def _postpone(
    database: Database,
    tasks: Sequence[Task],
    errors: dict[str, str],
    otherwise: str,
    now: datetime,
) -> None:
    with database.unit_of_work() as session:
        for task in tasks:
            outbox.postpone(session, task, errors.get(task.key, otherwise), now=now)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
