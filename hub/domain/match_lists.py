"""Matches of several listings at once, as `hub.domain.matches` shows them one by one.

The number of queries does not grow with the number of listings.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.orm import Session, contains_eager, joinedload

from hub.domain.matches import WEAKEST_FOR_CALL, WEAKEST_FOR_SOLUTION
from hub.domain.status import open_at
from hub.models.listing import Call, Solution
from hub.models.matching import Match
from hub.models.organisation import Organisation
from hub.models.reference import Municipality


def call_counts(session: Session, call_ids: Collection[int]) -> dict[int, int]:
    """How many places the list of each call has: one per firm. Calls without any are left out."""
    return _counts(session, _for_calls(call_ids), Match.call_id, Solution.organisation_id)


def solution_counts(
    session: Session, solution_ids: Collection[int], *, now: datetime
) -> dict[int, int]:
    """How many places the list of each solution has: calls open at `now`, of copies one."""
    return _counts(session, _for_solutions(solution_ids, now), Match.solution_id, Match.original_id)


def best_for_calls(
    session: Session, call_ids: Collection[int], *, limit: int
) -> dict[int, list[Match]]:
    """The first `limit` solutions of each call's list, best first; calls without any left out."""
    found = _for_calls(call_ids)
    return _best(session, found, Match.call_id, Solution.organisation_id, limit)


def best_for_solutions(
    session: Session, solution_ids: Collection[int], *, now: datetime, limit: int
) -> dict[int, list[Match]]:
    """The first `limit` calls of each solution's list, best first."""
    found = _for_solutions(solution_ids, now)
    return _best(session, found, Match.solution_id, Match.original_id, limit)


def _for_calls(call_ids: Collection[int]) -> ColumnElement[bool]:
    return and_(
        Match.call_id.in_(call_ids),
        Match.score >= WEAKEST_FOR_CALL,
        Solution.state == "published",
    )


def _for_solutions(solution_ids: Collection[int], now: datetime) -> ColumnElement[bool]:
    return and_(
        Match.solution_id.in_(solution_ids), Match.score >= WEAKEST_FOR_SOLUTION, open_at(now)
    )


def _counts(session: Session, wanted: Any, own: Any, group: Any) -> dict[int, int]:
    counted = _pairs(select(own, func.count(group.distinct()))).where(wanted).group_by(own)
    return {row[0]: row[1] for row in session.execute(counted)}


def _best(
    session: Session, wanted: Any, own: Any, group: Any, limit: int
) -> dict[int, list[Match]]:
    order = (Match.score.desc(), Match.tie)
    turn = func.row_number().over(partition_by=(own, group), order_by=order)
    firsts = _pairs(
        select(Match.call_id, Match.solution_id, Match.score, Match.tie, own.label("own"))
        .add_columns(turn.label("turn"))
        .where(wanted)
    ).subquery()
    place = func.row_number().over(
        partition_by=firsts.c.own, order_by=(firsts.c.score.desc(), firsts.c.tie)
    )
    placed = (
        select(firsts.c.call_id, firsts.c.solution_id, place.label("place"))
        .where(firsts.c.turn == 1)
        .subquery()
    )
    shown = select(placed.c.call_id, placed.c.solution_id).where(placed.c.place <= limit)
    lists: dict[int, list[Match]] = {}
    statement = _pairs(select(Match)).where(tuple_(Match.call_id, Match.solution_id).in_(shown))
    for match in session.scalars(statement.options(*_parts()).order_by(*order)):
        lists.setdefault(getattr(match, own.key), []).append(match)
    return lists


def _pairs(statement: Select[Any]) -> Select[Any]:
    """With both listings, so that conditions may name them."""
    return statement.join(Match.call).join(Match.solution)


def _parts() -> tuple[Any, ...]:
    """What a card of a match says of either side."""
    place = (
        joinedload(Organisation.municipality).joinedload(Municipality.prefecture),
        joinedload(Organisation.prefecture),
    )
    return (
        contains_eager(Match.call).joinedload(Call.organisation).options(*place),
        contains_eager(Match.solution).joinedload(Solution.organisation).options(*place),
    )
