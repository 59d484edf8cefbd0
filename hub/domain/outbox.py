"""The outbox: every rule that changes what the index or the matcher must know calls `note`."""

from datetime import datetime

from sqlalchemy.orm import Session

from hub.models.listing import Call, Solution
from hub.models.work import TASK_KINDS, OutboxTask


def note(session: Session, listing: Call | Solution, *, cause: str, now: datetime) -> None:
    """Ask, in the caller's transaction, that index and matches of `listing` be compared again."""
    session.flush()  # a new listing gets its id here
    note_ids(session, listing.subject, [listing.id], cause=cause, now=now)


def note_ids(
    session: Session,
    subject: str,
    ids: list[int],
    *,
    cause: str,
    now: datetime,
    kinds: tuple[str, ...] = TASK_KINDS,
) -> None:
    """The same for several listings by id; `doctor --repair` uses it."""
    session.add_all(
        OutboxTask(
            kind=kind, subject=subject, subject_id=id_, cause=cause, created_at=now, due_at=now
        )
        for id_ in ids
        for kind in kinds
    )
