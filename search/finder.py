"""What a reader's search finds: words and meaning together, slips repaired, nothing hidden.

The index answers by words, and its counts are the counts shown. Listings that are near in
meaning join the list at their place; those that hold none of the words are counted apart. The
two scores are joined by a convex combination on frozen scales, which beats joining their ranks
(measured; Bruch et al. 2023 find the same).

Only the first WINDOW listings by words are put in a new order, whatever page is asked for, so
that pages laid end to end are the whole list.
"""

import threading
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from search.embedding import QueryVector, QueryVectors, scale
from search.index import Hit, IndexUnavailable, SearchIndex, SearchResult
from search.plan import plan
from search.query import SearchQuery
from search.slips import Vocabulary, corrected, written_out

WINDOW = 100  # listings by words that meaning may put in another order
NEAREST = 60  # listings near in meaning that are looked at
MOST_RELATED = 20  # of them, those that may join without holding a word
WORDS = 0.3  # weight of the words; the rest is meaning
LEAST_MEANING = 0.35  # of the scale of meaning; below it a listing without the words stays out
_MOST_SYNONYMS = 6
_VOCABULARY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of results with what was made of the query.

    `result.total` and its facets count listings that hold the words; `related` are ids on this
    page, and `related_total` in the whole list, that are only near in meaning. `text` is what was
    searched: the typed text, or with `repaired` set, the same without slips. `suggestion` is a
    text without slips that was not used.
    """

    result: SearchResult
    text: str
    repaired: bool = False
    suggestion: str = ""
    related: frozenset[str] = frozenset()
    related_total: int = 0

    @property
    def total(self) -> int:
        """Every listing in the list."""
        return self.result.total + self.related_total


@dataclass
class Finder:
    """Searches one index; safe to share between threads. Without `vectors` words alone decide."""

    index: SearchIndex
    vectors: QueryVectors
    clock: Callable[[], float] = time.monotonic
    _vocabulary: Vocabulary | None = None
    _read_at: float = 0.0
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def find(self, query: SearchQuery, *, as_typed: bool = False) -> Answer:
        """Answer a query. Raises IndexUnavailable.

        A text that finds nothing as it stands is searched without its slips, and the answer
        says so; with `as_typed` never.
        """
        if not query.text or query.sort != "relevance":
            found = self.index.search(query)
            return self._with_slips(query, found, as_typed)
        return self._with_slips(query, self.index.search(_window(query)), as_typed)

    def count(self, query: SearchQuery) -> int:
        """Return how many listings hold the words of a query. Raises IndexUnavailable."""
        return self.index.search(replace(query, offset=0, limit=1, facets=False)).total

    def vocabulary(self) -> Vocabulary:
        """Return the words of the index, at most a minute old. Raises IndexUnavailable."""
        with self._reading:
            now = self.clock()
            if self._vocabulary is None or now - self._read_at > _VOCABULARY_SECONDS:
                self._vocabulary, self._read_at = Vocabulary(self.index.lexicon()), now
            return self._vocabulary

    def _with_slips(self, query: SearchQuery, found: SearchResult, as_typed: bool) -> Answer:
        better = corrected(query.text, found.unmet, self.vocabulary()) if found.unmet else ""
        if better in ("", query.text):
            return self._answer(query, found)
        if as_typed:
            return replace(self._answer(query, found), suggestion=better)
        instead = replace(query, text=better)
        repaired = self.index.search(_window(instead) if _ranked(instead) else instead)
        return replace(self._answer(instead, repaired), text=better, repaired=True)

    def _answer(self, query: SearchQuery, found: SearchResult) -> Answer:
        if not _ranked(query):
            return Answer(found, query.text)
        order = self._order(query, found)
        end = query.offset + query.limit
        page = list(order.ids[query.offset : end])
        if len(page) < query.limit and end > len(order.ids) and found.total > len(found.hits):
            page += self._beyond(query, order)
        known = {hit.id: hit for hit in found.hits}
        hits = tuple(known.get(id_, Hit(id_, 0.0)) for id_ in page)
        return Answer(
            replace(found, hits=hits),
            query.text,
            related=order.related & frozenset(page),
            related_total=len(order.related),
        )

    def _beyond(self, query: SearchQuery, order: "_Order") -> list[str]:
        """Return the part of a page that lies behind the window: the index's own order."""
        start = max(query.offset - len(order.ids), 0)
        room = query.limit - max(len(order.ids) - query.offset, 0)
        rest = replace(
            query,
            but=(*query.but, *order.promoted),
            offset=WINDOW + start,
            limit=room,
            facets=False,
        )
        return [hit.id for hit in self.index.search(rest).hits]

    def _order(self, query: SearchQuery, found: SearchResult) -> "_Order":
        """Return the first WINDOW listings by words, and what is near in meaning, in order."""
        words = {hit.id: hit for hit in found.hits}
        vector = self._vector(query)
        if vector is None:
            return _Order(tuple(_by(words, {id_: _word_score(hit) for id_, hit in words.items()})))
        near = self.index.nearest(vector, query, NEAREST)
        met = self._met(query, [hit for hit in near if hit.id not in words])
        seen = self.index.nearest(vector, replace(query, only=tuple(words)), len(words) or 1)
        meaning = {hit.id: scale(vector.model, hit.score) for hit in (*near, *seen)}
        held = words | met
        related = [
            hit
            for hit in near
            if hit.id not in held and meaning[hit.id] * hit.focus >= LEAST_MEANING
        ][:MOST_RELATED]
        everyone = held | {hit.id: replace(hit, score=0.0) for hit in related}
        scores = {
            id_: WORDS * _word_score(hit) + (1 - WORDS) * meaning.get(id_, 0.0) * hit.focus
            for id_, hit in everyone.items()
        }
        return _Order(
            tuple(_by(everyone, scores)),
            related=frozenset(hit.id for hit in related),
            promoted=tuple(met),
        )

    def _met(self, query: SearchQuery, near: Sequence[Hit]) -> dict[str, Hit]:
        """Return those near in meaning that hold the words too, but stand behind the window."""
        if not near:
            return {}
        ids = tuple(hit.id for hit in near)
        only = replace(query, only=ids, offset=0, limit=len(ids), facets=False)
        return {hit.id: hit for hit in self.index.search(only).hits}

    def _vector(self, query: SearchQuery) -> QueryVector | None:
        """Return the meaning of a query: of what was typed, and of its other names."""
        typed = unicodedata.normalize("NFKC", query.text)
        first = self.vectors.of(self._spelled(typed))
        if first is None or not query.expand:
            return first
        second = self.vectors.of(_with_synonyms(self._spelled(typed)))
        if second is None or second.model != first.model:
            return first
        values = first.values + second.values
        return QueryVector(first.model, values / np.linalg.norm(values))

    def _spelled(self, text: str) -> str:
        """Return a text with its kana as the listings write them, which models read better."""
        try:
            return written_out(text, self.vocabulary())
        except IndexUnavailable:
            return text


@dataclass(frozen=True, slots=True)
class _Order:
    """The head of a list. `promoted` hold the words and stood behind the window."""

    ids: tuple[str, ...]
    related: frozenset[str] = frozenset()
    promoted: tuple[str, ...] = ()


def _ranked(query: SearchQuery) -> bool:
    return bool(query.text) and query.sort == "relevance"


def _window(query: SearchQuery) -> SearchQuery:
    return replace(query, offset=0, limit=WINDOW)


def _word_score(hit: Hit) -> float:
    return min(hit.score, 1.0) * hit.focus


def _by(hits: Mapping[str, Hit], scores: Mapping[str, float]) -> list[str]:
    """Return ids by score; the order they came in, which favours nobody, decides between equals."""
    return sorted(hits, key=lambda id_: -scores[id_])


def _with_synonyms(text: str) -> str:
    said = [synonym.text for word in plan(text).words for synonym in word.synonyms]
    return " ".join((text, *said[:_MOST_SYNONYMS]))
