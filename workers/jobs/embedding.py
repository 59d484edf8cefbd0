"""Vectors of passages: computed in the background, by whatever model there is.

All titles come before the rest: a listing that has more to compute goes to the end of the line.
Each step computes a few passages and keeps them in one transaction, so a killed worker loses at
most those; what is kept is never computed again. Everything else the workers do goes first.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from hub.clock import utcnow
from hub.db import Database
from hub.domain import documents, outbox, vectors
from hub.domain.outbox import Task
from search.embedding import Embedder, EmbedderUnavailable
from workers.context import opened

log = logging.getLogger(__name__)

BATCH = 8  # listings in a step, and passages
BUDGET_SECONDS = 10.0  # then the job is put at the end of its queue
AWAY_SECONDS = 30  # how long tasks wait for a model that does not answer

Clock = Callable[[], datetime]


def run() -> None:
    """The job: follow the settings to their model, then work on embed tasks for a while."""
    here = opened()
    here.queue.begun("embed")
    if follow(here.database, here.embedder, clock=here.clock):
        here.queue.ping("index", "match")
    if here.embedder is None:
        return
    done = drain(
        here.database,
        here.embedder,
        clock=here.clock,
        seconds=BUDGET_SECONDS,
        gives_way=lambda: here.queue.has_jobs("index", "match", "questions"),
    )
    here.queue.ping("index", "match")
    if not done:
        here.queue.ping("embed")


def follow(database: Database, embedder: Embedder | None, *, clock: Clock = utcnow) -> bool:
    """Put the embedder's model in force; False when it is already, or does not answer.

    Without an embedder no model is in force and nothing is left to do.
    """
    try:
        model = embedder.model if embedder else None
    except EmbedderUnavailable as error:
        log.info("no model answers: %s", error)
        return False
    with database.session() as session:
        idle = "embed" not in outbox.due(session, clock())
        if model is None and idle and vectors.in_force(session) is None:
            return False
    with database.unit_of_work() as session:
        if model is None:
            outbox.cancel(session, "embed")
        changed = vectors.adopt(session, model, now=clock())
    if changed:
        log.info("model in force: %s", model or "none")
    return changed


def drain(
    database: Database,
    embedder: Embedder,
    *,
    clock: Clock = utcnow,
    seconds: float = float("inf"),
    gives_way: Callable[[], bool] = lambda: False,
) -> bool:
    """Work on due tasks; False when the time was up, or others had to go first."""
    deadline = time.monotonic() + seconds
    while True:
        with database.unit_of_work() as session:
            tasks = outbox.claim(session, "embed", now=clock(), limit=BATCH)
        if not tasks:
            return True
        _work(database, embedder, tasks, clock)
        if time.monotonic() >= deadline or gives_way():
            return False


def _work(database: Database, embedder: Embedder, tasks: Sequence[Task], clock: Clock) -> None:
    """One step for all tasks; when it fails with a model that answers, one for each listing."""
    try:
        step(database, embedder, tasks, clock)
    except EmbedderUnavailable as error:
        if not _answers(embedder):
            log.info("no vectors for a while: %s", error)
            with database.unit_of_work() as session:
                outbox.give_back(session, tasks, now=clock())
                outbox.put_off(session, "embed", now=clock(), seconds=AWAY_SECONDS)
            return
        by_key: dict[str, list[Task]] = {}
        for task in tasks:
            by_key.setdefault(task.key, []).append(task)
        if len(by_key) > 1:
            for own in by_key.values():
                _work(database, embedder, own, clock)
            return
        log.warning("no vectors for %s: %s", *by_key, error)
        with database.unit_of_work() as session:
            for task in tasks:
                outbox.postpone(session, task, str(error), now=clock())


def _answers(embedder: Embedder) -> bool:
    try:
        return bool(embedder.model)
    except EmbedderUnavailable:
        return False


def step(database: Database, embedder: Embedder, tasks: Sequence[Task], clock: Clock) -> None:
    """Compute and keep the next passages of these listings; settle those that have all.

    Raises EmbedderUnavailable.
    """
    with database.session() as session:
        model = vectors.in_force(session)
        found = documents.load(session, {task.key for task in tasks})
    lacking = {key: vectors.lacking(document) for key, document in found.items()}
    texts = _next(lacking.values())
    rows = embedder.embed_passages(texts) if texts else None
    if embedder.model != model:
        raise EmbedderUnavailable(f"{model} is in force, {embedder.model} answers")
    ready = {key for key, some in lacking.items() if {text for _, text in some} <= set(texts)}
    done = [task for task in tasks if task.key in ready or task.key not in found]
    left = [task for task in tasks if task.key in found.keys() - ready]
    now = clock()
    with database.unit_of_work() as session:
        if rows is not None:
            vectors.store(session, model, texts, rows, now=now)
        changed = {key for key, some in lacking.items() if {text for _, text in some} & set(texts)}
        vectors.ask_to_index(session, changed | ready, now=now)
        vectors.ask_to_match(session, ready, now=now)
        outbox.settle(session, done)
        outbox.give_back(session, left, now=now)


def _next(lacking: Collection[list[tuple[int, str]]]) -> list[str]:
    """The passages to compute now: titles that are missing, else whatever comes first."""
    titles = [text for some in lacking for place, text in some if place == 0]
    texts = titles or [text for some in lacking for _, text in some]
    return list(dict.fromkeys(texts))[:BATCH]
