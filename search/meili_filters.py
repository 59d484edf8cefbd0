"""Filters in the language of Meilisearch: conditions, how they join, and those of a query.

Every condition is made here from parts that are quoted, never from typed text.
"""

from collections.abc import Collection, Sequence

from search.documents import DAY, DEADLINES, NEVER, NO_DEADLINE, STATUSES
from search.query import SearchQuery

NOTHING = "opens < 0"
# Facets that are a matter of the clock, with their values.
MOMENTS = {"status": STATUSES, "deadline": (*DEADLINES, NO_DEADLINE)}


def among(field: str, values: Collection[str]) -> str:
    """Return the filter "field has one of the values"."""
    return f"{field} IN [{', '.join(map(_quoted, values))}]" if values else NOTHING


def starting(field: str, value: str) -> str:
    """Return the filter "a value of field starts like this"."""
    return f"{field} STARTS WITH {_quoted(value)}"


def all_of(filters: Sequence[str]) -> str:
    """Return what passes all filters that say anything; "" lets everything through."""
    said = [text for text in filters if text]
    return said[0] if len(said) == 1 else " AND ".join(f"({text})" for text in said)


def any_of(filters: Sequence[str]) -> str:
    """Return what passes at least one of the filters; nothing when there are none."""
    if "" in filters:
        return ""
    said = [text for text in dict.fromkeys(filters) if text != NOTHING]
    if len(said) < 2:
        return said[0] if said else NOTHING
    return " OR ".join(f"({text})" for text in said)


def at_least(least: int, filters: Sequence[str]) -> str:
    """Return what passes so many of the filters, at least one.

    By halves: some pass in the left one and the rest in the right one. Written out as every
    choice of so many, 20 filters would need a hundred thousand conditions.
    """
    if least == 1:
        return any_of(filters)
    if least == len(filters):
        return all_of(filters)
    middle = len(filters) // 2
    left, right = filters[:middle], filters[middle:]
    return any_of(
        [
            all_of(
                [
                    at_least(here, left) if here else "",
                    at_least(least - here, right) if least > here else "",
                ]
            )
            for here in range(max(least - len(right), 0), min(least, len(left)) + 1)
        ]
    )


def narrowing(query: SearchQuery, but: str = "") -> list[str]:
    """Return all filters of a query, those of the facet `but` left out."""
    found = [text for field, text in chosen(query).items() if field != but]
    if query.only is not None:
        found.append(among("id", query.only))
    if query.but:
        found.append(f"NOT {among('id', query.but)}")
    return found


def chosen(query: SearchQuery) -> dict[str, str]:
    """Return a filter for every facet in which something is chosen."""
    values = {**query.filters, "status": query.status}
    values["target"] = (query.target,) if query.target else ()
    return {
        field: any_of([moment(field, value, query.now) for value in wanted])
        if field in MOMENTS
        else among(field, [value for value in wanted if _is_code(value)])
        for field, wanted in values.items()
        if wanted
    }


def moment(field: str, value: str, now: int) -> str:
    """Return the filter of a value that is a matter of the clock."""
    return status(value, now) if field == "status" else deadline(value, now)


def status(value: str, now: int) -> str:
    """Return the filter of a status as the clock of the query sees it."""
    known = {
        "open": f"opens <= {now} AND closes > {now}",
        "upcoming": f"opens > {now} AND closes > {now}",
        "closed": f"closes <= {now}",
    }
    return known.get(value, NOTHING)


def deadline(value: str, now: int) -> str:
    """Return the filter of what is open and closes within so many days, or never."""
    if value == NO_DEADLINE:
        return f"{status('open', now)} AND closes >= {NEVER}"
    if value in DEADLINES:
        return f"{status('open', now)} AND closes <= {now + DEADLINES[value] * DAY}"
    return NOTHING


def _is_code(value: str) -> bool:
    """Tell whether a value can be one of a listing; the server itself is not so exact."""
    return value.isascii() and value == value.strip().lower()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
