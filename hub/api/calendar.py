"""Deadlines as iCalendar (RFC 5545, RFC 7986): an event at the very minute, no alarms."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.clock import to_jst

_OCTETS = 75
_ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:Asia/Tokyo",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0900",
    "TZOFFSETTO:+0900",
    "TZNAME:JST",
    "END:STANDARD",
    "END:VTIMEZONE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A deadline. `sequence` grows with every change; without `at` it is a to-do of no date."""

    uid: str
    sequence: int
    changed: datetime
    at: datetime | None
    summary: str
    description: str
    url: str
    categories: tuple[str, ...] = ()
    cancelled: bool = False


def calendar(name: str, description: str, url: str, entries: Iterable[Entry]) -> bytes:
    """The calendar in UTF-8; it asks to be read again every hour."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Local Hub//Search//JA",
        "CALSCALE:GREGORIAN",
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        f"DESCRIPTION:{_text(description)}",
        f"URL:{url}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "X-WR-TIMEZONE:Asia/Tokyo",
        *_ZONE,
    ]
    for entry in entries:
        lines += _component(entry)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded(line)}\r\n" for line in lines).encode()


def _component(entry: Entry) -> Iterator[str]:
    kind = "VTODO" if entry.at is None else "VEVENT"
    changed = entry.changed.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    yield f"BEGIN:{kind}"
    yield f"UID:{entry.uid}"
    yield f"DTSTAMP:{changed}"
    yield f"LAST-MODIFIED:{changed}"
    yield f"SEQUENCE:{entry.sequence}"
    if entry.at is not None:
        yield f"DTSTART;TZID=Asia/Tokyo:{to_jst(entry.at).strftime('%Y%m%dT%H%M%S')}"
        yield "TRANSP:TRANSPARENT"
        yield f"STATUS:{'CANCELLED' if entry.cancelled else 'CONFIRMED'}"
    elif entry.cancelled:
        yield "STATUS:CANCELLED"
    yield f"SUMMARY:{_text(entry.summary)}"
    yield f"DESCRIPTION:{_text(entry.description)}"
    yield f"URL:{entry.url}"
    if entry.categories:
        yield f"CATEGORIES:{','.join(map(_text, entry.categories))}"
    yield f"END:{kind}"


def _text(value: str) -> str:
    """Text as a property value holds it; control characters are left out."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    escaped = escaped.replace("\r\n", "\n").replace("\n", "\\n")
    return "".join(c for c in escaped if c >= " " and c != "\x7f")


def folded(line: str) -> str:
    """The line in pieces of at most 75 octets, never cut inside a character."""
    if len(line.encode()) <= _OCTETS:
        return line
    pieces, room = [""], _OCTETS
    for character in line:
        size = len(character.encode())
        if size > room:
            pieces.append("")
            room = _OCTETS - 1  # the blank that continues a line counts
        pieces[-1] += character
        room -= size
    return "\r\n ".join(pieces)
