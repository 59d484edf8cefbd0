"""Lists and their places: what they are dealt from, what is kept of them, when to deal anew.

How places are dealt is the matcher's business; here is what the marketplace knows about it. A
"deal" task names a list (of a "call", or of a "firm" by its organisation) or the whole "market".
Whoever changes what a list may hold asks for it in the same transaction; what the clock alone
changes is found by `follow_clock`.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from hub.db import in_parts
from hub.domain import outbox
from hub.domain.organisations import is_identified
from hub.domain.rules import RULES
from hub.domain.status import open_at
from hub.models.listing import Call, Solution
from hub.models.matching import Epoch, Match, MatchList, Place, Standing
from hub.models.organisation import Organisation
from hub.models.work import OutboxTask

MARKET = "market"  # the subject of a task that asks for every list
CURRENT = Place.ends_at.is_(None)

List = tuple[str, int]  # kind, owner


def ask(session: Session, kind: str, ids: Collection[int], *, cause: str, now: datetime) -> None:
    """Ask for lists to be dealt anew; one that waits already is not asked for twice.

    Only for callers that hold the market's lock, as who takes such tasks does: a task seen
    waiting here is then taken after our transaction.
    """
    for part in in_parts(sorted(ids)):
        waiting = select(OutboxTask.subject_id).where(
            OutboxTask.kind == "deal",
            OutboxTask.subject == kind,
            OutboxTask.subject_id.in_(part),
            OutboxTask.due_at <= now,
        )
        fresh = sorted(set(part) - set(session.scalars(waiting)))
        outbox.note_ids(session, kind, fresh, cause=cause, now=now, kinds=("deal",))


def ask_for_town(session: Session, town_id: int, *, cause: str, now: datetime) -> None:
    """Ask for the list of every firm that may be told of this town's calls: its desk changed."""
    firms = session.scalars(
        select(Match.firm_id)
        .where(Match.town_id == town_id, Match.score >= RULES.cut_firm)
        .distinct()
    ).all()
    outbox.note_ids(session, "firm", firms, cause=cause, now=now, kinds=("deal",))


def fitting(session: Session, calls: Collection[int]) -> set[int]:
    """The firms that may be told of these calls."""
    found: set[int] = set()
    for part in in_parts(sorted(calls)):
        fit = select(Match.firm_id).where(Match.call_id.in_(part), Match.score >= RULES.cut_firm)
        found |= set(session.scalars(fit.distinct()))
    return found


def due(session: Session, now: datetime) -> bool:
    """Whether the clock has made a list untrue. Asked every few seconds: it looks at calls alone."""
    return any(
        session.scalar(statement.limit(1)) is not None for statement in (_over(now), _opened(now))
    )


def follow_clock(session: Session, now: datetime) -> None:
    """Ask for the lists that time has made untrue: a deadline passed, or a call has opened."""
    over, opened = (session.scalars(found).all() for found in (_over(now), _opened(now)))
    ask(session, "call", [*over, *opened], cause="clock", now=now)
    for part in in_parts(over):
        told = select(Place.owner_id).where(CURRENT, Place.kind == "firm", Place.call_id.in_(part))
        ask(session, "firm", session.scalars(told.distinct()).all(), cause="clock", now=now)
    ask(session, "firm", fitting(session, opened), cause="clock", now=now)


def _over(now: datetime) -> Any:
    """Calls that have a list and are open no more."""
    return (
        select(Call.id)
        .join(MatchList, and_(MatchList.kind == "call", MatchList.owner_id == Call.id))
        .where(or_(Call.state != "published", Call.closes_at <= now))
    )


def _opened(now: datetime) -> Any:
    return (
        select(Call.id)
        .join(MatchList, and_(MatchList.kind == "call", MatchList.owner_id == Call.id))
        .where(Call.state == "published", Call.opens_at <= now, Call.opens_at > MatchList.dealt_at)
    )


# --- What lists are dealt from -------------------------------------------------------------------


def candidates(
    session: Session, kind: str, ids: Collection[int] | None, *, now: datetime
) -> list[Row[Any]]:
    """Pairs that may take a place in these lists (None: in all), by columns of the match.

    `verified` tells whether the firm may win reserve places: it is known who it is.
    """
    own = Match.call_id if kind == "call" else Match.firm_id
    statement = (
        select(
            Match.call_id,
            Match.solution_id,
            Match.firm_id,
            Match.town_id,
            Match.original_id,
            Match.score,
            Match.tie,
            is_identified().label("verified"),
        )
        .join(Call, Match.call_id == Call.id)
        .join(Solution, Match.solution_id == Solution.id)
        .join(Organisation, Match.firm_id == Organisation.id)
        .where(
            Solution.state == "published",
            live(now) if kind == "call" else open_at(now),
            Match.score >= (RULES.cut_call if kind == "call" else RULES.cut_firm),
        )
    )
    if ids is None:
        return list(session.execute(statement))
    rows: list[Row[Any]] = []
    for part in in_parts(sorted(ids)):
        rows += session.execute(statement.where(own.in_(part)))
    return rows


def parts_of(
    session: Session, kind: str, ids: Collection[int]
) -> dict[tuple[int, int], tuple[dict[str, Any], float]]:
    """The sub-scores and the factor for prose of all pairs (call, solution) of some lists."""
    own = Match.call_id if kind == "call" else Match.firm_id
    found: dict[tuple[int, int], tuple[dict[str, Any], float]] = {}
    for part in in_parts(sorted(ids)):
        rows = session.execute(
            select(Match.call_id, Match.solution_id, Match.parts, Match.prose).where(own.in_(part))
        )
        found |= {(row.call_id, row.solution_id): (row.parts, row.prose) for row in rows}
    return found


def live(now: datetime) -> ColumnElement[bool]:
    """True in SQL for calls that are open or will open."""
    return and_(Call.state == "published", or_(Call.closes_at.is_(None), Call.closes_at > now))


def owners(
    session: Session, kind: str, *, now: datetime, among: Collection[int] | None = None
) -> set[int]:
    """Whoever has a list: calls that are open or will open, firms that offer something.

    All of them, or those among some.
    """
    column = Call.id if kind == "call" else Solution.organisation_id
    has = live(now) if kind == "call" else Solution.state == "published"
    statement = select(column).where(has).distinct()
    if among is None:
        return set(session.scalars(statement))
    return {
        id_
        for part in in_parts(sorted(among))
        for id_ in session.scalars(statement.where(column.in_(part)))
    }


def listed(session: Session, kind: str) -> set[int]:
    """Whoever has a list that was dealt."""
    return set(session.scalars(select(MatchList.owner_id).where(MatchList.kind == kind)))


def ask_to_explain(session: Session, kind: str, ids: Collection[int], *, now: datetime) -> None:
    """Ask for the sentences of the pairs in these lists."""
    outbox.note_ids(session, kind, sorted(ids), cause="deal", now=now, kinds=("explain",))


def held(session: Session, ids: Collection[int]) -> list[tuple[int, int]]:
    """The reserve places (call, solution) in the lists of these calls."""
    found: list[tuple[int, int]] = []
    for part in in_parts(sorted(ids)):
        rows = session.execute(
            select(Place.call_id, Place.solution_id).where(
                CURRENT, Place.kind == "call", Place.how == "reserve", Place.owner_id.in_(part)
            )
        )
        found += [(row.call_id, row.solution_id) for row in rows]
    return found


def placed_elsewhere(
    session: Session, firms: Collection[int], ids: Collection[int], *, now: datetime
) -> set[int]:
    """Those of the firms that hold a place in the list of a live call other than these."""
    found: set[int] = set()
    inside = set(ids)
    for part in in_parts(sorted(firms)):
        rows = session.execute(
            select(Place.firm_id, Place.owner_id)
            .join(Call, Place.owner_id == Call.id)
            .where(CURRENT, Place.kind == "call", Place.firm_id.in_(part), live(now))
        )
        found |= {row.firm_id for row in rows if row.owner_id not in inside}
    return found


def appearances(session: Session) -> Counter[int]:
    """In how many calls' lists each firm is."""
    rows = session.execute(
        select(Place.firm_id, func.count())
        .where(CURRENT, Place.kind == "call")
        .group_by(Place.firm_id)
    )
    return Counter({row[0]: row[1] for row in rows})


@dataclass(frozen=True, slots=True)
class Reach:
    """In how many firms' lists calls and towns are, apart from the lists being dealt."""

    calls: Counter[int]
    towns: Counter[int]


def reach(session: Session, calls: Collection[int], firms: Collection[int]) -> Reach:
    """Count the places of the towns of these calls outside the lists of these firms.

    Only lists of verified firms count: they are what the floor promises, and nobody can fill a
    town's capacity under many names.
    """
    found = Reach(Counter(), Counter())
    inside = set(firms)
    verified = is_identified()
    towns = {
        town
        for part in in_parts(sorted(calls))
        for town in session.scalars(select(Call.organisation_id).where(Call.id.in_(part)))
    }
    for part in in_parts(sorted(towns)):
        rows = session.execute(
            select(Place.call_id, Place.town_id, Place.owner_id, verified.label("verified"))
            .join(Organisation, Place.firm_id == Organisation.id)
            .where(CURRENT, Place.kind == "firm", Place.town_id.in_(part))
        )
        for row in rows:
            if row.owner_id not in inside:
                found.towns[row.town_id] += row.verified
                found.calls[row.call_id] += row.verified
    return found


def open_calls(session: Session, towns: Collection[int], *, now: datetime) -> Counter[int]:
    """How many calls each town has open."""
    found: Counter[int] = Counter()
    for part in in_parts(sorted(towns)):
        rows = session.execute(
            select(Call.organisation_id, func.count())
            .where(open_at(now), Call.organisation_id.in_(part))
            .group_by(Call.organisation_id)
        )
        found.update({row[0]: row[1] for row in rows})
    return found


def standings(session: Session, firms: Collection[int] | None) -> dict[int, Standing]:
    """What the allocation remembers of these firms, or of all; those unknown are left out."""
    if firms is None:
        return {row.organisation_id: row for row in session.scalars(select(Standing))}
    found: dict[int, Standing] = {}
    for part in in_parts(sorted(firms)):
        rows = session.scalars(select(Standing).where(Standing.organisation_id.in_(part)))
        found |= {row.organisation_id: row for row in rows}
    return found


# --- What is kept of a deal ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Won:
    """A place as it was dealt."""

    rank: int
    call_id: int
    solution_id: int
    firm_id: int
    town_id: int
    value: float
    how: str


@dataclass(frozen=True, slots=True)
class Dealt:
    """A list as it was dealt: its places, and what the audit asks of it (see MatchList)."""

    places: tuple[Won, ...]
    suitable: int = 0
    loss: float = 0.0


def write(
    session: Session, kind: str, lists: Mapping[int, Dealt], epoch_id: int, *, now: datetime
) -> None:
    """Replace lists: places that stay are left alone, those that go end now, new ones begin.

    The caller holds the market's lock, so that two deals of a list follow one another.
    """
    standing = current(session, kind, lists)
    gone: list[int] = []
    fresh: list[dict[str, Any]] = []
    for owner_id, dealt in lists.items():
        before = {_won(place): place.id for place in standing.get(owner_id, ())}
        gone += [id_ for won, id_ in before.items() if won not in dealt.places]
        fresh += [
            {"kind": kind, "owner_id": owner_id, "begins_at": now, **_columns(won)}
            for won in dealt.places
            if won not in before
        ]
    for ids in in_parts(gone):
        session.execute(update(Place).where(Place.id.in_(ids)).values(ends_at=now))
    for rows in in_parts(fresh):
        session.execute(insert(Place), rows)
    _note(session, kind, lists, epoch_id, now)


def _note(
    session: Session, kind: str, lists: Mapping[int, Dealt], epoch_id: int, now: datetime
) -> None:
    for part in in_parts(sorted(lists)):
        session.execute(
            delete(MatchList).where(MatchList.kind == kind, MatchList.owner_id.in_(part))
        )
        rows = [
            {
                "kind": kind,
                "owner_id": owner_id,
                "epoch_id": epoch_id,
                "dealt_at": now,
                "suitable": lists[owner_id].suitable,
                "loss": lists[owner_id].loss,
            }
            for owner_id in part
        ]
        session.execute(insert(MatchList), rows)


def remove(session: Session, kind: str, ids: Collection[int], *, now: datetime) -> None:
    """End the lists of owners that have none any more."""
    for part in in_parts(sorted(ids)):
        session.execute(
            update(Place)
            .where(CURRENT, Place.kind == kind, Place.owner_id.in_(part))
            .values(ends_at=now)
        )
        session.execute(
            delete(MatchList).where(MatchList.kind == kind, MatchList.owner_id.in_(part))
        )


def current(session: Session, kind: str, ids: Iterable[int]) -> dict[int, list[Place]]:
    """The places of these lists, best first."""
    found: defaultdict[int, list[Place]] = defaultdict(list)
    for part in in_parts(sorted(ids)):
        rows = session.scalars(
            select(Place)
            .where(CURRENT, Place.kind == kind, Place.owner_id.in_(part))
            .order_by(Place.owner_id, Place.rank)
        )
        for place in rows:
            found[place.owner_id].append(place)
    return dict(found)


def _won(place: Place) -> Won:
    return Won(**{name: getattr(place, name) for name in Won.__dataclass_fields__})


def _columns(won: Won) -> dict[str, Any]:
    return {name: getattr(won, name) for name in Won.__dataclass_fields__}


def remember(
    session: Session,
    entitled: Collection[int],
    placed: Collection[int],
    *,
    now: datetime,
) -> None:
    """Note who waits and who has been placed, among firms that suit some live call.

    `placed` are those of `entitled` and others that hold a place in a call's list now.
    """
    known = standings(session, {*entitled, *placed})
    for firm_id in sorted({*entitled, *placed}):
        row = known.get(firm_id)
        if row is None:
            row = Standing(organisation_id=firm_id, debt=RULES.start)
            session.add(row)
        if firm_id in placed:
            row.waits_since = None
            row.placed_at = row.placed_at or now
        elif row.waits_since is None:
            row.waits_since = now


def stop_waiting(session: Session, entitled: Collection[int]) -> None:
    """Note that all other firms wait for nothing: they suit no call any more."""
    waiting = select(Standing).where(Standing.waits_since.is_not(None))
    for row in session.scalars(waiting):
        if row.organisation_id not in entitled:
            row.waits_since = None


def undealt(session: Session) -> int | None:
    """The newest epoch, if every listing has been matched in it and the market not yet dealt."""
    newest = session.execute(
        select(Epoch.id, Epoch.dealt_at).order_by(Epoch.id.desc()).limit(1)
    ).first()
    if newest is None or newest.dealt_at is not None:
        return None
    waiting = select(OutboxTask.id).where(OutboxTask.kind == "match", OutboxTask.cause == EPOCH)
    return None if session.scalar(waiting.limit(1)) is not None else newest.id


EPOCH = "epoch"  # the cause of tasks that a new epoch asks for
