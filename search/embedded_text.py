"""Words of a query as a tantivy query: what may be found, and in which order.

A listing is found when enough words of the query meet it by form, units, synonym or reading;
character pairs only rank, so that a shared syllable never floods the list. BM25 scores of all
channels add up.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import tantivy
from tantivy import Occur, Query

from search.analysis import bigrams
from search.documents import TARGETS
from search.plan import ENOUGH, Word, grams

# How much a way of meeting a word counts beside the word as typed (1).
FIELD_BOOSTS = {"title": 1.0, "text": 1.0}
UNIT = 0.6
SYNONYM = 0.4
GROUP = 0.2
READING = 0.5
GRAM = 0.5
NEAR = 0.4
NEAR_SHARE = 0.6
_SHORTEST_FUZZY = 4
_FEWEST_PAIRS = 2


class TextQueries:
    """Builds queries against one searcher, whose vocabulary tells known words from unknown."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._searcher = searcher

    def knows(self, reading: str) -> bool:
        return self._frequency("kana", reading) > 0

    def found(self, text: str, words: Sequence[Word]) -> Query:
        """Return what a text finds; nothing when no word of it can be met.

        Fewer words than all are enough only until a page is filled. Each target is judged alone
        and before any filter, so that a tab shows the same whichever tab the reader comes from,
        and a filter never widens what is found.
        """
        required = [word for word in words if not word.asking] or list(words)
        return any_of([self._found(required, text, target) for target in TARGETS])

    def ranking(self, text: str, words: Sequence[Word]) -> list[Query]:
        """Return what only lifts a listing: words of asking, and likeness of spelling."""
        asking = [self._word(word) for word in words if word.asking]
        pairs = [boosted(self._term("grams", gram), GRAM) for gram in dict.fromkeys(grams(text))]
        return [*asking, *pairs]

    def _found(self, words: Sequence[Word], text: str, target: str) -> Query:
        """Return what meets the most words of which there is still a page, in one target."""
        here = unscored(Query.term_query(self._schema, "target", target))
        queries = [self._word(word) for word in words]
        least = self._least(queries, here) if len(queries) > 1 else 1
        tries = (any_of(queries, least), self._parts(words), self._near(text))
        return next(
            (found for attempt in tries if self._count(found := all_of([attempt, here]))),
            Query.empty_query(),
        )

    def _least(self, queries: Sequence[Query], here: Query) -> int:
        """Return how many of the queries can be asked for at once and still fill a page, or 1."""
        few, many = 1, len(queries) + 1
        while many - few > 1:
            middle = (few + many) // 2
            if self._count(all_of([any_of(queries, middle), here])) >= ENOUGH:
                few = middle
            else:
                many = middle
        return few

    def _parts(self, words: Sequence[Word]) -> Query:
        """Return what holds at least a short unit of a compound."""
        units = [unit for word in words for unit in word.units]
        return boosted(any_of([self._in_fields(unit) for unit in units]), UNIT)

    def _count(self, query: Query) -> int:
        return count_of(self._searcher.search(unscored(query), 1))

    def _word(self, word: Word) -> Query:
        ways = list(self._ways(word))
        if not any(frequency for frequency, _ in ways):
            return self._unknown(word)
        return any_of([query for frequency, query in ways if frequency])

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
        return any_of(
            [boosted(self._term(field, term), boost) for field, boost in FIELD_BOOSTS.items()]
        )

    def _unknown(self, word: Word) -> Query:
        """Meet a word the index does not hold by its sound, then by its spelling."""
        if self.knows(word.reading):
            return boosted(self._term("kana", word.reading), READING)
        field = "kana" if word.in_kana else "text"
        spelling = word.reading if word.in_kana and word.reading else word.form
        if len(spelling) >= _SHORTEST_FUZZY:
            near = Query.fuzzy_term_query(self._schema, field, spelling, 1, True)
            if self._count(near):
                return boosted(near, NEAR)
        return self._near(word.form)

    def _near(self, text: str) -> Query:
        """Return what shares most character pairs with a text."""
        pairs = [self._term("grams", gram) for gram in dict.fromkeys(bigrams(text))]
        if len(pairs) < _FEWEST_PAIRS:
            return Query.empty_query()
        return boosted(any_of(pairs, max(_FEWEST_PAIRS, round(len(pairs) * NEAR_SHARE))), GRAM)

    def _term(self, field: str, value: str) -> Query:
        return Query.term_query(self._schema, field, value, "freq")

    def _frequency(self, field: str, value: str) -> int:
        return self._searcher.doc_freq(field, value) if value else 0


def unscored(query: Query) -> Query:
    """Return the same matches at no score, which spares the engine most of its work."""
    return Query.const_score_query(query, 0.0)


def count_of(result: Any) -> int:
    """Return the exact number of matches of a search; typed here because the stub omits it."""
    return int(result.count or 0)


def boosted(query: Query, boost: float) -> Query:
    return query if boost == 1 else Query.boost_query(query, boost)


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
