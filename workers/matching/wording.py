"""Sentences in both languages, and how they quote."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workers.matching.facts import Facts

_LONGEST, _SHORTEST = 40, 12
# Where a quotation may end: at the end of a sentence, else at a comma.
_CLAUSE = re.compile(r"[^。！？!?\s「」]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement in both languages."""

    ja: str
    en: str


def quotes(phrases: Iterable[str]) -> str:
    """Return phrases in Japanese quotation marks."""
    return "".join(f"「{phrase}」" for phrase in phrases)


def excerpt(passage: str, texts: Sequence[str]) -> str | None:
    """Return the beginning of a passage as it stands in one of the texts, short; None if nowhere.

    A passage is joined of sentences that may stand apart, so no more than one of them is quoted.
    """
    for match in _CLAUSE.finditer(passage):
        said = _shortened(match.group())
        if len(said) >= _SHORTEST and any(said in text for text in texts):
            return said
    return None


def _shortened(clause: str) -> str:
    if len(clause) <= _LONGEST:
        return clause
    comma = clause.rfind("、", _SHORTEST, _LONGEST)
    return clause[:comma] if comma > 0 else clause[:_LONGEST]


def all_texts(facts: Facts) -> list[str]:
    """Return every text of a listing."""
    values = (getattr(facts, name) for name in facts.__slots__)
    return [value for value in values if isinstance(value, str)]
