"""A report as one flat table: what CSV holds and the command prints."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Value = str | int | float | bool | None


class Line(NamedTuple):
    """One number. `part` names the table it is of, `key` the class; None is not shown."""

    part: str
    key: str
    measure: str
    value: Value


def lines(figures: Mapping[str, Any], prefix: str = "") -> Iterator[Line]:
    """Yield every public figure, in the order of the report."""
    for name, value in figures.items():
        part = f"{prefix}{name}"
        if isinstance(value, Mapping):
            for measure, found in value.items():
                if isinstance(found, Mapping | list):
                    yield from lines({measure: found}, f"{part}.")
                else:
                    yield Line(part, "", measure, found)
        elif isinstance(value, list):
            yield from _rows(part, value)
        else:
            yield Line(part, "", "", value)


def _rows(part: str, rows: list[Any]) -> Iterator[Line]:
    for place, row in enumerate(rows):
        if isinstance(row, Mapping):
            for measure, found in row.items():
                if measure != "key":
                    yield Line(part, row["key"], measure, found)
        else:
            yield Line(part, str(place), "value", row)
