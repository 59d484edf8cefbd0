"""What a week is measured by, besides its places: loaded once, then frozen with the report.

Places that have ended never change, so a report is recomputed from them. Scores, deadlines,
answers and sizes do change; they are kept as they stood when the week was measured.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from hub.domain.fairness.groups import size_class
from hub.domain.fairness.measures import Fit, Shown, Span, merit
from hub.domain.fairness.weeks import Week
from hub.domain.rules import RULES
from hub.models.listing import Call, Solution
from hub.models.matching import Feedback, Match, MatchList, Place, Standing
from hub.models.organisation import Organisation, SizeFacts
from hub.models.reference import Municipality, Prefecture

NEW = timedelta(weeks=8)  # a firm is a newcomer this long after it first published
SEEN = timedelta(weeks=4)  # within which every suitable solution should have been shown
ANSWERS = ("interested", "declined", "proposed")
DAY = 86_400.0


class Firm(NamedTuple):
    """A firm that was suitable or shown. `merit` is 0 for one that was suitable for no call."""

    id: int
    merit: float
    size: str
    prefecture: str | None
    region: str | None
    new: bool
    answered: int  # pairs shown to a town that has answered


class Town(NamedTuple):
    """A town with a call that was open."""

    id: int
    merit: float
    calls: int
    prefecture: str | None
    region: str | None


class Dealt(NamedTuple):
    """The list of a call, as it was dealt last."""

    call: int
    suitable: int
    loss: float


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything but the places. `span` is the part of the week that places are known of."""

    span: Span
    windows: Mapping[int, Span]
    firms: Sequence[Firm]
    towns: Sequence[Town]
    solutions: Sequence[int]  # suitable for some open call
    waiting: Sequence[float]  # days that firms without a place have waited
    lists: Sequence[Dealt]

    def frozen(self) -> dict[str, Any]:
        """Return it as JSON keeps it."""
        return asdict(self) | {"windows": [[id_, *span] for id_, span in self.windows.items()]}


def thawed(kept: Mapping[str, Any]) -> Basis:
    """Return what `Basis.frozen` made."""
    return Basis(
        span=Span(*kept["span"]),
        windows={id_: Span(begins, ends) for id_, begins, ends in kept["windows"]},
        firms=[Firm(*row) for row in kept["firms"]],
        towns=[Town(*row) for row in kept["towns"]],
        solutions=kept["solutions"],
        waiting=kept["waiting"],
        lists=[Dealt(*row) for row in kept["lists"]],
    )


def load(session: Session, week: Week, *, now: datetime) -> Basis | None:
    """Return what the week is measured by so far; None when no place is known of it."""
    first = first_placed(session)
    if first is None or first >= min(week.ends_at, now):
        return None
    begins, ends = max(week.begins_at, first), min(week.ends_at, now)
    span = Span(begins.timestamp(), ends.timestamp())
    towns, windows = _calls(session, begins, ends)
    pairs = _pairs(session, begins, ends)
    firm_fits = (Fit(p.firm_id, p.call_id, p.call_id, p.score, _seconds(p.since)) for p in pairs)
    town_fits = (
        Fit(p.town_id, p.call_id, (p.original_id, p.firm_id), p.score, _seconds(p.since))
        for p in pairs
    )
    return Basis(
        span=span,
        windows=windows,
        firms=list(
            _firms(session, merit(firm_fits, span, windows, RULES.t), begins=begins, ends=ends)
        ),
        towns=list(_towns(session, towns, merit(town_fits, span, windows, RULES.t))),
        solutions=sorted({p.solution_id for p in pairs}),
        waiting=_waiting(session, ends),
        lists=_lists(session, windows),
    )


def first_placed(session: Session) -> datetime | None:
    """Return when the earliest place that is known began."""
    found: datetime | None = session.scalar(select(func.min(Place.begins_at)))
    return found


def shown(session: Session, kind: str, span: Span) -> Iterator[Shown]:
    """Yield the places of calls' or firms' lists (`kind`) that were held in the span."""
    begins, ends = (datetime.fromtimestamp(moment, UTC) for moment in span)
    rows = session.execute(
        select(
            Place.owner_id,
            Place.rank,
            Place.call_id,
            Place.solution_id,
            Place.firm_id,
            Place.town_id,
            Place.how,
            Place.begins_at,
            Place.ends_at,
        )
        .where(Place.kind == kind, Place.begins_at < ends, _not_before(Place.ends_at, begins))
        .order_by(Place.id)
        .execution_options(yield_per=10_000)
    )
    for row in rows:
        held = Span(_seconds(row.begins_at), _seconds(row.ends_at))
        yield Shown._make((*row[:-2], held))


def _not_before(column: Any, moment: datetime) -> ColumnElement[bool]:
    return or_(column.is_(None), column > moment)


def _seconds(moment: datetime | None) -> float:
    return float("inf") if moment is None else moment.timestamp()


def _open_between(begins: datetime, ends: datetime) -> ColumnElement[bool]:
    """Calls open at some time. One closed by hand is left out: its pairs are gone with it."""
    return and_(
        Call.state == "published",
        Call.published_at < ends,
        or_(Call.opens_at.is_(None), Call.opens_at < ends),
        _not_before(Call.closes_at, begins),
    )


def _calls(
    session: Session, begins: datetime, ends: datetime
) -> tuple[Counter[int], dict[int, Span]]:
    """How many calls each town had open, and when each was."""
    rows = session.execute(
        select(Call.id, Call.organisation_id, Call.published_at, Call.opens_at, Call.closes_at)
        .where(_open_between(begins, ends))
        .order_by(Call.id)
    )
    towns: Counter[int] = Counter()
    windows: dict[int, Span] = {}
    for id_, town, published, opens, closes in rows:
        towns[town] += 1
        start = max(moment for moment in (begins, published, opens) if moment is not None)
        windows[id_] = Span(start.timestamp(), min(closes or ends, ends).timestamp())
    return towns, windows


def _pairs(session: Session, begins: datetime, ends: datetime) -> Sequence[Any]:
    """Suitable pairs of those calls."""
    return session.execute(
        select(
            Match.firm_id,
            Match.town_id,
            Match.call_id,
            Match.original_id,
            Match.solution_id,
            Match.score,
            Solution.published_at.label("since"),
        )
        .join(Match.call)
        .join(Match.solution)
        .where(
            Match.score >= RULES.t,
            _open_between(begins, ends),
            Solution.state == "published",
            Solution.published_at < ends,
        )
    ).all()


def _firms(
    session: Session, merits: Mapping[int, float], *, begins: datetime, ends: datetime
) -> Iterator[Firm]:
    in_week = and_(Place.kind == "call", Place.begins_at < ends, _not_before(Place.ends_at, begins))
    wanted = {*merits, *session.scalars(select(Place.firm_id).where(in_week).distinct())}
    answered = Counter(
        row.firm_id
        for row in session.execute(
            select(Place.firm_id, Place.call_id, Place.solution_id)
            .join(
                Feedback,
                and_(
                    Feedback.organisation_id == Place.town_id,
                    Feedback.call_id == Place.call_id,
                    Feedback.solution_id == Place.solution_id,
                ),
            )
            .where(in_week, Feedback.at < ends, Feedback.verdict.in_(ANSWERS))
            .distinct()
        )
    )
    firsts = session.execute(
        select(Solution.organisation_id, func.min(Solution.published_at))
        .where(Solution.published_at.is_not(None))
        .group_by(Solution.organisation_id)
    )
    began: dict[int, datetime] = {row[0]: row[1] for row in firsts if row[1]}
    rows = session.execute(
        select(
            Organisation.id,
            Organisation.prefecture_code,
            Prefecture.region_key,
            SizeFacts.employees,
            SizeFacts.capital_yen,
        )
        .outerjoin(Prefecture, Prefecture.code == Organisation.prefecture_code)
        .outerjoin(SizeFacts, SizeFacts.organisation_id == Organisation.id)
        .where(Organisation.kind == "company")
        .order_by(Organisation.id)
    )
    for id_, prefecture, region, employees, capital in rows:
        if id_ in wanted:
            new = began.get(id_, ends) > ends - NEW
            size = size_class(employees, capital)
            yield Firm(
                id_, merits.get(id_, 0.0), size, prefecture, region, new, answered.get(id_, 0)
            )


def _towns(
    session: Session, calls: Mapping[int, int], merits: Mapping[int, float]
) -> Iterator[Town]:
    code = func.coalesce(Organisation.prefecture_code, Municipality.prefecture_code)
    rows = session.execute(
        select(Organisation.id, code, Prefecture.region_key)
        .outerjoin(Municipality, Municipality.code == Organisation.municipality_code)
        .outerjoin(Prefecture, Prefecture.code == code)
        .where(Organisation.kind == "municipality")
        .order_by(Organisation.id)
    )
    for id_, prefecture, region in rows:
        if id_ in calls:
            yield Town(id_, merits.get(id_, 0.0), calls[id_], prefecture, region)


def _waiting(session: Session, ends: datetime) -> list[float]:
    since = session.scalars(
        select(Standing.waits_since)
        .where(Standing.waits_since < ends)
        .order_by(Standing.organisation_id)
    )
    return [(ends - moment).total_seconds() / DAY for moment in since if moment is not None]


def _lists(session: Session, windows: Mapping[int, Span]) -> list[Dealt]:
    rows = session.execute(
        select(MatchList.owner_id, MatchList.suitable, MatchList.loss)
        .where(MatchList.kind == "call")
        .order_by(MatchList.owner_id)
    )
    return [Dealt(*row) for row in rows if row.owner_id in windows]
