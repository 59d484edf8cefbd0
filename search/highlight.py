"""The passage of a text that answers a query, with the answering words marked."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from search.analysis import Token, tokenize
from search.plan import Phrase, Plan, Word, plan, words

_LONGEST_TEXT = 20_000
_LEAD = 4  # a quarter of the passage may stand before its first marked word
_SENTENCE_ENDS = "。．！？\n"


def snippet(text: str, query: str, *, width: int = 120) -> list[tuple[str, bool]]:
    """Return the best passage of at most about `width` characters as (piece, matched) pairs.

    The pieces are slices of the original text and join to one stretch of it. Without a match it
    is the beginning. The caller escapes them.
    """
    text = text[:_LONGEST_TEXT]
    marks = _marks(text, query)
    start, end = _passage(text, marks, max(width, 1))
    pieces: list[tuple[str, bool]] = []
    at = start
    for mark in marks:
        if mark.start >= at and mark.end <= end:
            pieces += [(text[at : mark.start], False), (text[mark.start : mark.end], True)]
            at = mark.end
    pieces.append((text[at:end], False))
    return [(piece, matched) for piece, matched in pieces if piece]


def holds(text: str, query: str) -> bool:
    """Tell whether a text answers every word that a query asks for, and it asks for some."""
    tokens = tokenize(text[:_LONGEST_TEXT])
    asked = _words_asked(tokens, query)
    needed = {word.form for word in asked if not word.asking} or {word.form for word in asked}
    wanted = _Wanted(asked)
    return bool(needed) and needed <= {form for token in tokens for form in wanted.words(token)}


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    word: str


def _marks(text: str, query: str) -> list[_Mark]:
    tokens = tokenize(text) if query.strip() else []
    wanted = _Wanted(_words_asked(tokens, query))
    found = ((token, wanted.words(token)) for token in tokens)
    return [_Mark(token.start, token.end, words[0]) for token, words in found if words]


def _words_asked(tokens: Sequence[Token], query: str) -> list[Word]:
    """Return the words of a query, its kana cut by what the text says."""
    spoken = {reading for token in tokens for reading in (token.reading, *token.unit_readings)}
    return _asked(query, plan(query, spoken.__contains__))


def _asked(query: str, planned: Plan) -> list[Word]:
    """Return the words a text is read for; those of phrases too, those to leave out not."""
    phrases = [
        *planned.exact,
        *(p for w in planned.wants for p in w.parts if isinstance(p, Phrase)),
    ]
    inside = [word for phrase in phrases for word in words(query[phrase.start : phrase.end])]
    return [*planned.words, *inside]


class _Wanted:
    """Which tokens answer which word of a query."""

    def __init__(self, query: Sequence[Word]) -> None:
        self._by_key: dict[tuple[str, str], str] = {}
        for word in query:
            for key in _keys(word):
                self._by_key.setdefault(key, word.form)

    def words(self, token: Token) -> list[str]:
        """Return the words of the query that a token answers."""
        keys = [
            ("term", token.form),
            *(("term", unit) for unit in token.units),
            *(("group", str(group)) for group in token.groups),
            *(("reading", reading) for reading in (token.reading, *token.unit_readings)),
        ]
        return [self._by_key[key] for key in keys if key in self._by_key]


def _keys(word: Word) -> list[tuple[str, str]]:
    terms = [word.form, *word.units, *(term for s in word.synonyms for term in s.terms)]
    readings = [word.reading] if word.in_kana else []
    return [
        *(("term", term) for term in terms),
        *(("group", group) for group in word.groups),
        *(("reading", reading) for reading in readings),
    ]


def _passage(text: str, marks: Sequence[_Mark], width: int) -> tuple[int, int]:
    """Return the stretch that holds the most different words of the query, the first of equals."""
    if len(text) <= width:
        return 0, len(text)
    starts = {_opening(text, mark.start, width) for mark in marks} | {0}
    best = max(sorted(starts), key=lambda start: _worth(marks, start, start + width))
    best = max(min(best, len(text) - width), 0)
    return _whole(text, best), _whole(text, best + width)


def _opening(text: str, at: int, width: int) -> int:
    """Return where a passage around a mark opens: at its sentence when that is near."""
    earliest = max(at - width // _LEAD, 0)
    ends = [text.rfind(end, earliest, at) for end in _SENTENCE_ENDS]
    return max(ends) + 1 if max(ends) >= 0 else earliest


def _worth(marks: Sequence[_Mark], start: int, end: int) -> tuple[int, int]:
    inside = [mark.word for mark in marks if start <= mark.start and mark.end <= end]
    return len(set(inside)), len(inside)


def _whole(text: str, at: int) -> int:
    """Move a cut behind marks that belong to the character before it."""
    while at < len(text) and (unicodedata.combining(text[at]) or text[at] in "ﾞﾟ\ufe0f\u200d"):
        at += 1
    return at
