"""The words of a listing by channel, the same for every engine."""

from collections.abc import Sequence
from typing import Any

from search.analysis import Token, exact_units, hiragana, is_kana, spoken_as, tokenize
from search.documents import SearchDocument
from search.lexicon import words_of
from search.names import name_units
from search.plan import grams

PART_END = "¶"  # no letter, so that no phrase reaches over it


def text_fields(document: SearchDocument) -> dict[str, Any]:
    """Return the words of a listing by channel, joined by spaces, and those of the lexicon."""
    title = tokenize(document.title)
    parts = [document.summary, document.body, *document.keywords, document.owner]
    told = [token for part in parts[:-1] for token in tokenize(part)]
    every = [*title, *told, *tokenize(document.owner)]
    names = [*document.keywords, document.owner_kana]
    spelled = [hiragana(name) for name in names if is_kana(name)]
    read = [
        reading
        for token in every
        for reading in (*spoken_as(token.surface, token.reading), *token.unit_readings)
    ]
    return {
        "title": _terms(title),
        "text": _terms(every),
        "grams": " ".join(grams("\n".join((document.title, *parts)))),
        "kana": " ".join(reading for reading in (*read, *spelled) if reading),
        "groups": " ".join(str(group) for token in every for group in token.groups),
        "exact": f" {PART_END} ".join(" ".join(exact_units(p)) for p in (document.title, *parts)),
        "name": " ".join(name_units(document)),
        "lexicon": sorted(words_of(title + told)),
    }


def _terms(tokens: Sequence[Token]) -> str:
    return " ".join(term for token in tokens for term in (token.form, *token.units))
