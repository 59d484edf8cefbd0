"""How a rule says no. Sentences are message ids (Japanese); the interface translates them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing to put right: the field it belongs to and a sentence that says what to do."""

    field: str
    message: str
    values: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message


class Refused(Exception):
    """A rule refused. Nothing was changed; `problems` says why, field by field."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class Forbidden(Exception):
    """The actor may know the subject but may not do this to it."""

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.action = action


class Conflict(Exception):
    """Someone else changed the subject first. `current` is what it says now."""

    def __init__(self, current: Any) -> None:
        super().__init__("changed by someone else")
        self.current = current


def refuse(field_name: str, message: str, **values: Any) -> Refused:
    """A refusal of one field, to raise."""
    return Refused(Problem(field_name, message, values))


def raise_any(problems: Sequence[Problem]) -> None:
    """Raise Refused when there is any problem."""
    if problems:
        raise Refused(*problems)
