"""Where a solution stands for a call, told to its own firm and naming nobody else."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.domain import desks, match_lists
from hub.domain.feedback import CLOSING
from hub.domain.status import resting_towns, status
from hub.models.listing import Call, Solution
from hub.models.matching import Feedback, Match, Place

TELLING = 3  # places by merit from which on their least score is told


@dataclass(frozen=True, slots=True)
class Position:
    """A solution's standing in the list of a call.

    `place` is the firm's place, which another of its solutions may hold: a firm takes one. `rank`
    counts firms by score alone, from 1 (None: not among the pairs that were scored). `places` is
    how long the list is, `last` the least score of a place by merit (None while so few have one
    that it would be a single firm's), `reserved` how many places were kept for the unseen.
    `shut` names what the clock or people have closed, whatever the score: it keeps the solution
    out of the call's list. `apart` names what keeps the call out of the firm's own list, and
    `rests_until` is the last day of a break that is among it, if one was named.
    """

    place: Place | None
    rank: int | None
    places: int
    last: float | None
    reserved: int
    shut: tuple[str, ...]
    apart: tuple[str, ...]
    rests_until: date | None


def position(session: Session, call: Call, solution: Solution, *, now: datetime) -> Position:
    """Look up where a solution stands for a call at `now`."""
    held = match_lists.best_for_calls(session, [call.id]).get(call.id, [])
    own = [one.place for one in held if one.place.firm_id == solution.organisation_id]
    merit = [one.match.score for one in held if one.place.how != "reserve"]
    apart = _apart(session, call, solution, now)
    return Position(
        place=next(iter(own), None),
        rank=_rank(session, call, solution),
        places=len(held),
        last=min(merit) if len(merit) >= TELLING else None,
        reserved=len(held) - len(merit),
        shut=_shut(session, call, solution, now),
        apart=apart,
        rests_until=desks.rest_ends(session, call.organisation) if "resting" in apart else None,
    )


def _rank(session: Session, call: Call, solution: Solution) -> int | None:
    own = session.get(Match, (call.id, solution.id))
    if own is None:
        return None
    ahead = select(func.count(Match.firm_id.distinct())).where(
        Match.call_id == call.id, Match.score > own.score, Match.firm_id != own.firm_id
    )
    return (session.scalar(ahead) or 0) + 1


def _shut(session: Session, call: Call, solution: Solution, now: datetime) -> tuple[str, ...]:
    """What keeps the solution out of the call's list now, whatever its score."""
    return _true(
        withdrawn=solution.state != "published",
        over=status(call, now) == "closed",
        put_aside_by_town=_put_aside(session, call.organisation_id, call, solution),
    )


def _apart(session: Session, call: Call, solution: Solution, now: datetime) -> tuple[str, ...]:
    """What keeps the call out of the firm's own list now, while it is not over."""
    if status(call, now) == "closed":
        return ()
    return _true(
        upcoming=status(call, now) == "upcoming",
        resting=call.organisation_id in session.scalars(resting_towns(now)).all(),
        put_aside=_put_aside(session, solution.organisation_id, call, solution),
    )


def _put_aside(session: Session, organisation_id: int, call: Call, solution: Solution) -> bool:
    said = session.get(Feedback, (organisation_id, call.id, solution.id))
    return said is not None and said.verdict in CLOSING


def _true(**gates: bool) -> tuple[str, ...]:
    return tuple(name for name, is_so in gates.items() if is_so)
