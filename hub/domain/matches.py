"""Reading matches: which pairs a list shows, in which order.

The worker has scored the pairs; nothing here changes a score. What the clock decides (is the
call open?) and what people decide (is it published?) is asked when a list is read.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from hub.domain import facts
from hub.domain.status import open_at
from hub.models.listing import Call, Solution
from hub.models.matching import Epoch, Match, MatchState
from hub.models.organisation import Organisation
from hub.models.reference import Municipality

# Nothing weaker is shown: a list of four good ones beats ten padded ones.
WEAKEST_FOR_CALL = 0.40
WEAKEST_FOR_SOLUTION = 0.35
WEAKEST = min(WEAKEST_FOR_CALL, WEAKEST_FOR_SOLUTION)

Grouped = tuple[int, int]  # a listing, and the group of which a list shows one


def for_call(session: Session, call: Call, *, now: datetime, limit: int = 10) -> list[Match]:
    """Solutions for a call, best first, one per firm. Any state of the call: it is its town's."""
    chosen = _one_each(_solutions_for(session, call))[:limit]
    matches = session.scalars(
        select(Match)
        .where(Match.call_id == call.id, Match.solution_id.in_(chosen))
        .options(
            joinedload(Match.solution).joinedload(Solution.organisation),
            joinedload(Match.solution).selectinload(Solution.theme_rows),
            joinedload(Match.solution).selectinload(Solution.area_rows),
        )
    )
    return sorted(matches, key=lambda match: chosen.index(match.solution_id))


def for_solution(
    session: Session, solution: Solution, *, now: datetime, limit: int = 10
) -> list[Match]:
    """Calls open at `now` for a solution, best first; of calls with nearly the same text one."""
    chosen = _one_each(_calls_for(session, solution, now))[:limit]
    place = joinedload(Organisation.municipality).joinedload(Municipality.prefecture)
    matches = session.scalars(
        select(Match)
        .where(Match.solution_id == solution.id, Match.call_id.in_(chosen))
        .options(
            joinedload(Match.call).joinedload(Call.organisation).options(place),
            joinedload(Match.call).selectinload(Call.theme_rows),
        )
    )
    return sorted(matches, key=lambda match: chosen.index(match.call_id))


def count(session: Session, listing: Call | Solution, *, now: datetime) -> int:
    """How many places the whole list of a listing has."""
    if isinstance(listing, Call):
        return len(_one_each(_solutions_for(session, listing)))
    return len(_one_each(_calls_for(session, listing, now)))


def is_current(session: Session, listing: Call | Solution) -> bool:
    """Whether the listing's matches were made from what it says now, by today's statistics."""
    found = facts.load(session, listing.subject, [listing.id]).get(listing.id)
    state = session.get(MatchState, (listing.subject, listing.id))
    if found is None or state is None:
        return False
    epoch = session.scalar(select(func.max(Epoch.id)))
    return state.epoch_id == epoch and state.fingerprint == facts.fingerprint(found)


def _solutions_for(session: Session, call: Call) -> Iterable[Grouped]:
    wanted = and_(
        Match.call_id == call.id,
        Match.score >= WEAKEST_FOR_CALL,
        Match.solution_id == Solution.id,
        Solution.state == "published",
    )
    return _ordered(session, Match.solution_id, Solution.organisation_id, wanted)


def _calls_for(session: Session, solution: Solution, now: datetime) -> Iterable[Grouped]:
    wanted = and_(
        Match.solution_id == solution.id,
        Match.score >= WEAKEST_FOR_SOLUTION,
        Match.call_id == Call.id,
        open_at(now),
    )
    return _ordered(session, Match.call_id, Match.original_id, wanted)


def _ordered(
    session: Session,
    other: InstrumentedAttribute[int],
    group: InstrumentedAttribute[int],
    wanted: ColumnElement[bool],
) -> Iterable[Grouped]:
    """Equal scores go by a hash of the texts: no date and no id decides."""
    rows = session.execute(
        select(other, group).where(wanted).order_by(Match.score.desc(), Match.tie)
    )
    return ((row[0], row[1]) for row in rows)


def _one_each(pairs: Iterable[Grouped]) -> list[int]:
    """The first listing of each group, in order."""
    first: dict[int, int] = {}
    for listing_id, group in pairs:
        first.setdefault(group, listing_id)
    return list(first.values())
