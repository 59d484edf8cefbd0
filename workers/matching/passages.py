"""A listing as weighted sentences: what states the need counts, procedure hardly does.

Real calls carry long preambles, eligibility, privacy, schedules and contacts around a few
sentences of need. Each sentence gets the weight of its field times the weight of its manner of
speaking; the patterns are the set phrases of public notices, not topics. What a solution merely
enumerates hardly counts either; a call may list what it struggles with.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from search.analysis import fold
from search.enumeration import pieces
from workers.matching.facts import CallFacts, Facts
from workers.matching.phrases import PREAMBLE, PROCEDURE

CALL_FIELDS = {
    "title": 2.0,
    "summary": 1.2,
    "problem": 1.5,
    "wanted": 1.2,
    "vision": 1.0,
    "details": 1.0,
    "tried": 0.7,
    "offered": 0.3,
}
SOLUTION_FIELDS = {
    "title": 2.0,
    "summary": 1.2,
    "solves": 1.5,
    "brings": 1.0,
    "evidence": 0.3,
    "asks_text": 0.3,
}
# The fields in which each side says what it is about: compared with one another once more.
NEED_FIELDS = frozenset({"problem", "wanted", "solves"})

PROCEDURE_WEIGHT = 0.1
PREAMBLE_WEIGHT = 0.3
HEADING_WEIGHT = 0.3
LISTED_WEIGHT = 0.15

_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]*")
_HEADING = re.compile(
    r"\s*([■●◆□○◇▼▽▶★【〔［\[<＜]|[(（第]?[0-9０-９一二三四五六七八九十]{1,2}[.．、)）章\s])"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence of a listing as written, its field and its weight (1 = plain prose).

    `listed` marks bare enumeration, which is cut out of its sentence.
    """

    text: str
    field: str
    weight: float
    listed: bool = False


def passages(facts: Facts) -> Iterator[Passage]:
    """Yield the weighted sentences of a listing, title first, in a fixed order of fields."""
    fields = CALL_FIELDS if isinstance(facts, CallFacts) else SOLUTION_FIELDS
    for field, weight in fields.items():
        text: str = getattr(facts, field)
        sentences = [(text, 1.0)] if field == "title" else weighted_sentences(text)
        for sentence, manner in sentences:
            if isinstance(facts, CallFacts):
                yield Passage(sentence, field, weight * manner)
                continue
            for piece, listed in pieces(sentence):
                share = LISTED_WEIGHT if listed else manner
                yield Passage(piece, field, weight * share, listed)


def weighted_sentences(text: str) -> Iterator[tuple[str, float]]:
    """Yield (sentence, weight of its manner of speaking) for a running text.

    A short line without a full stop is a heading; under a heading of procedure ("応募資格")
    everything counts as procedure until the next heading.
    """
    below_procedure = False
    for line in text.splitlines():
        if not line.strip():
            continue
        if _is_heading(line):
            below_procedure = PROCEDURE.search(fold(line)) is not None
            yield line.strip(), PROCEDURE_WEIGHT if below_procedure else HEADING_WEIGHT
            continue
        for match in _SENTENCE.finditer(line):
            if sentence := match.group().strip():
                yield sentence, PROCEDURE_WEIGHT if below_procedure else _manner(sentence)


def _is_heading(line: str) -> bool:
    return _HEADING.match(line) is not None and len(line.strip()) <= 24 and "。" not in line


def _manner(sentence: str) -> float:
    folded = fold(sentence)
    if PROCEDURE.search(folded):
        return PROCEDURE_WEIGHT
    return PREAMBLE_WEIGHT if PREAMBLE.search(folded) else 1.0
