"""A field glossary: which municipal needs a text speaks about, whatever words it uses.

Synonym dictionaries do not know that 民生委員 and 独居 belong together. `concepts.txt` lists the
needs towns have in common with the words people write about them; two texts that use different
words of one block share a concept. The words are general vocabulary of Japanese local
government, not taken from any listing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from search.analysis import Token, fold

_FILE = Path(__file__).with_name("concepts.txt")
# Words this short are parts of many others that mean something else.
_SHORT = 2


@dataclass(frozen=True, slots=True)
class Concept:
    """A need: its place in the file, its theme (level-1 key) and its names."""

    number: int
    theme: str
    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Glossary:
    """All concepts, and for every folded word the concepts it speaks about.

    `lengths` maps the first two characters of words to the words' lengths, longest first.
    """

    concepts: tuple[Concept, ...]
    words: dict[str, tuple[int, ...]]
    lengths: dict[str, tuple[int, ...]]


@lru_cache(maxsize=1)
def glossary() -> Glossary:
    """Return the glossary, read once."""
    concepts: list[Concept] = []
    words: dict[str, tuple[int, ...]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if " | " in line:
            theme, ja, en = (name.strip() for name in line.split(" | "))
            concepts.append(Concept(len(concepts), theme, ja, en))
            continue
        for word in map(fold, line.split()):
            if concepts[-1].number not in words.get(word, ()):
                words[word] = (*words.get(word, ()), concepts[-1].number)
    return Glossary(tuple(concepts), words, _lengths(words))


def _lengths(words: Iterable[str]) -> dict[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for word in words:
        if len(word) > 1:
            found.setdefault(word[:2], set()).add(len(word))
    return {start: tuple(sorted(own, reverse=True)) for start, own in found.items()}


def find_words(folded: str, tokens: Sequence[Token]) -> list[str]:
    """Return the glossary words of a folded text; see `find_places`."""
    return [word for _, word in find_places(folded, tokens)]


def find_places(folded: str, tokens: Sequence[Token]) -> list[tuple[int, str]]:
    """Return (start, glossary word) of a folded text: longest first, never overlapping.

    `tokens` are those of the folded text. A word may neither begin nor end inside an unbroken
    one (間借り is not in 年間借り上げ), one of two characters not inside any (学生 is not in
    中学生); single characters count only as words of their own (熊 is not in 熊本).
    """
    words = glossary().words
    single = [(token.start, token.form) for token in tokens if len(token.form) == 1]
    return [*_compounds(folded, tokens), *(found for found in single if found[1] in words)]


def _compounds(text: str, tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    inner = {i for token in tokens for i in range(token.start + 1, token.end)}
    solid = {i for token in tokens if not token.units for i in range(token.start + 1, token.end)}
    words, lengths = glossary().words, glossary().lengths
    start = 0
    while start < len(text):
        for length in lengths.get(text[start : start + 2], ()):
            end = start + length
            word = text[start:end]
            if len(word) < length or word not in words:
                continue
            barred = inner if length <= _SHORT else solid
            if _stands_alone(text, start, end) and not {start, end} & barred:
                yield start, word
                start = end - 1
                break
        start += 1


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Tell whether a word does not continue in katakana or in Latin letters."""
    before = _script(text[start - 1]) if start else ""
    after = _script(text[end]) if end < len(text) else ""
    first, last = _script(text[start]), _script(text[end - 1])
    return not (first and first == before) and not (last and last == after)


def _script(char: str) -> str:
    if "ァ" <= char <= "ヺ" or char == "ー":
        return "katakana"
    return "latin" if char.isascii() and char.isalnum() else ""
