"""Time: kept in UTC, shown and entered as Japan time."""

from datetime import UTC, datetime, timedelta, timezone

JST = timezone(timedelta(hours=9), "JST")  # Japan has no summer time


def utcnow() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def to_jst(moment: datetime) -> datetime:
    """The same moment on a Japanese clock."""
    return moment.astimezone(JST)


def epoch_seconds(moment: datetime | None) -> int | None:
    """Whole seconds since 1970 UTC, as the search index keeps times."""
    return None if moment is None else int(moment.timestamp())
