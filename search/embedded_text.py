"""A plan as tantivy queries: what may be found, and in which order.

A listing is found when it holds enough of what the plan wants, by form, units, synonym or
reading; character pairs only rank, so that a shared syllable never floods the list. Of the ways
in which a listing meets a word the best one counts, so that a word with many synonyms weighs no
more than another. Scores are BM25, as a share of what a listing that holds every word gets.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import tantivy
from tantivy import Occur, Query

from search.analysis import bigrams
from search.documents import TARGETS
from search.names import START
from search.plan import ENOUGH, Part, Phrase, Plan, Want, Word, grams

# How much a way of meeting a word counts beside the word as typed (1).
TITLE, TEXT = 1.0, 1.0
UNIT = 0.6
SYNONYM = 0.4
GROUP = 0.2
READING = 0.5
NAME = 1.5
GRAM = 0.05
NEAR = 0.4
# What the ways that did not win still add: being met twice is a little better.
TIE_BREAKER = 0.1
_NEAR_SHARE = 0.6
_FEWEST_PAIRS = 2
# Of the idf of its words, what a listing gets that holds each of them in title and text.
_FULL = 2.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a plan finds: `query` without scores, `ranking` with them, `scale` their full mark.

    `unmet` are the words that no listing holds as typed, by sound, or by a synonym.
    """

    query: Query
    ranking: list[Query] = field(default_factory=list)
    scale: float = 1.0
    unmet: tuple[Word, ...] = ()


class TextQueries:
    """Builds queries against one searcher, whose vocabulary tells known words from unknown."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._searcher = searcher

    def knows(self, reading: str) -> bool:
        return self._frequency("kana", reading) > 0

    def found(self, text: str, plan: Plan) -> Found:
        """Return what a plan finds; nothing when no part of it can be met.

        Fewer wants than all are enough only until a page is filled. Each target is judged alone
        and before any filter, so that a tab shows the same whichever tab the reader comes from,
        and a filter never widens what is found.
        """
        wants = self._wants(plan)
        must = [self._phrase(phrase) for phrase in plan.exact]
        never = [self._phrase(phrase) for phrase in plan.without]
        if not wants and not must:
            found = Query.all_query() if never else Query.empty_query()
            return Found(less(found, never))
        sides = [self._side(text, plan, wants, must, target) for target in TARGETS]
        ranking = [*must, *(query for query in wants.values()), *self._touches(text, plan)]
        return Found(
            less(any_of(sides), never),
            ranking=ranking,
            scale=_FULL * sum(self._idf(part) for part in _first_parts(plan)) or 1.0,
            unmet=tuple(word for word in plan.words if not word.asking and not self._met(word)),
        )

    def _wants(self, plan: Plan) -> dict[Want, Query]:
        names = [name for name in plan.names if self._is_name(name)]
        return {want: self._want(want, names) for want in plan.wants}

    def _side(
        self, text: str, plan: Plan, wants: dict[Want, Query], must: list[Query], target: str
    ) -> Query:
        """Return what meets the most wants of which there is still a page, in one target."""
        here = [*map(unscored, must), self._term("target", target, "basic")]
        if not wants:
            return all_of(here)
        queries = list(wants.values())
        least = self._least(queries, here) if len(queries) > 1 else 1
        tries = (any_of(queries, least), self._units(plan.words), self._near(text))
        return next(
            (found for attempt in tries if self._count(found := all_of([attempt, *here]))),
            Query.empty_query(),
        )

    def _least(self, queries: Sequence[Query], here: Sequence[Query]) -> int:
        """Return how many of the queries can be asked for at once and still fill a page, or 1."""
        each = [Query.const_score_query(query, 1.0) for query in queries]
        counted = all_of([any_of(each), *map(unscored, here)])
        hits = self._searcher.search(counted, ENOUGH).hits
        return max(round(hits[ENOUGH - 1][0]), 1) if len(hits) >= ENOUGH else 1

    def _want(self, want: Want, names: Sequence[Phrase]) -> Query:
        met = any_of([all_of([self._part(part) for part in parts]) for parts in want.alternatives])
        called = [name for name in names if any(_inside(part, name) for part in want.parts)]
        return best_of([met, *(self._name(name) for name in called)])

    def _part(self, part: Part) -> Query:
        return self._word(part) if isinstance(part, Word) else self._phrase(part)

    def _touches(self, text: str, plan: Plan) -> Iterator[Query]:
        """Yield what only lifts a listing: words of asking, and likeness of spelling."""
        yield from (boosted(self._word(word), UNIT) for word in plan.asking)
        yield from (boosted(self._term("grams", gram), GRAM) for gram in dict.fromkeys(grams(text)))

    def _word(self, word: Word) -> Query:
        ways = [query for frequency, query in self._ways(word) if frequency]
        return best_of(ways) if ways else self._near(word.form)

    def _ways(self, word: Word) -> Iterable[tuple[int, Query]]:
        yield self._words_way([word.form], 1.0)
        if word.units:
            yield self._words_way(word.units, UNIT)
        for synonym in word.synonyms:
            yield self._words_way(synonym.terms, SYNONYM)
        for group in word.groups:
            yield self._frequency("groups", group), boosted(self._term("groups", group), GROUP)
        if word.in_kana and word.reading:
            yield (
                self._frequency("kana", word.reading),
                boosted(self._term("kana", word.reading), READING),
            )

    def _words_way(self, terms: Sequence[str], weight: float) -> tuple[int, Query]:
        frequency = min((self._frequency("text", term) for term in terms), default=0)
        return frequency, boosted(all_of([self._in_fields(term) for term in terms]), weight)

    def _in_fields(self, term: str) -> Query:
        weights = {"title": TITLE, "text": TEXT}
        return any_of([boosted(self._term(f, term), weight) for f, weight in weights.items()])

    def _met(self, word: Word) -> bool:
        """Tell whether any listing holds a word otherwise than by bits of it."""
        if any(frequency for frequency, _ in self._ways(replace(word, units=()))):
            return True
        return len(word.units) > 1 and bool(self._count(self._words_way(word.units, 1.0)[1]))

    def _units(self, words: Sequence[Word]) -> Query:
        """Return what holds at least a short unit of a compound."""
        units = [unit for word in words for unit in word.units]
        return boosted(any_of([self._in_fields(unit) for unit in units]), UNIT)

    def _near(self, text: str) -> Query:
        """Return what shares most character pairs with a text."""
        pairs = [self._term("grams", gram) for gram in dict.fromkeys(bigrams(text))]
        if len(pairs) < _FEWEST_PAIRS:
            return Query.empty_query()
        return boosted(any_of(pairs, max(_FEWEST_PAIRS, round(len(pairs) * _NEAR_SHARE))), NEAR)

    def _phrase(self, phrase: Phrase) -> Query:
        return self._units_in_order("exact", phrase.units)

    def _name(self, name: Phrase) -> Query:
        return boosted(self._units_in_order("name", (START, *name.units)), NAME)

    def _is_name(self, name: Phrase) -> bool:
        return bool(self._count(self._name(name)))

    def _units_in_order(self, field: str, units: Sequence[str]) -> Query:
        if len(units) == 1:
            return self._term(field, units[0], "position")
        return Query.phrase_query(self._schema, field, list(units))

    def _idf(self, part: Part) -> float:
        """Return the inverse document frequency of BM25, as tantivy computes it."""
        total = self._searcher.num_docs
        held = self._frequency("text", part.form) if isinstance(part, Word) else 1
        return math.log(1 + (total - held + 0.5) / (held + 0.5))

    def _count(self, query: Query) -> int:
        return count_of(self._searcher.search(unscored(query), 1))

    def _term(self, field: str, value: str, option: str = "freq") -> Query:
        return Query.term_query(self._schema, field, value, option)

    def _frequency(self, field: str, value: str) -> int:
        return self._searcher.doc_freq(field, value) if value else 0


def _first_parts(plan: Plan) -> list[Part]:
    """Return the parts a listing must hold to meet a plan: of alternatives the first."""
    return [*plan.exact, *(part for want in plan.wants for part in want.alternatives[0])]


def _inside(part: Part, name: Phrase) -> bool:
    return name.start <= part.start and part.end <= name.end


def less(found: Query, never: Sequence[Query]) -> Query:
    """Return what matches `found` and none of the others."""
    if not never:
        return found
    return Query.boolean_query([(Occur.Must, found), *((Occur.MustNot, query) for query in never)])


def unscored(query: Query) -> Query:
    """Return the same matches at no score, which spares the engine most of its work."""
    return Query.const_score_query(query, 0.0)


def count_of(result: Any) -> int:
    """Return the exact number of matches of a search; typed here because the stub omits it."""
    return int(result.count or 0)


def boosted(query: Query, boost: float) -> Query:
    return query if boost == 1 else Query.boost_query(query, boost)


def best_of(queries: Sequence[Query]) -> Query:
    """Return what matches any of the queries, scored by the best of them."""
    if len(queries) == 1:
        return queries[0]
    return Query.disjunction_max_query(list(queries), TIE_BREAKER)


def any_of(queries: Sequence[Query], least: int = 1) -> Query:
    """Return what matches at least so many of the queries; nothing when there are none."""
    if not queries:
        return Query.empty_query()
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries], least)


def all_of(queries: Sequence[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Must, query) for query in queries])
