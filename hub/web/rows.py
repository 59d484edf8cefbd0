"""Loading of public listings for pages: whatever the number of rows, a fixed number of queries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, not_, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from hub.domain.documents import public
from hub.domain.status import open_at
from hub.models.listing import Call, Solution
from hub.models.organisation import Organisation
from hub.models.reference import Municipality, Prefecture
from hub.models.work import AuditEvent

SCAN = 200  # open listings of one town or organisation that a page looks at


def _owner(model: type[Call] | type[Solution]) -> ORMOption:
    return joinedload(model.organisation).options(
        joinedload(Organisation.municipality).joinedload(Municipality.prefecture),
        joinedload(Organisation.prefecture),
    )


CALL_PARTS = (
    _owner(Call),
    joinedload(Call.municipality).joinedload(Municipality.prefecture),
    selectinload(Call.theme_rows),
    selectinload(Call.offer_rows),
    selectinload(Call.eligibility_rows),
)
SOLUTION_PARTS = (
    _owner(Solution),
    selectinload(Solution.theme_rows),
    selectinload(Solution.ask_rows),
    selectinload(Solution.kind_rows),
    selectinload(Solution.area_rows),
)

# Where a call takes place: its own town, else its organisation's. Needs the organisation joined.
town_code: ColumnElement[Any] = func.coalesce(
    Call.municipality_code, Organisation.municipality_code
)
prefecture_code: ColumnElement[Any] = func.coalesce(
    func.substr(Call.municipality_code, 1, 2), Organisation.prefecture_code
)


def calls(session: Session, statement: Select[Any]) -> Sequence[Call]:
    """The calls of a statement that selects Call, with all that a card shows."""
    return session.scalars(statement.options(*CALL_PARTS)).all()


def solutions(session: Session, statement: Select[Any]) -> Sequence[Solution]:
    """The solutions of a statement that selects Solution, with all that a card shows."""
    return session.scalars(statement.options(*SOLUTION_PARTS)).all()


def public_listings(session: Session, ids: Collection[str]) -> dict[str, Call | Solution]:
    """The public ones among these documents (`call-12`, `solution-7`), by the same ids."""
    found: dict[str, Call | Solution] = {}
    numbers = _numbers(ids, "call")
    if numbers:
        rows = calls(session, select(Call).where(Call.id.in_(numbers), public(Call)))
        found |= {f"call-{row.id}": row for row in rows}
    numbers = _numbers(ids, "solution")
    if numbers:
        offered = solutions(
            session, select(Solution).where(Solution.id.in_(numbers), public(Solution))
        )
        found |= {f"solution-{row.id}": row for row in offered}
    return found


def public_names(session: Session, ids: Collection[str]) -> dict[str, Call | Solution]:
    """The same with nothing loaded but the organisation: for lists of titles."""
    found: dict[str, Call | Solution] = {}
    numbers = _numbers(ids, "call")
    if numbers:
        asked = select(Call).where(Call.id.in_(numbers), public(Call)).options(_owner(Call))
        found |= {f"call-{row.id}": row for row in session.scalars(asked)}
    numbers = _numbers(ids, "solution")
    if numbers:
        wanted = select(Solution).where(Solution.id.in_(numbers), public(Solution))
        offered = session.scalars(wanted.options(_owner(Solution)))
        found |= {f"solution-{row.id}": row for row in offered}
    return found


def places(session: Session, codes: Collection[str]) -> dict[str, Municipality | Prefecture]:
    """The prefectures (two digits) and municipalities (six) of these codes."""
    within = joinedload(Municipality.prefecture)
    towns = select(Municipality).where(Municipality.code.in_(codes)).options(within)
    prefectures = select(Prefecture).where(Prefecture.code.in_(codes))
    found: dict[str, Municipality | Prefecture] = {}
    found |= {row.code: row for row in session.scalars(towns)}
    return found | {row.code: row for row in session.scalars(prefectures)}


def _numbers(ids: Collection[str], subject: str) -> list[int]:
    return [int(id_.partition("-")[2]) for id_ in ids if id_.startswith(f"{subject}-")]


def in_time_order(statement: Select[Any]) -> Select[Any]:
    """Nearest deadline first, those without a deadline last."""
    return statement.order_by(Call.closes_at.is_(None), Call.closes_at, Call.id)


def open_calls(now: datetime) -> Select[Any]:
    """Open calls, with the organisation that `town_code` and `prefecture_code` need."""
    return select(Call).join(Call.organisation).where(open_at(now))


def newest_of_each(
    model: type[Call] | type[Solution], condition: ColumnElement[bool], limit: int
) -> Select[Any]:
    """The newest listing of each organisation: posting more often takes no more room."""
    turn = func.row_number().over(
        partition_by=model.organisation_id, order_by=(model.published_at.desc(), model.id.desc())
    )
    ranked = select(model.id, turn.label("turn")).where(condition).subquery()
    return (
        select(model)
        .join(ranked, ranked.c.id == model.id)
        .where(ranked.c.turn == 1)
        .order_by(model.published_at.desc(), model.id.desc())
        .limit(limit)
    )


def within(prefecture: str) -> ColumnElement[bool]:
    """True in SQL for calls in a prefecture. Needs the organisation joined."""
    return prefecture_code == prefecture


def calls_of_town(body_code: str) -> Select[Any]:
    """Public calls that a municipality or prefecture posted, or that take place in the town."""
    return (
        select(Call)
        .join(Call.organisation)
        .where(public(Call), or_(Organisation.body_code == body_code, town_code == body_code))
    )


def is_over(now: datetime) -> ColumnElement[bool]:
    """True in SQL for public calls that have ended: neither open nor still to open."""
    running = and_(Call.state == "published", or_(Call.closes_at.is_(None), Call.closes_at > now))
    return not_(running)


# When a call that is over ended: by its deadline or by hand, whichever came first.
ended_at: ColumnElement[datetime] = case(
    (Call.closed_at.is_(None), Call.closes_at),
    (Call.closes_at < Call.closed_at, Call.closes_at),
    else_=Call.closed_at,
)


def open_counts(
    session: Session, now: datetime, place: ColumnElement[Any], *conditions: ColumnElement[bool]
) -> dict[str, int]:
    """Open calls by `place` (town_code or prefecture_code); places without any are left out."""
    counted = (
        select(place, func.count())
        .select_from(Call)
        .join(Call.organisation)
        .where(open_at(now), *conditions)
        .group_by(place)
    )
    return {code: count for code, count in session.execute(counted) if code}


@dataclass(frozen=True, slots=True)
class DeadlineChange:
    """A deadline that was moved after publication; None means no deadline."""

    at: datetime
    before: datetime | None
    after: datetime | None


def deadline_changes(session: Session, call: Call) -> list[DeadlineChange]:
    """Every move of the deadline since the call was published, oldest first."""
    about_call = and_(AuditEvent.subject == "call", AuditEvent.subject_id == call.id)
    published = (
        select(func.min(AuditEvent.id))
        .where(about_call, AuditEvent.action == "call.publish")
        .scalar_subquery()
    )
    # An event holds only what changed, so either side has a date when the deadline moved.
    before, after = (
        side["closes_at"].as_string() for side in (AuditEvent.before, AuditEvent.after)
    )
    moved = (
        select(AuditEvent.at, before, after)
        .where(
            about_call,
            AuditEvent.action == "call.change",
            AuditEvent.id > published,
            or_(before.is_not(None), after.is_not(None)),
        )
        .order_by(AuditEvent.id)
    )
    return [
        DeadlineChange(at, _moment(old), _moment(new)) for at, old, new in session.execute(moved)
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
