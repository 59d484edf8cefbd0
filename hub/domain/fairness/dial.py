"""The dial δ: how far near ties may be turned, for every firm the same. Only the audit turns it."""

from dataclasses import dataclass

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
