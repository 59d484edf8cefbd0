"""Weeks as the audit counts them: ISO weeks, Monday to Sunday, by the Japanese clock."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from hub.clock import JST, to_jst

_NAME = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """A week by its Monday."""

    monday: date

    @classmethod
    def of(cls, moment: datetime) -> "Week":
        """Return the week that the moment lies in."""
        day = to_jst(moment).date()
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, name: str) -> "Week":
        """Return the week of a name such as `2026-W48`. Raises ValueError."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(f"not a week: {name}")
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        if monday > date.max - timedelta(weeks=2):
            raise ValueError(f"not a week of our time: {name}")
        return cls(monday)

    @property
    def name(self) -> str:
        """Year and number, such as `2026-W48`; names sort like their weeks."""
        year, number, _ = self.monday.isocalendar()
        return f"{year:04}-W{number:02}"

    @property
    def sunday(self) -> date:
        """The last day."""
        return self.monday + timedelta(days=6)

    @property
    def begins_at(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.monday, time(), JST).astimezone(UTC)

    @property
    def ends_at(self) -> datetime:
        """The first moment of the next week."""
        return self.following.begins_at

    @property
    def previous(self) -> "Week":
        """The week before."""
        return Week(self.monday - timedelta(days=7))

    @property
    def following(self) -> "Week":
        """The week after."""
        return Week(self.monday + timedelta(days=7))
