"""How near a deadline is, in calendar days of Japan; lists, pages and feeds all ask here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hub.clock import to_jst
from hub.domain.holidays import working_days

SOON_DAYS = 7


@dataclass(frozen=True, slots=True)
class Closing:
    """What is left. `days` are calendar days from today's date to the last one.

    `time` is the closing minute on a Japanese clock; `working` counts the days among `days` on
    which town halls work, and is None when the deadline is not soon.
    """

    state: Literal["closed", "today", "tomorrow", "soon", "later"]
    time: str = ""
    days: int = 0
    working: int | None = None


def closing(closes_at: datetime, now: datetime) -> Closing:
    """How near the deadline is at `now`. The closing minute itself is closed."""
    if closes_at <= now:
        return Closing("closed")
    clock = to_jst(closes_at).strftime("%H:%M")
    # Midnight belongs to the day that ends with it: an officer calls it 24:00.
    time = "24:00" if clock == "00:00" else clock
    today, last = to_jst(now).date(), to_jst(closes_at - timedelta(microseconds=1)).date()
    days = (last - today).days
    if days > SOON_DAYS:
        return Closing("later", time, days)
    working = working_days(today, last)
    if days > 1:
        return Closing("soon", time, days, working)
    return Closing("tomorrow" if days else "today", time, days, working)
