"""Which words of a listing stand behind its keys, as written, for sentences that quote them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.analysis import Token, fold, tokenize
from workers.matching.channels import key_of
from workers.matching.concepts import find_words, glossary
from workers.matching.facts import Facts
from workers.matching.passages import passages

_LONGEST_QUOTE = 16
_SOLID = re.compile(r"[々〆一-鿿㐀-䶿ァ-ヺーA-Za-zＡ-Ｚａ-ｚ0-9０-９]+")
_COUNTING = re.compile(r"[0-9０-９一二三四五六七八九十百千万億]")


@dataclass(frozen=True, slots=True)
class Reading:
    """Quotes of one listing: key -> phrases verbatim from its text, the most telling first."""

    quotes: dict[int, tuple[str, ...]]

    def quotes_of(self, key: int) -> tuple[str, ...]:
        """Return the phrases that carry a term, () when the text does not have it."""
        return self.quotes.get(key, ())


@lru_cache(maxsize=512)
def read(facts: Facts) -> Reading:
    """Read a listing once more, this time for its words."""
    found: dict[int, dict[str, float]] = {}
    for passage in passages(facts):
        for key, quote in _quotes(passage.text):
            best = found.setdefault(key, {})
            best[quote] = max(best.get(quote, 0.0), passage.weight)
    return Reading(
        {
            key: tuple(sorted(weights, key=lambda quote: -weights[quote]))
            for key, weights in found.items()
        }
    )


def _quotes(text: str) -> Iterator[tuple[int, str]]:
    """Yield (key, phrase) for the nouns and the glossary words of a sentence."""
    tokens = tokenize(text)
    for token in tokens:
        quote = _phrase(text, tokens, token.start, token.end)
        if _SOLID.fullmatch(quote) and not _COUNTING.match(quote):
            for term in (token.form, *token.units):
                if len(term) > 1:
                    yield key_of("words", term), quote
    book, folded = glossary(), fold(text)
    for word in find_words(folded, tokenize(folded)):
        start = _position(text, word)
        if start is not None:
            quote = _phrase(text, tokens, start, start + len(word))
            for number in book.words[word]:
                yield key_of("concepts", book.concepts[number].ja), quote


def _position(text: str, word: str) -> int | None:
    """Return where a folded word stands in a text, None when it is written otherwise."""
    start = text.find(word)
    if start < 0:
        start = text.lower().find(word)
    return start if start >= 0 else None


def _phrase(text: str, tokens: Sequence[Token], start: int, end: int) -> str:
    """Widen a span to the compound of unbroken words around it, if that stays short."""
    first, last = start, end
    for token in reversed(tokens):
        if token.start < first <= token.end and _SOLID.fullmatch(text[token.start : first]):
            first = token.start
    for token in tokens:
        if token.start <= last < token.end and _SOLID.fullmatch(text[last : token.end]):
            last = token.end
    return text[first:last] if last - first <= _LONGEST_QUOTE else text[start:end]
