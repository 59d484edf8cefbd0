"""Recommended lists one by one: of a call, of a firm, and a solution's own.

`match_lists` says what may be shown; here also whether a list is up to date.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from hub.domain import match_lists
from hub.domain.match_lists import Shown
from hub.domain.rules import RULES
from hub.models.listing import Call, Solution
from hub.models.matching import Epoch, Match, MatchList, MatchState
from hub.models.organisation import Organisation
from hub.models.work import OutboxTask


def for_call(session: Session, call: Call, *, now: datetime, limit: int = RULES.k) -> list[Shown]:
    """Solutions recommended for a call, in rank order. Any state of the call, at any time."""
    return match_lists.best_for_calls(session, [call.id], limit=limit).get(call.id, [])


def for_firm(
    session: Session, firm: Organisation, *, now: datetime, limit: int = RULES.k
) -> list[Shown]:
    """Open calls recommended to a firm, each with the firm's best solution, in rank order."""
    return match_lists.best_for_firms(session, [firm.id], now=now, limit=limit).get(firm.id, [])


def for_solution(
    session: Session, solution: Solution, *, now: datetime, limit: int = RULES.k
) -> list[Match]:
    """Open calls that fit a solution, best first."""
    found = match_lists.best_for_solutions(session, [solution.id], now=now, limit=limit)
    return found.get(solution.id, [])


def dealt(session: Session, call: Call) -> MatchList | None:
    """How and when the call's list was dealt last."""
    return session.get(MatchList, ("call", call.id))


def is_current(session: Session, owner: Call | Solution | Organisation) -> bool:
    """Whether the list was made from what is public now, by today's statistics.

    A change leaves a task behind, and who works on it leaves the next one: to match, to deal, to
    explain. So a list is current when it is of the newest epoch and nothing waits for it.
    """
    if isinstance(owner, Call):
        made: Any = session.get(MatchList, ("call", owner.id))
        awaited = _tasks(("match", "deal", "explain"), "call", [owner.id])
    elif isinstance(owner, Solution):
        made = session.get(MatchState, ("solution", owner.id))
        awaited = or_(
            _tasks(("match",), "solution", [owner.id]),
            _tasks(("deal", "explain"), "firm", [owner.organisation_id]),
        )
    else:
        made = session.get(MatchList, ("firm", owner.id))
        own = select(Solution.id).where(Solution.organisation_id == owner.id)
        awaited = or_(
            _tasks(("match",), "solution", own), _tasks(("deal", "explain"), "firm", [owner.id])
        )
    if made is None or made.epoch_id != session.scalar(select(func.max(Epoch.id))):
        return False
    return session.scalar(select(OutboxTask.id).where(awaited).limit(1)) is None


def _tasks(kinds: tuple[str, ...], subject: str, ids: Any) -> ColumnElement[bool]:
    return and_(
        OutboxTask.kind.in_(kinds), OutboxTask.subject == subject, OutboxTask.subject_id.in_(ids)
    )
