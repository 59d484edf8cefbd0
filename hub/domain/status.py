"""Status by the clock: derived from dates, in Python and in SQL, never stored."""

from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from hub.clock import to_jst
from hub.models.desk import Desk
from hub.models.listing import Call, Solution

Status = Literal["draft", "upcoming", "open", "closed", "archived"]


def status(call: Call, now: datetime) -> Status:
    """What the call is at `now`. The opening minute is open, the closing minute is not."""
    if call.state != "published":
        return "closed" if call.state == "closed" else _unpublished(call)
    if call.opens_at is not None and now < call.opens_at:
        return "upcoming"
    return "closed" if call.closes_at is not None and call.closes_at <= now else "open"


def _unpublished(call: Call) -> Status:
    return "draft" if call.state == "draft" else "archived"


def open_at(now: datetime) -> ColumnElement[bool]:
    """The same as SQL: true for calls whose status is `open`."""
    return and_(
        Call.state == "published",
        or_(Call.opens_at.is_(None), Call.opens_at <= now),
        or_(Call.closes_at.is_(None), Call.closes_at > now),
    )


def public(model: type[Call] | type[Solution]) -> ColumnElement[bool]:
    """True in SQL for listings that everybody may read."""
    return and_(model.state.in_(("published", "closed")), model.published_at.is_not(None))


def desk_rests(now: datetime) -> ColumnElement[bool]:
    """`desks.is_paused` as SQL. The last day of a pause is still paused."""
    until = Desk.paused_until
    return and_(Desk.paused.is_(True), or_(until.is_(None), until >= to_jst(now).date()))


def resting_towns(now: datetime) -> Select[int]:
    """Ids of the organisations that have public desks, all of which rest.

    Their calls are recommended to nobody meanwhile; they stay public and are found by search.
    """
    rest = func.sum(case((desk_rests(now), 1), else_=0))
    return (
        select(Desk.organisation_id)
        .where(Desk.state == "published")
        .group_by(Desk.organisation_id)
        .having(rest == func.count())
    )
