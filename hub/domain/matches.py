"""Recommended lists one by one: of a call, of a firm, and a solution's own.

`match_lists` says what may be shown; here also whether a list is up to date, and which listing has
one for another that says nearly the same.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

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


def originals(session: Session, posted: Sequence[Call | Solution]) -> dict[int, Call | Solution]:
    """For each of these listings that counts as a copy: the published one that stands for it.

    All listings must be of one kind. One that stands for itself is left out.
    """
    if not posted:
        return {}
    model: Any = type(posted[0])
    rows = session.execute(
        select(MatchState.subject_id, model)
        .join(model, model.id == MatchState.original_id)
        .where(
            MatchState.subject == posted[0].subject,
            MatchState.subject_id.in_(row.id for row in posted if row.state == "published"),
            model.state == "published",
        )
        .options(joinedload(model.organisation))
    )
    return {row[0]: row[1] for row in rows}


def original(session: Session, listing: Call | Solution) -> Call | Solution | None:
    """The published listing that stands for this one because its text is nearly the same."""
    return originals(session, [listing]).get(listing.id)


def _tasks(kinds: tuple[str, ...], subject: str, ids: Any) -> ColumnElement[bool]:
    return and_(
        OutboxTask.kind.in_(kinds), OutboxTask.subject == subject, OutboxTask.subject_id.in_(ids)
    )
