"""Recommended lists one by one: of a call, of a firm, and a solution's own.

`match_lists` says what may be shown; here also whether a list is up to date.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.domain import facts, match_lists
from hub.domain.match_lists import LONGEST, Shown
from hub.models.listing import Call, Solution
from hub.models.matching import Epoch, Match, MatchList, MatchState
from hub.models.organisation import Organisation
from hub.models.work import OutboxTask

WEAKEST_FOR_CALL = match_lists.WEAKEST_FOR_CALL
WEAKEST_FOR_SOLUTION = match_lists.WEAKEST_FOR_SOLUTION
WEAKEST = match_lists.WEAKEST


def for_call(session: Session, call: Call, *, now: datetime, limit: int = LONGEST) -> list[Shown]:
    """Solutions recommended for a call, in rank order. Any state of the call, at any time."""
    return match_lists.best_for_calls(session, [call.id], limit=limit).get(call.id, [])


def for_firm(
    session: Session, firm: Organisation, *, now: datetime, limit: int = LONGEST
) -> list[Shown]:
    """Open calls recommended to a firm, each with the firm's best solution, in rank order."""
    return match_lists.best_for_firms(session, [firm.id], now=now, limit=limit).get(firm.id, [])


def for_solution(
    session: Session, solution: Solution, *, now: datetime, limit: int = LONGEST
) -> list[Match]:
    """Open calls that fit a solution, best first."""
    found = match_lists.best_for_solutions(session, [solution.id], now=now, limit=limit)
    return found.get(solution.id, [])


def dealt(session: Session, call: Call) -> MatchList | None:
    """How and when the call's list was dealt last."""
    return session.get(MatchList, ("call", call.id))


def is_current(session: Session, owner: Call | Solution | Organisation) -> bool:
    """Whether the list was made from what is public now, by today's statistics.

    Of a call or a firm: it was dealt in the newest epoch and nothing waits that would change it.
    Of a solution: its pairs were made from what it says now.
    """
    epoch = session.scalar(select(func.max(Epoch.id)))
    if isinstance(owner, Solution):
        return _is_matched(session, owner, epoch)
    kind = owner.subject if isinstance(owner, Call) else "firm"
    made = session.get(MatchList, (kind, owner.id))
    if made is None or made.epoch_id != epoch:
        return False
    return not _waits(session, owner)


def _is_matched(session: Session, solution: Solution, epoch: int | None) -> bool:
    found = facts.load(session, "solution", [solution.id]).get(solution.id)
    state = session.get(MatchState, ("solution", solution.id))
    if found is None or state is None:
        return False
    return state.epoch_id == epoch and state.fingerprint == facts.fingerprint(found)


def _waits(session: Session, owner: Call | Organisation) -> bool:
    """Whether a task waits for this list: to match what it recommends for, or to deal it."""
    if isinstance(owner, Call):
        subject, kind, ids = "call", "call", select(Call.id).where(Call.id == owner.id)
    else:
        subject, kind = "solution", "firm"
        ids = select(Solution.id).where(Solution.organisation_id == owner.id)
    matching = select(OutboxTask.id).where(
        OutboxTask.kind == "match", OutboxTask.subject == subject, OutboxTask.subject_id.in_(ids)
    )
    dealing = select(OutboxTask.id).where(
        OutboxTask.kind == "deal", OutboxTask.subject == kind, OutboxTask.subject_id == owner.id
    )
    return any(session.scalar(asked.limit(1)) is not None for asked in (matching, dealing))
