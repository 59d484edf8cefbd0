"""The report of a week: measured, stored, recomputed, read.

A report is final when it was made after its week had ended; until then it tells how the running
week stands and turns nothing. Its public figures go to the page; the basis they were computed
from is kept beside them and shown to nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from hub.domain import audit
from hub.domain.fairness import basis as bases
from hub.domain.fairness import measures
from hub.domain.fairness.basis import SEEN, Basis
from hub.domain.fairness.dial import Balance, dial_before, dial_in_force, next_dial
from hub.domain.fairness.figures import DIGITS, Figures, figures
from hub.domain.fairness.weeks import Week
from hub.models.matching import AuditReport, Place

KEPT = timedelta(weeks=60)  # how long places that have ended are kept


@dataclass(frozen=True, slots=True)
class Report:
    """A stored report without its basis."""

    week: Week
    made_at: datetime
    dial: float
    next_dial: float
    figures: Figures

    @property
    def final(self) -> bool:
        """Whether it was made after its week had ended."""
        return self.made_at >= self.week.ends_at


@dataclass(frozen=True, slots=True)
class Draft:
    """What was measured and is to be stored."""

    week: Week
    figures: Figures
    basis: Basis


@dataclass(frozen=True, slots=True)
class Check:
    """A week measured again. `stored` is None when there is no report of it.

    `differences` are the paths of figures that differ from the stored ones.
    """

    draft: Draft
    stored: Report | None
    differences: Sequence[str]


# --- Measuring ----------------------------------------------------------------------------------


def draft(session: Session, week: Week, *, now: datetime) -> Draft | None:
    """Measure the week, what has passed of it; None when no place is known of it.

    A final report is measured from its own basis again.
    """
    row = session.get(AuditReport, week.name)
    if row is not None and row.made_at >= week.ends_at:
        basis: Basis | None = bases.thawed(row.figures["basis"])
    else:
        basis = bases.load(session, week, now=now)
    if basis is None:
        return None
    return Draft(week, measured(session, basis, week.name), basis)


def measured(session: Session, basis: Basis, seed: str) -> Figures:
    """Return the public figures of a basis and the stored places."""
    since = basis.span._replace(begins=basis.span.ends - SEEN.total_seconds())
    places = list(bases.shown(session, "call", since))
    towards_towns = measures.exposure(
        bases.shown(session, "firm", basis.span), basis.span, basis.windows, by="town"
    )
    return figures(basis, places, towards_towns, seed)


# --- Storing ------------------------------------------------------------------------------------


def store(session: Session, made: Draft, *, now: datetime) -> Report:
    """Keep the report; when its week is over, say what it asks of the dial."""
    week = made.week
    final = now >= week.ends_at
    former = session.get(AuditReport, week.name)
    was_final = former is not None and former.made_at >= week.ends_at
    dial = former.dial if former is not None and was_final else dial_before(session, week)
    asked = dial
    if final:
        asked = next_dial(dial, balance(made.figures), _balance_before(session, week))
    if final and asked != dial and not (former is not None and was_final):
        audit.record(
            session,
            "dial.turn",
            "audit_report",
            None,
            actor=None,
            now=now,
            before={"dial": dial},
            after={"dial": asked, "week": week.name},
        )
    session.merge(
        AuditReport(
            week=week.name,
            made_at=now,
            dial=dial,
            next_dial=asked,
            figures={"public": made.figures, "basis": made.basis.frozen()},
        )
    )
    session.flush()
    if final:  # the running week's report was made while this week's was missing
        later = (row for row in history(session) if row.week > week and not row.final)
        names = [row.week.name for row in later]
        running = update(AuditReport).where(AuditReport.week.in_(names))
        in_force = dial_in_force(session)
        session.execute(running.values(dial=in_force, next_dial=in_force))
    return Report(week, now, dial, asked, made.figures)


def balance(found: Figures) -> Balance | None:
    """Return the balance that public figures state."""
    return Balance(**found["balance"]) if found["balance"] else None


def _balance_before(session: Session, week: Week) -> Balance | None:
    before = read(session, week.previous)
    return balance(before.figures) if before is not None and before.final else None


def missing(session: Session, *, now: datetime) -> list[Week]:
    """Return the weeks that are over, have places and no final report, oldest first."""
    first = bases.first_placed(session)
    if first is None:
        return []
    made = session.execute(select(AuditReport.week, AuditReport.made_at))
    final = {name for name, made_at in made if made_at >= Week.parse(name).ends_at}
    weeks, week = [], Week.of(first)
    while week.ends_at <= now:
        if week.name not in final:
            weeks.append(week)
        week = week.following
    return weeks


def is_stale(session: Session, *, now: datetime) -> bool:
    """Whether the report of the running week should be made anew.

    That is when what it tells of has doubled, at most a day later.
    """
    first = bases.first_placed(session)
    if first is None:
        return False
    week = Week.of(now)
    made_at = session.scalar(select(AuditReport.made_at).where(AuditReport.week == week.name))
    if made_at is None:
        return True
    told = made_at - max(first, week.begins_at)
    return now - made_at >= min(max(told, timedelta(minutes=1)), timedelta(days=1))


def forget_places(session: Session, *, now: datetime) -> None:
    """Delete the places that ended so long ago that no report is recomputed from them."""
    session.execute(delete(Place).where(Place.ends_at < now - KEPT))


# --- Reading ------------------------------------------------------------------------------------


def check(session: Session, week: Week, *, now: datetime) -> Check | None:
    """Measure the week again and compare; None when no place is known of it."""
    made = draft(session, week, now=now)
    if made is None:
        return None
    stored = read(session, week)
    found = list(_differences(stored.figures, made.figures)) if stored and stored.final else []
    return Check(made, stored, found)


def _differences(one: Any, other: Any, path: str = "") -> Iterable[str]:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from _differences(one[key], other[key], f"{path}.{key}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(*pair, f"{path}[{place}]")
    elif isinstance(one, float) and isinstance(other, float):
        # Machines may add up in another order: one unit of the last digit is no difference.
        if abs(one - other) > 1.5 * 10**-DIGITS:
            yield path
    elif one != other:
        yield path


def read(session: Session, week: Week) -> Report | None:
    """Return the report of a week."""
    return next(iter(_read(session, 1, AuditReport.week == week.name)), None)


def history(session: Session, *, limit: int = 26) -> list[Report]:
    """Return the reports of half a year, newest first; the running week's may be among them."""
    return _read(session, limit)


def _read(session: Session, limit: int, *wanted: ColumnElement[bool]) -> list[Report]:
    public = AuditReport.figures["public"]
    rows = session.execute(
        select(
            AuditReport.week, AuditReport.made_at, AuditReport.dial, AuditReport.next_dial, public
        )
        .where(*wanted)
        .order_by(AuditReport.week.desc())
        .limit(limit)
    )
    return [Report(Week.parse(row[0]), *row[1:]) for row in rows]
