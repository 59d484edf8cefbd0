"""A listing as weighted sentences: what states the need counts, procedure hardly does.

Each sentence gets the weight of its field times the weight of its manner of speaking (see
`search.sentences`). What a solution merely enumerates hardly counts either; a call may list what
it struggles with.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search.enumeration import enumerations
from search.sentences import weighted_sentences
from workers.matching.facts import CallFacts, Facts

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
# The fields of the two sides that answer one another, compared once more by themselves: what
# troubles the town and what the firm solves, what the town wants and what the firm brings.
NEED_FIELDS = ("problem", "solves")
WANTED_FIELDS = ("wanted", "brings")

LISTED_WEIGHT = 0.15


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
    offers = not isinstance(facts, CallFacts)
    fields = SOLUTION_FIELDS if offers else CALL_FIELDS
    texts: dict[str, str] = {field: getattr(facts, field) for field in fields}
    # Over all fields at once: a list does not end where a line or a field does.
    whole = "\n".join(texts.values())
    lists = list(enumerations(whole)) if offers else []
    at = 0
    for field, text in texts.items():
        sentences = [(text, 1.0)] if field == "title" else weighted_sentences(text)
        end = at
        for sentence, manner in sentences:
            start = whole.index(sentence, end)
            end = start + len(sentence)
            for piece, listed in _pieces(whole, start, end, lists):
                share = LISTED_WEIGHT if listed else manner
                yield Passage(piece, field, fields[field] * share, listed)
        at += len(text) + 1


def _pieces(
    text: str, start: int, end: int, lists: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, bool]]:
    """Cut text[start:end] into (piece, does it stand in one of the lists)."""
    for first, last in lists:
        if first < end and start < last:
            if start < first:
                yield text[start:first], False
                start = first
            stop = min(last, end)
            yield text[start:stop], True
            start = stop
    if start < end:
        yield text[start:end], False
