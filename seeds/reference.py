"""Reference data: places, themes, offers and kinds of call, from the files in `reference/`.

A column of a file carries the name of the model's attribute, so a file is its own mapping.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Column, inspect, select
from sqlalchemy.orm import Session

from hub.models.base import Base
from hub.models.reference import CallKind, Municipality, Offer, Prefecture, Region, Theme

FOLDER = Path(__file__).with_name("reference")
FILES: dict[str, type[Base]] = {  # what others point to comes first
    "regions": Region,
    "prefectures": Prefecture,
    "municipalities": Municipality,
    "themes": Theme,
    "offers": Offer,
    "call_kinds": CallKind,
}


def load_reference(session: Session) -> dict[str, int]:
    """Make the tables say what the files say; the caller commits.

    Returns the number of rows inserted or changed per file: all 0 when nothing was new. Rows
    that have left the files stay, since listings may point to them.
    """
    return {name: _upsert(session, model, name) for name, model in FILES.items()}


def _upsert(session: Session, model: type[Base], name: str) -> int:
    (key,) = (column.name for column in inspect(model).primary_key)
    stored = {getattr(row, key): row for row in session.scalars(select(model))}
    written = 0
    for values in _rows(model, name):
        row = stored.get(values[key])
        if row is None:
            session.add(model(**values))
        elif all(getattr(row, attribute) == value for attribute, value in values.items()):
            continue
        else:
            for attribute, value in values.items():
                setattr(row, attribute, value)
        written += 1
    session.flush()
    return written


def _rows(model: type[Base], name: str) -> Iterator[dict[str, Any]]:
    columns = inspect(model).columns
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            yield {attribute: _value(columns[attribute], cell) for attribute, cell in cells.items()}


def _value(column: Column[Any], cell: str) -> str | int | None:
    if not cell and column.nullable:
        return None
    return int(cell) if column.type.python_type is int else cell
