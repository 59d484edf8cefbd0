"""Words of public-private partnership that mean nearly the same, used at query time.

A query that names one of them is also searched by the others, below the weight of what was
typed. The dictionary of the analyser brings everyday synonyms of its own; the file `synonyms.txt`
holds the terms of the field and says how its lines are written. Fiscal years are counted here.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from search.analysis import tokenize

_FILE = Path(__file__).with_name("synonyms.txt")

_ERAS = (("平成", "H", 1988), ("令和", "R", 2018))  # name, letter, the year before the first
_LAST_YEAR_OF_HEISEI = 2019
# The law on private finance is of 1999; nothing in the field is older, and H2 is hydrogen.
_YEARS = range(1999, 2041)


@dataclass(frozen=True, slots=True)
class Synonym:
    """Another way to say it: as people write it, and as the words that must all occur."""

    text: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One idea of the table: every member of `heads` is also searched by all of `others`."""

    heads: tuple[str, ...]
    others: tuple[str, ...]


class Phrases:
    """The table as the analyser sees it: words of a phrase -> its synonyms. Built on first use."""

    @cached_property
    def synonyms(self) -> dict[tuple[str, ...], tuple[Synonym, ...]]:
        """Return the synonyms of every phrase, by its normalised words; the nearest come first.

        The lines a phrase opens come before those it only stands in.
        """
        placed: dict[tuple[str, ...], list[tuple[int, tuple[Synonym, ...]]]] = defaultdict(list)
        for line in (*table(), *_years()):
            others = tuple(map(synonym, line.others))
            for place, head in enumerate(map(synonym, line.heads)):
                placed[head.terms].append((place, others))
        found = {terms: _nearest_first(terms, lines) for terms, lines in placed.items()}
        return {terms: others for terms, others in found.items() if others}

    @cached_property
    def longest(self) -> int:
        """Return the number of words of the longest phrase."""
        return max(map(len, self.synonyms))


PHRASES = Phrases()


def table() -> tuple[Line, ...]:
    """Return the lines of the file."""
    rows = (row.partition("#")[0] for row in _FILE.read_text(encoding="utf-8").splitlines())
    return tuple(_line(row) for row in rows if row.strip())


def synonym(text: str) -> Synonym:
    """Return a phrase as written and as the analyser sees it."""
    return Synonym(text, tuple(token.form for token in tokenize(text)))


def _nearest_first(
    terms: tuple[str, ...], lines: list[tuple[int, tuple[Synonym, ...]]]
) -> tuple[Synonym, ...]:
    found: dict[tuple[str, ...], Synonym] = {}
    for _, others in sorted(lines, key=lambda line: line[0] > 0):
        for other in others:
            # What holds all words of the phrase is found by the phrase itself.
            if not set(terms) <= set(other.terms):
                found.setdefault(other.terms, other)
    return tuple(found.values())


def _line(row: str) -> Line:
    heads, wider, others = row.partition(" > ")
    return Line(_members(heads), _members(others if wider else heads))


def _members(words: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in words.split())


def _years() -> Iterator[Line]:
    """Yield every year of the field in the calendars and spellings people type."""
    for year in _YEARS:
        eras = list(_years_of_eras(year))
        names = [f"{year}", *(f"{era}{number}" for era, _, number in eras)]
        letters = [f"{letter}{number}" for _, letter, number in eras]
        names += [f"{letter}{number}" for _, letter, number in eras]
        fiscal = (*(f"{name}年度" for name in names), *letters)
        calendar = tuple(f"{name}年" for name in names)
        yield Line(fiscal, fiscal)
        yield Line(calendar, calendar)


def _years_of_eras(year: int) -> Iterator[tuple[str, str, str]]:
    """Yield (era, letter, number) of a western year; the first year has a name of its own."""
    for era, letter, before in _ERAS:
        number = year - before
        if number < 1 or (era == "平成" and year > _LAST_YEAR_OF_HEISEI):
            continue
        if number == 1:
            yield era, letter, "元"
        yield era, letter, str(number)
