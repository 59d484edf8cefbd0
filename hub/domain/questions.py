"""Questions that only the matcher can answer, asked by a page and answered by a worker.

Two kinds: who would see a draft (`preview`), and why a solution is not shown for a call (`why`).
A question is kept with a mark of what it is about, the texts' versions and the epoch; an answer
to another mark is stale and the question is asked anew. Asking twice changes nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.domain import outbox
from hub.domain.permission import require
from hub.models.listing import Call, Solution
from hub.models.matching import Epoch, Question
from hub.models.organisation import User

KEPT = timedelta(days=30)
NO_SOLUTION = 0


def ask(
    session: Session,
    call: Call,
    solution: Solution | None = None,
    *,
    actor: User | None,
    now: datetime,
) -> Question:
    """The question, answered already or from now on waiting for a worker. Raises Forbidden.

    Without a solution: who would see this draft. With one: why is it not shown for this call.
    """
    require(actor, "call.preview" if solution is None else "call.why", call)
    if solution is not None:
        require(actor, "solution.matches", solution)
    key = _key(call, solution)
    row = _row(session, key, lock=True) or _added(session, key, now)
    current = mark(session, call, solution)
    if row.mark != current or not is_settled(row):
        row.mark, row.asked_at, row.answered_at, row.answer = current, now, None, None
        session.flush()
    if row.answered_at is None:
        outbox.wake(session, "questions")
    return row


def find(session: Session, call: Call, solution: Solution | None = None) -> Question | None:
    """The question if it was asked about what the texts say now, answered or not."""
    row = _row(session, _key(call, solution))
    return row if row is not None and row.mark == mark(session, call, solution) else None


def is_settled(asked: Question) -> bool:
    """Whether asking again would get the same answer, or the answer still waits."""
    return asked.answer is None or not {"failed", "early"} & asked.answer.keys()


def mark(session: Session, call: Call, solution: Solution | None = None) -> str:
    """What a question asked now would be about."""
    epoch = session.scalar(select(func.max(Epoch.id))) or 0
    versions = (call.version,) if solution is None else (call.version, solution.version)
    return ".".join(map(str, (epoch, *versions)))


def waiting(session: Session, *, limit: int) -> list[Question]:
    """Questions without an answer, longest waiting first."""
    unanswered = select(Question).where(Question.answered_at.is_(None))
    return list(session.scalars(unanswered.order_by(Question.asked_at, Question.id).limit(limit)))


def due(session: Session) -> bool:
    """Whether anything waits for an answer."""
    return bool(waiting(session, limit=1))


def answer(session: Session, asked: Question, said: dict[str, Any], *, now: datetime) -> bool:
    """Store the answer; False when another worker was faster or it was asked anew meanwhile."""
    row = session.scalar(
        update(Question)
        .where(Question.id == asked.id, Question.mark == asked.mark, Question.answered_at.is_(None))
        .values(answer=said, answered_at=now)
        .returning(Question.id)
    )
    return row is not None


def forget(session: Session, *, now: datetime) -> None:
    """Delete what was asked long ago."""
    session.execute(delete(Question).where(Question.asked_at < now - KEPT))


_Key = tuple[str, int, int]  # kind, call, solution


def _key(call: Call, solution: Solution | None) -> _Key:
    return ("preview", call.id, NO_SOLUTION) if solution is None else ("why", call.id, solution.id)


def _row(session: Session, key: _Key, *, lock: bool = False) -> Question | None:
    kind, call_id, solution_id = key
    asked = select(Question).where(
        Question.kind == kind, Question.call_id == call_id, Question.solution_id == solution_id
    )
    return session.scalar(asked.with_for_update() if lock else asked)


def _added(session: Session, key: _Key, now: datetime) -> Question:
    kind, call_id, solution_id = key
    row = Question(kind=kind, call_id=call_id, solution_id=solution_id, mark="", asked_at=now)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another person asks the same at the same time
        found = _row(session, key, lock=True)
        assert found is not None
        return found
    return row
