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
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from search.documents import serving
from search.embedding import QueryVector, QueryVectors, scale
from search.index import Hit, IndexUnavailable, SearchIndex, SearchResult
from search.intent import FilterSuggestion, Intent
from search.plan import plan, signs, wished
from search.query import FACETS, MOST_HITS, SearchQuery
from search.slips import Vocabulary, corrected, written_out

WINDOW = 100  # listings by words that meaning may put in another order
NEAREST = 60  # listings near in meaning that are looked at
MOST_RELATED = 20  # of them, those that may join without holding a word
WORDS = 0.25  # weight of the words; the rest is meaning
FITS = 0.25  # what a listing gains by words for having a value that the query names
# Of the scale of meaning; below it a listing without the words stays out. Where nothing holds the
# words a reader is better served by what is faintly near than by nothing, as long as it is said.
LEAST_MEANING, FAINT_MEANING = 0.5, 0.2
_MOST_SYNONYMS = 6
_VOCABULARY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Hint:
    """Words of a query that name values of a facet: a place, a kind of call, an amount.

    `start` and `end` are their offsets in the text. A hint never filters: a listing that has one
    of the values stands higher, whether or not its text says the words.
    """

    start: int
    end: int
    facet: str
    values: tuple[str, ...]


def hints(intent: Intent, target: str) -> tuple[Hint, ...]:
    """Return the hints of what is understood of a query: the likeliest meaning of each.

    A solution is for prefectures, or for the whole country, and one that wishes for no kind of
    call is for every kind, which then says nothing.
    """
    silent = {"kind"} if target == "solution" else set()
    made = (_hint(found, target) for found in intent.suggestions)
    return tuple(hint for hint in made if hint.facet in FACETS and hint.facet not in silent)


def _hint(found: FilterSuggestion, target: str) -> Hint:
    facet, values = found.choices[0].field, _values(found)
    if target == "solution" and facet in ("prefecture", "municipality"):
        return Hint(found.start, found.end, "prefecture", serving(values))
    return Hint(found.start, found.end, facet, values)


def _values(found: FilterSuggestion) -> tuple[str, ...]:
    """Return all that the words may mean in the facet of their likeliest meaning."""
    field = found.choices[0].field
    return tuple(v for choice in found.choices if choice.field == field for v in choice.values)


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
    _lexicon: Mapping[str, int] = field(default_factory=dict)
    _read_at: float = 0.0
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def find(
        self, query: SearchQuery, *, named: Sequence[Hint] = (), as_typed: bool = False
    ) -> Answer:
        """Answer a query. Raises IndexUnavailable.

        A text with a word that no listing holds is searched without its slips where it has
        any, and the answer says so; with `as_typed` never. `named` are the values that the text names.
        """
        found = self.index.search(_window(query) if _ranked(query) else query)
        return self._with_slips(query, found, _free(query, named), as_typed)

    def words(self, query: SearchQuery, *, as_typed: bool = False) -> SearchResult:
        """Return what holds the words of a query, slips repaired. Raises IndexUnavailable."""
        found = self.index.search(query)
        better = query.text if as_typed else self._better(query.text, found)
        if better == query.text:
            return found
        repaired = self.index.search(replace(query, text=better))
        return repaired if repaired.total else found

    def vocabulary(self) -> Vocabulary:
        """Return the words of the index as they were about a minute ago. Raises IndexUnavailable.

        Nobody waits for a fresh one but who asks first.
        """
        with self._reading:
            held, fresh = self._vocabulary, self.clock() - self._read_at < _VOCABULARY_SECONDS
            if held is None:
                return self._reread()
            if not fresh:
                self._read_at = self.clock()  # one thread is enough
                threading.Thread(target=self._reread_if_possible, daemon=True).start()
            return held

    def _reread(self) -> Vocabulary:
        lexicon = self.index.lexicon()
        if self._vocabulary is None or lexicon != self._lexicon:  # what it has sorted is kept
            self._vocabulary, self._lexicon = Vocabulary(lexicon), lexicon
        self._read_at = self.clock()
        return self._vocabulary

    def _reread_if_possible(self) -> None:
        with suppress(IndexUnavailable):
            self._reread()

    def _with_slips(
        self, query: SearchQuery, found: SearchResult, hints: Sequence[Hint], as_typed: bool
    ) -> Answer:
        better = self._better(query.text, found)
        if better == query.text:
            return self._answer(query, found, hints)
        if as_typed:
            there = self.index.search(replace(query, text=better, limit=1, facets=False)).total
            answer = self._answer(query, found, hints)
            return replace(answer, suggestion=better if there else "")
        instead = replace(query, text=better)
        repaired = self.index.search(_window(instead) if _ranked(instead) else instead)
        if not repaired.total:
            return self._answer(query, found, hints)
        return replace(self._answer(instead, repaired, ()), text=better, repaired=True)

    def _better(self, text: str, found: SearchResult) -> str:
        if not found.unmet:
            return text
        try:
            return corrected(text, found.unmet, self.vocabulary())
        except IndexUnavailable:
            return text  # what was found is worth more than a better text

    def _answer(self, query: SearchQuery, found: SearchResult, hints: Sequence[Hint]) -> Answer:
        if not _ranked(query):
            return Answer(found, query.text)
        order = self._order(query, found, hints)
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

    def _order(self, query: SearchQuery, found: SearchResult, hints: Sequence[Hint]) -> "_Order":
        """Return the first WINDOW listings by words, and what else belongs there, in order.

        Those that hold the words but stand behind the window are promoted; those that do not
        hold them must be near in meaning, or have a value that the query names.
        """
        words = {hit.id: hit for hit in found.hits}
        vector = self._vector(query)
        near = self._demanded(query, self._near(vector, query, NEAREST)) if vector else ()
        fitting = self._fitting(query, hints)
        others = {hit.id: hit for hit in (*near, *fitting.values()) if hit.id not in words}
        met = self._met(query, list(others))
        held = words | met
        meaning = self._meaning(query, vector, near, tuple({**words, **others}))
        least = LEAST_MEANING if held else FAINT_MEANING
        close = [
            hit
            for id_, hit in others.items()
            if id_ not in held and (id_ in fitting or meaning.get(id_, 0.0) * hit.focus >= least)
        ]
        fits = self._fits(query, hints, tuple({**words, **others}))
        scores = {}
        for id_, hit in (held | {hit.id: hit for hit in close}).items():
            by_words = _word_score(held[id_]) if id_ in held else 0.0
            if id_ in fitting:
                by_words = max(by_words, _word_score(fitting[id_]))
            by_words += FITS * fits.count(id_)
            share = WORDS if vector else 1.0
            scores[id_] = share * by_words + (1 - share) * meaning.get(id_, 0.0) * hit.focus
        related = set(sorted((h.id for h in close), key=lambda id_: -scores[id_])[:MOST_RELATED])
        ids = [id_ for id_ in _ranked_ids(scores) if id_ in held or id_ in related]
        return _Order(tuple(ids), related=frozenset(related), promoted=tuple(met))

    def _meaning(
        self,
        query: SearchQuery,
        vector: QueryVector | None,
        near: Sequence[Hit],
        ids: tuple[str, ...],
    ) -> dict[str, float]:
        """Return how near every one of `ids` is in meaning, on the scale of the model."""
        if vector is None or not ids:
            return {}
        known = {hit.id for hit in near}
        rest = replace(query, only=tuple(id_ for id_ in ids if id_ not in known))
        seen = self._near(vector, rest, len(ids)) if rest.only else ()
        return {hit.id: scale(vector.model, hit.score) for hit in (*near, *seen)}

    def _demanded(self, query: SearchQuery, near: Sequence[Hit]) -> tuple[Hit, ...]:
        """Return those that hold the exact phrases of a query and nothing that it excludes."""
        demands = signs(query.text)
        if not demands or not near:
            return tuple(near)
        ids = tuple(hit.id for hit in near)
        asked = replace(query, text=demands, only=ids, offset=0, limit=MOST_HITS, facets=False)
        held = {hit.id for hit in self.index.search(asked).hits}
        return tuple(hit for hit in near if hit.id in held)

    def _near(self, vector: QueryVector, query: SearchQuery, limit: int) -> tuple[Hit, ...]:
        return self.index.nearest(vector.values, query, limit, model=vector.model)

    def _fitting(self, query: SearchQuery, hints: Sequence[Hint]) -> dict[str, Hit]:
        """Return what the rest of the query finds among listings with the values it names."""
        if not hints:
            return {}
        narrowed = _narrowed(query, hints)
        found = self.index.search(replace(narrowed, offset=0, limit=WINDOW, facets=False)).hits
        return {hit.id: hit if narrowed.text else replace(hit, score=FITS) for hit in found}

    def _fits(self, query: SearchQuery, hints: Sequence[Hint], ids: tuple[str, ...]) -> list[str]:
        """Return the ids that have a named value, once for each hint they meet."""
        found: list[str] = []
        for hint in hints:
            asked = replace(_narrowed(query, [hint]), text="", only=ids, facets=False)
            for start in range(0, len(ids), MOST_HITS):
                page = self.index.search(replace(asked, offset=start, limit=MOST_HITS))
                found.extend(hit.id for hit in page.hits)
        return found

    def _met(self, query: SearchQuery, ids: Sequence[str]) -> dict[str, Hit]:
        """Return those of `ids` that hold the words too, but stand behind the window."""
        if not ids:
            return {}
        only = replace(query, only=tuple(ids), offset=0, limit=MOST_HITS, facets=False)
        found = list(self.index.search(only).hits)
        if len(found) == MOST_HITS:
            found += self.index.search(replace(only, offset=MOST_HITS)).hits
        return {hit.id: hit for hit in found}

    def _vector(self, query: SearchQuery) -> QueryVector | None:
        """Return the meaning of a query: of what was typed, and of its other names."""
        if not self.vectors.possible:
            return None
        text = self._spelled(unicodedata.normalize("NFKC", wished(query.text)))
        first = self.vectors.of(text)
        if first is None or not query.expand:
            return first
        second = self.vectors.of(_with_synonyms(text))
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


def _ranked_ids(scores: Mapping[str, float]) -> list[str]:
    """Return ids by score; the order they came in, which favours nobody, decides between equals."""
    return sorted(scores, key=lambda id_: -scores[id_])


def _narrowed(query: SearchQuery, hints: Sequence[Hint]) -> SearchQuery:
    """Return the query with the hints as filters, and without their words."""
    values: dict[str, tuple[str, ...]] = dict(query.filters)
    text = list(query.text)
    for hint in hints:
        values[hint.facet] = (*values.get(hint.facet, ()), *hint.values)
        text[hint.start : hint.end] = " " * (hint.end - hint.start)
    return replace(query, text="".join(text), filters=values)


def _free(query: SearchQuery, hints: Sequence[Hint]) -> tuple[Hint, ...]:
    """Return the hints for facets in which the reader has chosen nothing."""
    return tuple(hint for hint in hints if hint.facet not in query.filters)


def _with_synonyms(text: str) -> str:
    said = [synonym.text for word in plan(text).words for synonym in word.synonyms]
    return " ".join((text, *said[:_MOST_SYNONYMS]))
