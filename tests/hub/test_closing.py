"""Deadlines to the second: what is left is counted in calendar days of Japan."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import JST
from hub.domain.closing import SOON_DAYS, closing
from hub.domain.holidays import holidays, is_working_day, working_days
from hub.domain.status import status
from hub.models import Call

CLOSES = datetime(2026, 12, 1, 17, 15, tzinfo=JST)  # a Tuesday
SECOND = timedelta(seconds=1)
moments = st.integers(0, 10 * 366 * 86400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@pytest.mark.parametrize(
    ("now", "state", "days"),
    [
        (CLOSES - SECOND, "today", 0),
        (CLOSES, "closed", 0),
        (CLOSES + SECOND, "closed", 0),
        (datetime(2026, 12, 1, 0, 0, 0, tzinfo=JST), "today", 0),
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=JST), "tomorrow", 1),
        (datetime(2026, 11, 30, 0, 0, 0, tzinfo=JST), "tomorrow", 1),
        (datetime(2026, 11, 29, 23, 59, 59, tzinfo=JST), "soon", 2),
        (datetime(2026, 11, 24, 0, 0, 0, tzinfo=JST), "soon", 7),
        (datetime(2026, 11, 23, 23, 59, 59, tzinfo=JST), "later", 8),
    ],
)
def test_the_last_second_counts_and_days_change_at_midnight_in_japan(
    now: datetime, state: str, days: int
) -> None:
    left = closing(CLOSES, now.astimezone(UTC))
    assert (left.state, left.days) == (state, days)
    assert left.time == ("" if state == "closed" else "17:15")


def test_midnight_belongs_to_the_day_it_ends() -> None:
    closes = datetime(2027, 1, 1, 0, 0, tzinfo=JST)
    left = closing(closes, closes - SECOND)
    assert (left.state, left.time) == ("today", "24:00")
    assert closing(closes, closes).state == "closed"
    assert closing(closes, datetime(2026, 12, 30, 23, 59, 59, tzinfo=JST)).state == "tomorrow"


def test_over_the_year_end_no_town_hall_works() -> None:
    left = closing(
        datetime(2027, 1, 4, 17, 15, tzinfo=JST), datetime(2026, 12, 28, 18, 0, tzinfo=JST)
    )
    assert (left.state, left.days, left.working) == ("soon", 7, 1)


@given(closes=moments, now=moments)
def test_closing_agrees_with_the_status_and_with_the_calendar(
    closes: datetime, now: datetime
) -> None:
    left = closing(closes, now)
    call = Call(state="published", opens_at=None, closes_at=closes)
    assert (left.state == "closed") == (status(call, now) == "closed")
    if left.state != "closed":
        first = now.astimezone(JST).date()
        last = (closes.astimezone(JST) - timedelta(microseconds=1)).date()
        assert left.days == (last - first).days >= 0
        assert (left.working is None) == (left.days > SOON_DAYS)
        assert left.working is None or 0 <= left.working <= left.days


# From the calendar of the Cabinet Office.
HOLIDAYS_2026 = (
    "1-1 1-12 2-11 2-23 3-20 4-29 5-3 5-4 5-5 5-6 7-20 8-11 9-21 9-22 9-23 10-12 11-3 11-23"
)
HOLIDAYS_2027 = "1-1 1-11 2-11 2-23 3-21 3-22 4-29 5-3 5-4 5-5 7-19 8-11 9-20 9-23 10-11 11-3 11-23"


@pytest.mark.parametrize(("year", "days"), [(2026, HOLIDAYS_2026), (2027, HOLIDAYS_2027)])
def test_holidays_are_those_of_the_law(year: int, days: str) -> None:
    listed = {date(year, *map(int, day.split("-"))) for day in days.split()}
    assert holidays(year) == listed


def test_working_days_leave_out_weekends_holidays_and_new_year() -> None:
    assert working_days(date(2026, 9, 18), date(2026, 9, 24)) == 1  # five days of holidays
    assert working_days(date(2026, 12, 28), date(2027, 1, 4)) == 1
    assert working_days(date(2026, 12, 4), date(2026, 12, 4)) == 0
    assert is_working_day(date(2026, 12, 28))
    assert not is_working_day(date(2026, 12, 29))
