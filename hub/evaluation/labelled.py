"""A labelled set on disk: calls, solutions, graded matches, graded queries.

Only `calls.jsonl` and `solutions.jsonl` must exist. Unknown fields are ignored; anything but an
id and a title may be missing.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Grades = dict[str, dict[str, int]]


class BadSet(Exception):
    """The set cannot be read; the message says which file and line."""


@dataclass(frozen=True)
class Query:
    """A search with what it should find. `target` is "call" or "solution"."""

    id: str
    text: str
    target: str
    kind: str
    grades: dict[str, int]


@dataclass(frozen=True)
class LabelledSet:
    """The whole set. `theme_names` maps names of any language to the set's theme keys."""

    calls: dict[str, Row]
    solutions: dict[str, Row]
    call_grades: Grades
    solution_grades: Grades
    queries: dict[str, Query]
    theme_names: dict[str, str]
    groups: dict[str, tuple[str, ...]]  # solutions that should stay down, by the name of the group


def read(folder: Path) -> LabelledSet:
    """Read the set. Raises BadSet."""
    calls = _by_id(folder / "calls.jsonl")
    solutions = _by_id(folder / "solutions.jsonl")
    call_grades: Grades = defaultdict(dict)
    solution_grades: Grades = defaultdict(dict)
    for number, row in _rows(folder / "matches.jsonl", optional=True):
        call, solution = str(row.get("call")), str(row.get("solution"))
        if call not in calls or solution not in solutions:
            raise BadSet(f"matches.jsonl:{number}: unknown call or solution: {call}, {solution}")
        grade = int(row.get("grade", 0))
        call_grades[call][solution] = grade
        solution_grades[solution][call] = grade
    return LabelledSet(
        calls=calls,
        solutions=solutions,
        call_grades=dict(call_grades),
        solution_grades=dict(solution_grades),
        queries={query.id: query for query in _queries(folder / "queries.jsonl")},
        theme_names=_theme_names(folder / "themes.json"),
        groups={
            str(name): tuple(id_ for id_ in map(str, ids) if id_ in solutions)
            for name, ids in _object(folder / "groups.json").items()
        },
    )


def _queries(path: Path) -> Iterator[Query]:
    for number, row in _rows(path, optional=True):
        target = str(row.get("target", "calls")).rstrip("s")
        if "id" not in row or target not in ("call", "solution"):
            raise BadSet(f"{path.name}:{number}: a query needs an id and a target")
        relevant = row.get("relevant") or []
        yield Query(
            id=str(row["id"]),
            text=str(row.get("q", row.get("text", ""))),
            target=target,
            kind=str(row.get("kind", "")),
            grades={str(item["id"]): int(item.get("grade", 1)) for item in relevant},
        )


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in an optional file."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadSet(f"{path.name}: {error}") from None
    if not isinstance(found, dict):
        raise BadSet(f"{path.name}: a JSON object is expected")
    return found


def _theme_names(path: Path) -> dict[str, str]:
    names: dict[str, str] = {}
    for key, value in _object(path).items():
        spelled = value.values() if isinstance(value, dict) else [value]
        names |= {str(name): key for name in (key, *spelled)}
    return names


def _by_id(path: Path) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for number, row in _rows(path):
        if "id" not in row:
            raise BadSet(f"{path.name}:{number}: a row needs an id")
        if str(row["id"]) in found:
            raise BadSet(f"{path.name}:{number}: {row['id']} appears twice")
        found[str(row["id"])] = row
    return found


def _rows(path: Path, *, optional: bool = False) -> Iterator[tuple[int, Row]]:
    if not path.exists():
        if optional:
            return
        raise BadSet(f"{path.name} is missing in {path.parent}")
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadSet(f"{path.name}:{number}: {error}") from None
        if not isinstance(row, dict):
            raise BadSet(f"{path.name}:{number}: a row is a JSON object")
        yield number, row
