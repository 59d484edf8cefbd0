"""Recommended lists as they may be shown now, several at once.

The worker has dealt the places; nothing here changes a rank. What the clock decides (is the call
open, does the town's desk rest?) and what people decide (is it published, was it put aside?) is
asked when a list is read: such a list is shorter until the worker has dealt it again. The number
of queries does not grow with the number of lists.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager, joinedload

from hub.domain.feedback import CLOSING
from hub.domain.rules import RULES
from hub.domain.status import open_at, resting_towns
from hub.models.listing import Call, Solution
from hub.models.matching import Feedback, Match, Place
from hub.models.organisation import Organisation
from hub.models.reference import Municipality


@dataclass(frozen=True, slots=True)
class Shown:
    """A place that may be shown now, and its pair. Ranks keep the gaps of places that may not."""

    place: Place
    match: Match


def best_for_calls(
    session: Session, call_ids: Collection[int], *, limit: int = RULES.k
) -> dict[int, list[Shown]]:
    """The first `limit` places of each call's list; calls without any are left out.

    Any state of the call: its list is its town's.
    """
    return _places(session, _call_places(call_ids), limit)


def best_for_firms(
    session: Session, firm_ids: Collection[int], *, now: datetime, limit: int = RULES.k
) -> dict[int, list[Shown]]:
    """The first `limit` places of each firm's list: calls open at `now`."""
    return _places(session, _firm_places(firm_ids, now), limit)


def best_for_solutions(
    session: Session, solution_ids: Collection[int], *, now: datetime, limit: int = RULES.k
) -> dict[int, list[Match]]:
    """The calls open at `now` that fit each solution best, of calls with nearly the same text one.

    A solution's own list is not dealt: it goes by score alone, ties by a hash of the texts.
    """
    order = (Match.score.desc(), Match.tie)
    turn = func.row_number().over(
        partition_by=(Match.solution_id, Match.original_id), order_by=order
    )
    firsts = _with_listings(
        select(Match.call_id, Match.solution_id, Match.score, Match.tie, turn.label("turn"))
    ).where(_own_pairs(solution_ids, now))
    first = firsts.subquery()
    place = func.row_number().over(
        partition_by=first.c.solution_id, order_by=(first.c.score.desc(), first.c.tie)
    )
    placed = (
        select(first.c.call_id, first.c.solution_id, place.label("place"))
        .where(first.c.turn == 1)
        .subquery()
    )
    shown = select(placed.c.call_id, placed.c.solution_id).where(placed.c.place <= limit)
    wanted = _with_listings(select(Match)).where(
        tuple_(Match.call_id, Match.solution_id).in_(shown)
    )
    lists: dict[int, list[Match]] = {}
    for match in session.scalars(wanted.options(*_PARTS).order_by(*order)):
        lists.setdefault(match.solution_id, []).append(match)
    return lists


def call_counts(session: Session, call_ids: Collection[int]) -> dict[int, int]:
    """How many places the list of each call has now. Calls without any are left out."""
    return _sizes(session, _call_places(call_ids))


def solution_counts(
    session: Session, solution_ids: Collection[int], *, now: datetime
) -> dict[int, int]:
    """How many calls fit each solution at `now`, of copies one."""
    counted = _with_listings(
        select(Match.solution_id, func.count(Match.original_id.distinct()))
    ).where(_own_pairs(solution_ids, now))
    return _numbers(session, counted.group_by(Match.solution_id))


def _call_places(call_ids: Collection[int]) -> ColumnElement[bool]:
    return and_(
        Place.kind == "call",
        Place.owner_id.in_(call_ids),
        Place.ends_at.is_(None),
        Solution.state == "published",
        _not_put_aside(Place.town_id),
    )


def _firm_places(firm_ids: Collection[int], now: datetime) -> ColumnElement[bool]:
    return and_(
        Place.kind == "firm",
        Place.owner_id.in_(firm_ids),
        Place.ends_at.is_(None),
        Solution.state == "published",
        _takes_answers(now),
        _not_put_aside(Place.firm_id),
    )


def _own_pairs(solution_ids: Collection[int], now: datetime) -> ColumnElement[bool]:
    return and_(
        Match.solution_id.in_(solution_ids),
        Match.score >= RULES.cut_firm,
        _takes_answers(now),
        _not_put_aside(Match.firm_id),
    )


def _takes_answers(now: datetime) -> ColumnElement[bool]:
    return and_(open_at(now), Call.organisation_id.not_in(resting_towns(now)))


def _not_put_aside(reader: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """True unless the organisation that reads the list has put this pair aside."""
    return ~exists().where(
        Feedback.organisation_id == reader,
        Feedback.call_id == Match.call_id,
        Feedback.solution_id == Match.solution_id,
        Feedback.verdict.in_(CLOSING),
    )


def _places(session: Session, wanted: ColumnElement[bool], limit: int) -> dict[int, list[Shown]]:
    turn = func.row_number().over(partition_by=Place.owner_id, order_by=Place.rank)
    numbered = _dealt(select(Place.id, turn.label("turn"))).where(wanted).subquery()
    first = select(numbered.c.id).where(numbered.c.turn <= limit)
    rows = _dealt(select(Place, Match)).where(Place.id.in_(first))
    lists: dict[int, list[Shown]] = {}
    for place, match in session.execute(rows.options(*_PARTS).order_by(Place.rank)):
        lists.setdefault(place.owner_id, []).append(Shown(place, match))
    return lists


def _dealt(statement: Any) -> Any:
    """Places with their pairs and both listings, so that conditions may name them."""
    pair = and_(Match.call_id == Place.call_id, Match.solution_id == Place.solution_id)
    return _with_listings(statement.join_from(Place, Match, pair))


def _with_listings(statement: Any) -> Any:
    return statement.join(Match.call).join(Match.solution)


def _sizes(session: Session, wanted: ColumnElement[bool]) -> dict[int, int]:
    counted = _dealt(select(Place.owner_id, func.count())).where(wanted)
    return _numbers(session, counted.group_by(Place.owner_id))


def _numbers(session: Session, counted: Any) -> dict[int, int]:
    return {row[0]: row[1] for row in session.execute(counted)}


_PLACE: Iterable[Any] = (
    joinedload(Organisation.municipality).joinedload(Municipality.prefecture),
    joinedload(Organisation.prefecture),
)
# What a card of a pair says of either side.
_PARTS = (
    contains_eager(Match.call).joinedload(Call.organisation).options(*_PLACE),
    contains_eager(Match.solution).joinedload(Solution.organisation).options(*_PLACE),
)
