"""The outbox: every rule that changes what the index or the matcher must know calls `note`.

A task says "compare this one" and carries nothing else. Whoever works on tasks claims them for a
short lease, compares, repairs, and settles a task only when both sides are seen to agree. A
worker that dies leaves its tasks to fall due again when the lease is over.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, not_, select, tuple_, update
from sqlalchemy.orm import Session

from hub.models.listing import Call, Solution
from hub.models.work import CHANGE_KINDS, TASK_KINDS, OutboxTask

LEASE = timedelta(seconds=20)
LONGEST_WAIT = timedelta(minutes=5)
SUSPECT_TRIES = 3


@dataclass(frozen=True, slots=True)
class Task:
    """A claimed task. `tries` counts this one."""

    id: int
    subject: str
    subject_id: int
    tries: int
    cause: str = ""

    @property
    def key(self) -> str:
        """The listing's id in the search index, such as `call-12`."""
        return f"{self.subject}-{self.subject_id}"


def note(session: Session, listing: Call | Solution, *, cause: str, now: datetime) -> None:
    """Ask, in the caller's transaction, that index and matches of `listing` be compared again."""
    session.flush()  # a new listing gets its id here
    note_ids(session, listing.subject, [listing.id], cause=cause, now=now)


def note_ids(
    session: Session,
    subject: str,
    ids: Collection[int],
    *,
    cause: str,
    now: datetime,
    kinds: tuple[str, ...] = CHANGE_KINDS,
    ahead: timedelta = timedelta(),
) -> None:
    """The same for several listings by id; `doctor --repair` uses it.

    The task goes before those that were noted up to `ahead` earlier.
    """
    session.info.setdefault("noted", set()).update(kinds if ids else ())
    session.add_all(
        OutboxTask(
            kind=kind,
            subject=subject,
            subject_id=id_,
            cause=cause,
            created_at=now,
            due_at=now - ahead,
        )
        for id_ in ids
        for kind in kinds
    )


def wake(session: Session, name: str) -> None:
    """Wake the workers of a drain after the commit, for work that is kept in another table."""
    session.info.setdefault("noted", set()).add(name)


def take_noted(session: Session) -> frozenset[str]:
    """The kinds noted in this session since the last call: whom to wake after the commit."""
    return frozenset(session.info.pop("noted", ()))


def due(session: Session, now: datetime) -> set[str]:
    """The kinds that have a task to work on now."""
    return {
        kind
        for kind in TASK_KINDS
        if session.scalar(
            select(OutboxTask.id).where(OutboxTask.kind == kind, OutboxTask.due_at <= now).limit(1)
        )
        is not None
    }


def count(session: Session, kind: str, now: datetime) -> int:
    """How many tasks of a kind there are to work on now."""
    waiting = select(func.count()).select_from(OutboxTask)
    return session.scalar(waiting.where(OutboxTask.kind == kind, OutboxTask.due_at <= now)) or 0


def claim(session: Session, kind: str, *, now: datetime, limit: int) -> list[Task]:
    """Take the due tasks of up to `limit` listings for a lease; commit before working on them.

    Needs a writing session: SQLite then has one claimer at a time, PostgreSQL skips rows that
    another claimer holds. Two workers never get the same task while its lease lasts, unless `hurry` ends it. Several
    tasks of one listing are taken together, since one look answers them all.

    A task that was taken several times and never came back, not even with an error, may be what
    kills its worker. Such tasks come last and one by one, so that they take no others with them.
    """
    is_due = and_(OutboxTask.kind == kind, OutboxTask.due_at <= now)
    is_suspect = and_(OutboxTask.tries >= SUSPECT_TRIES, OutboxTask.last_error == "")
    oldest = (
        select(OutboxTask.subject, OutboxTask.subject_id)
        .order_by(OutboxTask.due_at, OutboxTask.id)
        .with_for_update(skip_locked=True)
    )
    first = session.execute(oldest.where(is_due, not_(is_suspect)).limit(limit)).all()
    if not first:
        first = session.execute(oldest.where(is_due).limit(1)).all()
    keys = {(row.subject, row.subject_id) for row in first}
    rows = session.execute(
        select(
            OutboxTask.id,
            OutboxTask.subject,
            OutboxTask.subject_id,
            OutboxTask.tries,
            OutboxTask.cause,
        )
        .where(is_due, tuple_(OutboxTask.subject, OutboxTask.subject_id).in_(keys))
        .order_by(OutboxTask.id)
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(
        update(OutboxTask)
        .where(OutboxTask.id.in_([row.id for row in rows]))
        .values(due_at=now + LEASE, tries=OutboxTask.tries + 1)
    )
    return [Task(row.id, row.subject, row.subject_id, row.tries + 1, row.cause) for row in rows]


def settle(session: Session, tasks: Collection[Task]) -> None:
    """Delete tasks whose two sides were seen to agree."""
    session.execute(delete(OutboxTask).where(OutboxTask.id.in_([task.id for task in tasks])))


def give_back(
    session: Session, tasks: Collection[Task], *, now: datetime, seconds: float = 0
) -> None:
    """Let tasks fall due again after `seconds`, as if they had not been tried."""
    session.execute(
        update(OutboxTask)
        .where(OutboxTask.id.in_([task.id for task in tasks]))
        .values(due_at=now + timedelta(seconds=seconds), tries=OutboxTask.tries - 1)
    )


def postpone(session: Session, task: Task, error: str, *, now: datetime) -> None:
    """Try a failed task again later, each time later, and say on the row what went wrong."""
    session.execute(
        update(OutboxTask)
        .where(OutboxTask.id == task.id)
        .values(due_at=now + wait(task.tries), last_error=error[:500])
    )


def hurry(session: Session, kind: str, *, now: datetime) -> None:
    """Let all tasks of a kind fall due: what they waited for has come."""
    session.execute(update(OutboxTask).where(OutboxTask.kind == kind).values(due_at=now))


def put_off(session: Session, kind: str, *, now: datetime, seconds: float) -> None:
    """Let no task of a kind fall due for some seconds: what all of them need is away."""
    later = now + timedelta(seconds=seconds)
    session.execute(
        update(OutboxTask)
        .where(OutboxTask.kind == kind, OutboxTask.due_at < later)
        .values(due_at=later)
    )


def cancel(session: Session, kind: str) -> None:
    """Delete all tasks of a kind: nobody does such work any more."""
    session.execute(delete(OutboxTask).where(OutboxTask.kind == kind))


def wait(tries: int) -> timedelta:
    """How long a task rests after failing `tries` times: 2, 4, 8 … seconds, at most 5 minutes."""
    return min(timedelta(seconds=2 ** min(tries, 10)), LONGEST_WAIT)
