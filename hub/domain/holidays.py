"""Days on which town halls work: weekdays without national holidays and the days around New Year.

The holidays are those of the law as it stands since 2022; the equinoxes follow the usual
approximation, good for 1980 to 2099. A town's own days off are not known here.
"""

from datetime import date, timedelta
from functools import lru_cache

_DAY = timedelta(days=1)
_SATURDAY, _SUNDAY = 5, 6
_FIXED = ((1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23))
_MONDAYS = ((1, 2), (7, 3), (9, 3), (10, 2))  # month, which Monday of it


def is_working_day(day: date) -> bool:
    """Whether town halls work on this day."""
    around_new_year = (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)
    return day.weekday() < _SATURDAY and not around_new_year and day not in holidays(day.year)


def working_days(after: date, until: date) -> int:
    """Working days after the one day, up to and with the other."""
    days = (until - after).days
    return sum(is_working_day(after + n * _DAY) for n in range(1, days + 1))


@lru_cache(maxsize=16)
def holidays(year: int) -> frozenset[date]:
    """National holidays of a year, with the substitute days and days between two holidays."""
    found = {date(year, month, day) for month, day in _FIXED}
    found |= {_monday(year, month, which) for month, which in _MONDAYS}
    found |= {date(year, 3, _equinox(year, 20.8431)), date(year, 9, _equinox(year, 23.2488))}
    between = {day + _DAY for day in found if day + 2 * _DAY in found}
    return frozenset(found | between | {_substitute(day, found) for day in found})


def _monday(year: int, month: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(-first.weekday()) % 7 + 7 * (which - 1))


def _equinox(year: int, day_in_1980: float) -> int:
    years = year - 1980
    return int(day_in_1980 + 0.242194 * years - years // 4)


def _substitute(day: date, others: set[date]) -> date:
    """The next free day when the holiday is a Sunday, else the holiday itself."""
    if day.weekday() != _SUNDAY:
        return day
    while day in others:
        day += _DAY
    return day
