"""The dial δ: how far near ties may be turned, for every firm the same. Only the audit turns it.

Who deals lists reads it here, where nothing is known of size.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.domain.fairness.weeks import Week
from hub.models.matching import AuditReport

STEP = 0.01
MOST = 0.05
TOO_LOW = 0.8
TOO_HIGH = 1.25


@dataclass(frozen=True, slots=True)
class Balance:
    """Exposure per merit of smaller firms over that of larger ones, with its 95 % interval.

    Of all size classes the two that lie furthest apart are compared, always the smaller firms
    over the larger.
    """

    smaller: str
    larger: str
    ratio: float
    low: float
    high: float


def next_dial(dial: float, week: Balance | None, before: Balance | None) -> float:
    """Return the dial that the audit asks for after a week; `before` is the week before it.

    Up one step when smaller firms were surely shown too little two weeks running: the interval
    ends below 0.8. Down one step when they were shown more than 1.25 times as much as larger ones.
    Otherwise, and in a week without enough firms, it stays.
    """
    if week is None:
        return dial
    if week.ratio > TOO_HIGH:
        return round(max(dial - STEP, 0.0), 2)
    if week.high < TOO_LOW and before is not None and before.high < TOO_LOW:
        return round(min(dial + STEP, MOST), 2)
    return dial


def dial_in_force(session: Session) -> float:
    """Return the dial δ that the newest final report asks for; 0 when there is none."""
    return _newest_dial(session, "9999-W53")


def dial_before(session: Session, week: Week) -> float:
    """Return the dial that was in force in a week."""
    return _newest_dial(session, week.previous.name)


def _newest_dial(session: Session, last: str) -> float:
    rows = session.execute(
        select(AuditReport.week, AuditReport.made_at, AuditReport.next_dial)
        .where(AuditReport.week <= last)
        .order_by(AuditReport.week.desc())
    )
    for name, made_at, asked in rows:
        if made_at >= Week.parse(name).ends_at:
            return float(asked)
    return 0.0
