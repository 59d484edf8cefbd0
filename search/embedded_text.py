"""A plan as tantivy queries: what may be found, and in which order.

A listing is found when it holds enough of what the plan wants, by form, units, synonym or
reading; character pairs only rank, so that a shared syllable never floods the list. Of the ways
in which a listing meets a word the best one counts, so that a word with many synonyms weighs no
more than another. Scores are BM25, as a share of what a listing that holds every word gets.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import tantivy
from tantivy import Occur, Query

from search.analysis import characters
from search.names import START
from search.plan import ENOUGH, Part, Phrase, Plan, Want, Word, near_pairs

# How much a way of meeting a word counts beside the word as typed (1).
# The field `text` holds the title too.
WEIGHTS = {"title": 1.0, "text": 1.0}
UNIT = 0.6
SYNONYM = 0.4
GROUP = 0.2
READING = 0.5
CHARACTER = 0.3
NEAR = 0.4
# What the ways that did not win still add: being met twice is a little better.
TIE_BREAKER = 0.1
# The rarest kanji of a query tell most; the common ones cost most.
_MOST_CHARACTERS = 6
_FEW = 5
# Of the idf of its words, what a listing gets that holds each of them in title and text.
_FULL = 2.0


@dataclass(frozen=True, slots=True)
class Side:
    """What is found in one target: with scores, and the same matches at less cost.

    `size` is how many the caller finds with it, None where nobody counted them.
    """

    scored: Query
    plain: Query
    size: int | None = None

    def less(self, never: Sequence[Query]) -> "Side":
        """Return the same without what matches any of the queries."""
        return Side(less(self.scored, never), less(self.plain, never))


@dataclass(frozen=True, slots=True)
class Counting:
    """How a caller counts what it finds with a side of a target.

    Where it finds a page, nothing else needs to be counted. `narrowed` says that it may find
    fewer than the side.
    """

    size: Callable[[str, Side], int]
    narrowed: bool


@dataclass(frozen=True, slots=True)
class _Parts:
    """A plan in queries, `wants` with scores and without; `attempts` where none of them is met."""

    wants: Sequence[tuple[Query, Query]]
    must: Sequence[Query]
    never: Sequence[Query]
    attempts: Sequence[Query]
    whole: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a plan finds in each target, with scores, of which `scale` is the full mark.

    `touches` only lift what is found already. `unmet` are the words that no listing holds as
    typed, by sound, or by a synonym.
    """

    sides: Mapping[str, Side]
    touches: list[Query] = field(default_factory=list)
    scale: float = 1.0
    unmet: tuple[Word, ...] = ()

    def scored(self, target: str | None) -> Query:
        """Return what is found in one target, in all of them for None."""
        return any_of([side.scored for side in self._of(target)])

    def plain(self, target: str | None) -> Query:
        """Return the same matches, cheaper and without scores."""
        return unscored(any_of([side.plain for side in self._of(target)]))

    def sized(self, target: str | None) -> int | None:
        """Return how many are found in one target, in all of them for None, where it is known."""
        sizes = [side.size for side in self._of(target)]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def _of(self, target: str | None) -> list["Side"]:
        return [side for name, side in self.sides.items() if target in (None, name)]


class TextQueries:
    """Builds queries against one searcher, whose vocabulary tells known words from unknown."""

    def __init__(
        self, schema: tantivy.Schema, searcher: tantivy.Searcher, *, scored: bool = True
    ) -> None:
        """Without `scored` queries match the same at less cost, and say nothing of an order."""
        self._schema = schema
        self._searcher = searcher
        self._weights = WEIGHTS if scored else {"text": 1.0}
        self._join = best_of if scored else any_of

    def knows(self, reading: str) -> bool:
        return self._frequency("kana", reading) > 0

    def found(
        self,
        text: str,
        plan: Plan,
        targets: Sequence[str],
        counting: Counting,
        *,
        whole: bool = False,
    ) -> Found:
        """Return what a plan finds among `targets`; nothing when no part of it can be met.

        Fewer wants than all are enough only until a page is filled, never with `whole`. Each target is judged alone
        and before any filter, so that a tab shows the same whichever tab the reader comes from,
        and a filter never widens what is found.
        """
        plain = TextQueries(self._schema, self._searcher, scored=False)
        must = [self._phrase(phrase) for phrase in plan.exact]
        never = [self._phrase(phrase) for phrase in plan.without]
        unmet = tuple(word for word in plan.words if not word.asking and not self._met(word))
        if whole and unmet:
            nothing = Side(Query.empty_query(), Query.empty_query())
            return Found(dict.fromkeys(targets, nothing), unmet=unmet)
        if not plan.wants and not must:
            found = less(Query.all_query() if never else Query.empty_query(), never)
            sides = {t: unscored(all_of([found, self._is(t)])) for t in targets}
            return Found({t: Side(side, side) for t, side in sides.items()}, unmet=unmet)
        names = [(name, self._name(name, plan)) for name in plan.names]
        called = [(name, query) for name, query in names if self._count(query)]
        wants = [(self._want(want, called), plain._want(want, called)) for want in plan.wants]
        attempts = (self._units(plan.words), self._near(plan.spelling))
        parts = _Parts(wants, must, never, attempts, whole)
        return Found(
            {target: self._side(parts, target, counting) for target in targets},
            touches=list(self._touches(text, plan)),
            scale=_FULL * sum(self._idf(part) for part in _first_parts(plan)) or 1.0,
            unmet=unmet,
        )

    def _side(self, parts: "_Parts", target: str, counting: Counting) -> Side:
        """Return what meets the most wants of which there is still a page, in one target."""
        here = [*parts.must, unscored(self._is(target))]
        if not parts.wants:
            return Side(all_of(here), all_of(here)).less(parts.never)
        ranked, plain = zip(*parts.wants, strict=True)
        every = _meeting(ranked, plain, len(plain), here)
        asked = every.less(parts.never)
        enough = ENOUGH if len(plain) > 1 else 1
        size = held = counting.size(target, asked)
        if size < enough and (counting.narrowed or parts.never):
            held = self._count(every.plain)
        if held >= enough or parts.whole:
            return replace(asked, size=size)
        if least := self._least(plain, here):
            return _meeting(ranked, plain, least, here).less(parts.never)
        found = (all_of([attempt, *here]) for attempt in parts.attempts)
        one = next((query for query in found if self._count(query)), Query.empty_query())
        return Side(one, one).less(parts.never)

    def _least(self, queries: Sequence[Query], here: Sequence[Query]) -> int:
        """Return how many of the queries a page of listings meets at once, at least 1.

        0 when no listing meets any.
        """
        each = [Query.const_score_query(query, 1.0) for query in queries]
        hits = self._searcher.search(all_of([any_of(each), *map(unscored, here)]), ENOUGH).hits
        if len(hits) < ENOUGH:
            return min(len(hits), 1)
        return max(round(float(hits[-1][0])), 1)

    def _want(self, want: Want, names: Sequence[tuple[Phrase, Query]]) -> Query:
        met = any_of([all_of([self._part(part) for part in parts]) for parts in want.alternatives])
        called = [query for name, query in names if any(_inside(p, name) for p in want.parts)]
        return self._join([met, *called])

    def _part(self, part: Part) -> Query:
        return self._word(part) if isinstance(part, Word) else self._phrase(part)

    def _touches(self, text: str, plan: Plan) -> Iterator[Query]:
        """Yield what only lifts a listing: words of asking, and single kanji in common."""
        yield from (boosted(self._word(word), UNIT) for word in plan.asking)
        held = {char: self._frequency("grams", char) for char in characters(text)}
        rarest = sorted((char for char in held if held[char]), key=lambda char: held[char])
        for char in rarest[:_MOST_CHARACTERS]:
            yield boosted(self._term("grams", char), CHARACTER)

    def _word(self, word: Word) -> Query:
        ways = list(self._ways(word))
        if not self._leads(ways):
            return Query.empty_query() if word.listed else self._near(word.form)
        return self._join([way.query for way in ways])

    def _ways(self, word: Word) -> Iterator["_Way"]:
        """Yield the ways of which the index holds every term, though maybe in no one listing."""
        phrases: list[tuple[Sequence[str], float]] = [((word.form,), 1.0)]
        phrases += [(word.units, UNIT)] if word.units else []
        phrases += [(synonym.terms, SYNONYM) for synonym in word.synonyms]
        for terms, weight in phrases:
            if all(self._frequency("text", term) for term in terms):
                query = boosted(all_of([self._in_fields(term) for term in terms]), weight)
                yield _Way(query, sure=len(terms) == 1)
        for group in word.groups:
            if self._frequency("groups", group):
                yield _Way(boosted(self._term("groups", group), GROUP), sure=True)
        if word.in_kana and self._frequency("kana", word.reading):
            yield _Way(boosted(self._term("kana", word.reading), READING), sure=True)

    def _leads(self, ways: Sequence["_Way"]) -> bool:
        """Tell whether any of the ways leads to a listing."""
        if any(way.sure for way in ways):
            return True
        return bool(ways) and bool(self._count(any_of([way.query for way in ways])))

    def _in_fields(self, term: str) -> Query:
        return any_of([boosted(self._term(f, term), w) for f, w in self._weights.items()])

    def _met(self, word: Word) -> bool:
        """Tell whether any listing holds a word otherwise than by bits of it."""
        several = word.units if len(word.units) > 1 else ()
        return self._leads(list(self._ways(replace(word, units=several))))

    def _units(self, words: Sequence[Word]) -> Query:
        """Return what holds at least a short unit of a compound."""
        units = [unit for word in words for unit in word.units]
        return boosted(any_of([self._in_fields(unit) for unit in units]), UNIT)

    def _near(self, text: str) -> Query:
        """Return what shares most character pairs with a text."""
        pairs, least = near_pairs(text)
        return boosted(any_of([self._term("grams", pair) for pair in pairs], least), NEAR)

    def _phrase(self, phrase: Phrase) -> Query:
        return self._units_in_order("exact", phrase.units)

    def _name(self, name: Phrase, plan: Plan) -> Query:
        """Meet words by the name they begin; it counts as a mention of them and no more.

        Else a company that calls itself by a common word would stand above those who write of it.
        """
        parts = (part for want in plan.wants for part in want.parts if _inside(part, name))
        called = self._units_in_order("name", (START, *name.units))
        return Query.const_score_query(called, sum(map(self._idf, parts)))

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

    def _is(self, target: str) -> Query:
        return self._term("target", target, "basic")

    def _term(self, field: str, value: str, option: str = "freq") -> Query:
        return Query.term_query(self._schema, field, value, option)

    def _frequency(self, field: str, value: str) -> int:
        """Return about how many listings hold a word; 0 when none does.

        The engine goes on counting listings that were deleted until it tidies up, which matters
        where there are few.
        """
        held = self._searcher.doc_freq(field, value) if value else 0
        return held if held > _FEW else self._count(self._term(field, value)) if held else 0


class _Way(NamedTuple):
    """A way of meeting a word; `sure` when some listing must hold it."""

    query: Query
    sure: bool


def _meeting(
    ranked: Sequence[Query], plain: Sequence[Query], least: int, here: Sequence[Query]
) -> Side:
    """Return what meets at least so many of some wants."""
    return Side(all_of([any_of(ranked, least), *here]), all_of([any_of(plain, least), *here]))


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
