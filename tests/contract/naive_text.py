"""What a text must find, by looking at the words of every listing in turn."""

from collections.abc import Callable, Iterable, Sequence

from search.analysis import bigrams
from search.channels import PART_END, text_fields
from search.documents import SearchDocument
from search.names import START
from search.plan import ENOUGH, Part, Phrase, Want, Word, plan

Test = Callable[["Listing"], bool]


class Listing:
    """A listing as sets and rows of words."""

    def __init__(self, document: SearchDocument) -> None:
        channels = text_fields(document)
        self.document = document
        self.words = set(channels["text"].split())
        self.kana = set(channels["kana"].split())
        self.groups = set(channels["groups"].split())
        self.grams = set(channels["grams"].split())
        self.exact = channels["exact"].split()
        self.name = channels["name"].split()


class Texts:
    """Every listing there is; `finds` tells which of them a text finds."""

    def __init__(self, documents: Iterable[SearchDocument]) -> None:
        self._listings = [Listing(document) for document in documents]

    def finds(self, text: str) -> set[str]:
        """Return the ids, whatever else narrows the search."""
        asked = plan(text, lambda reading: self._any(lambda here: reading in here.kana))
        never = [self._part(phrase) for phrase in asked.without]
        must = [self._part(phrase) for phrase in asked.exact]
        if not (asked.wants or must or never):
            return set()
        names = [name for name in asked.names if self._any(called(name))]
        wants = [self._want(want, names) for want in asked.wants]
        found: set[str] = set()
        for target in ("call", "solution"):
            side = [
                here
                for here in self._listings
                if here.document.target == target and all(test(here) for test in must)
            ]
            found |= {here.document.id for here in met(side, wants, text, asked.words)}
        banned = {here.document.id for here in self._listings if any(no(here) for no in never)}
        return found - banned

    def _any(self, test: Test) -> bool:
        return any(map(test, self._listings))

    def _want(self, want: Want, names: Sequence[Phrase]) -> Test:
        ways = [[self._part(part) for part in parts] for parts in want.alternatives]
        inside = [
            called(name)
            for name in names
            if any(name.start <= part.start and part.end <= name.end for part in want.parts)
        ]
        return lambda here: (
            any(all(test(here) for test in way) for way in ways)
            or any(test(here) for test in inside)
        )

    def _part(self, part: Part) -> Test:
        if isinstance(part, Phrase):
            return lambda here: stands(part.units, here.exact)
        ways = [way for way in word_ways(part) if self._any(way)]
        if not ways:
            return near(part.form)
        return lambda here: any(way(here) for way in ways)


def met(
    side: list[Listing], wants: Sequence[Test], text: str, words: Sequence[Word]
) -> list[Listing]:
    """Return what meets the most wants of which there is still a page."""
    if not wants:
        return side
    counts = {id(here): sum(test(here) for test in wants) for here in side}
    full = sorted(counts.values(), reverse=True)
    least = max(full[ENOUGH - 1], 1) if len(full) >= ENOUGH else 1
    units = {unit for word in words for unit in word.units}
    tries: list[Test] = [
        lambda here: counts[id(here)] >= least,
        lambda here: bool(units & here.words),
        near(text),
    ]
    return next((kept for test in tries if (kept := [here for here in side if test(here)])), [])


def word_ways(word: Word) -> list[Test]:
    phrases = [(word.form,), word.units, *(synonym.terms for synonym in word.synonyms)]
    ways: list[Test] = [holding(terms) for terms in phrases if terms]
    ways.append(lambda here: bool(set(word.groups) & here.groups))
    if word.in_kana and word.reading:
        ways.append(lambda here: word.reading in here.kana)
    return ways


def holding(terms: Sequence[str]) -> Test:
    return lambda here: set(terms) <= here.words


def near(text: str) -> Test:
    pairs = set(list(dict.fromkeys(bigrams(text)))[:24])
    if len(pairs) < 2:
        return lambda here: False
    least = max(2, round(len(pairs) * 0.6))
    return lambda here: len(pairs & here.grams) >= least


def called(name: Phrase) -> Test:
    return lambda here: stands((START, *name.units), here.name)


def stands(units: Sequence[str], row: Sequence[str]) -> bool:
    """Tell whether units stand side by side in a row, which nothing reaches over PART_END."""
    assert PART_END not in units
    size = len(units)
    return any(tuple(row[i : i + size]) == tuple(units) for i in range(len(row) - size + 1))
