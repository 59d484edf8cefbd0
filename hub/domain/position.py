"""Where a solution stands for a call, told to its own firm and naming nobody else."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

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
    that it would be a single firm's), `reserved` how many places were kept for the unseen. `shut` names what the clock or people have closed.
    """

    place: Place | None
    rank: int | None
    places: int
    last: float | None
    reserved: int
    shut: tuple[str, ...]


def position(session: Session, call: Call, solution: Solution, *, now: datetime) -> Position:
    """Look up where a solution stands for a call at `now`."""
    held = session.execute(
        select(Place, Match.score)
        .join(Match, (Match.call_id == Place.call_id) & (Match.solution_id == Place.solution_id))
        .where(Place.kind == "call", Place.owner_id == call.id, Place.ends_at.is_(None))
        .order_by(Place.rank)
    ).all()
    merit = [score for place, score in held if place.how != "reserve"]
    return Position(
        place=next((p for p, _ in held if p.firm_id == solution.organisation_id), None),
        rank=_rank(session, call, solution),
        places=len(held),
        last=min(merit) if len(merit) >= TELLING else None,
        reserved=len(held) - len(merit),
        shut=_shut(session, call, solution, now),
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
    """What keeps the pair apart now, whatever its score."""
    said = session.get(Feedback, (solution.organisation_id, call.id, solution.id))
    resting = call.organisation_id in session.scalars(resting_towns(now)).all()
    gates = {
        "withdrawn": solution.state != "published",
        "over": status(call, now) == "closed",
        "upcoming": status(call, now) == "upcoming",
        "resting": resting,
        "put_aside": said is not None and said.verdict in CLOSING,
    }
    return tuple(name for name, is_shut in gates.items() if is_shut)
