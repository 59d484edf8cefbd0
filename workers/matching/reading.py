"""Which words of a listing stand behind its keys, as written, for sentences that quote them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.analysis import Token, fold, tokenize
from workers.matching.channels import key_of
from workers.matching.concepts import find_places, glossary
from workers.matching.facts import Facts
from workers.matching.passages import NEED_FIELDS, WANTED_FIELDS, passages
from workers.matching.phrases import GENERAL

_LONGEST_QUOTE = 16
_SOLID = re.compile(r"[々〆一-鿿㐀-䶿ァ-ヺーA-Za-zＡ-Ｚａ-ｚ]+")
_NUMERALS = "一二三四五六七八九十百千万億"
_COUNTED = re.compile(rf"[0-9０-９{_NUMERALS}]")
# A glossary word this long keeps its meaning inside a compound; 医師 in 医師連絡票 does not.
_LASTING = 3


@dataclass(frozen=True, slots=True)
class Quote:
    """A phrase verbatim from a text, and the part of it that carries the key."""

    phrase: str
    word: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Quotes of one listing: key -> quotes from its text, the most telling first."""

    quotes: dict[int, tuple[Quote, ...]]

    def quotes_of(self, key: int) -> tuple[Quote, ...]:
        """Return the quotes that carry a term, () when the text does not have it."""
        return self.quotes.get(key, ())


@lru_cache(maxsize=512)
def read(facts: Facts) -> Reading:
    """Read a listing once more, this time for its words."""
    found: dict[int, dict[Quote, float]] = {}
    for passage in passages(facts):
        text, tokens = passage.text, tokenize(passage.text)
        for key, quote in (*_words(text, tokens, passage.field), *_concepts(text, tokens)):
            best = found.setdefault(key, {})
            best[quote] = max(best.get(quote, 0.0), passage.weight)
    return Reading(
        {
            key: tuple(sorted(weights, key=lambda quote: -weights[quote]))
            for key, weights in found.items()
        }
    )


# The channel that compares a field with one of the other side by itself.
_ACROSS = dict.fromkeys(NEED_FIELDS, "need") | dict.fromkeys(WANTED_FIELDS, "wanted")


def _words(text: str, tokens: Sequence[Token], field: str) -> Iterator[tuple[int, Quote]]:
    """Yield the nouns of a sentence, once more for the channel of its field.

    Not their short units: that 水道 is in 下水道 does not make a text speak of it.
    """
    channels = ["words", *([_ACROSS[field]] if field in _ACROSS else [])]
    for token in tokens:
        written = text[token.start : token.end]
        if not _is_noun(text, token.start, token.end):
            continue
        if len(written) > 1 and token.form not in GENERAL:
            phrase = _phrase(text, tokens, token.start, token.end)
            for channel in channels:
                yield key_of(channel, token.form), Quote(phrase, written)


def _concepts(text: str, tokens: Sequence[Token]) -> Iterator[tuple[int, Quote]]:
    """Yield the glossary words of a sentence that mean there what they mean alone."""
    book, folded = glossary(), fold(text)
    for start, word in find_places(folded, tokenize(folded)):
        at = _position(text, start, word)
        if at is None:
            continue
        written = text[at : at + len(word)]
        phrase = _phrase(text, tokens, at, at + len(word))
        if phrase != written and len(word) < _LASTING:
            continue
        for number in book.words[word]:
            yield key_of("concepts", book.concepts[number].ja), Quote(phrase, written)


def _is_noun(text: str, start: int, end: int) -> bool:
    """Tell whether a span is one run of letters, and neither a number nor what is counted."""
    counted = _COUNTED.match(text[start]) or (start and _COUNTED.match(text[start - 1]))
    return _SOLID.fullmatch(text, start, end) is not None and not counted


def _position(text: str, start: int, word: str) -> int | None:
    """Return where a folded word stands in a text, None when that is not certain.

    Few characters change the length of a text when they are folded; then `start` may be off.
    """
    if fold(text[start : start + len(word)]) == word:
        return start
    return text.find(word) if text.count(word) == 1 else None


def _phrase(text: str, tokens: Sequence[Token], start: int, end: int) -> str:
    """Widen a span to the compound of unbroken nouns around it, if that stays short."""
    first, last = start, end
    for token in reversed(tokens):
        if token.start < first <= token.end and _is_noun(text, token.start, first):
            first = token.start
    for token in tokens:
        if token.start <= last < token.end and _is_noun(text, last, token.end):
            last = token.end
    return text[first:last] if last - first <= _LONGEST_QUOTE else text[start:end]
