"""The embedded search index: tantivy on disk, nothing to run beside the program."""

import hashlib
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import tantivy
from tantivy import FieldType, Occur, Order, Query

from search.analysis import ANALYSIS_VERSION
from search.channels import text_fields
from search.documents import (
    DAY,
    DEADLINES,
    NEVER,
    NO_DEADLINE,
    TARGETS,
    TIE_BITS,
    SearchDocument,
    closing,
    facet_values,
    focus,
    opening,
    tie,
)
from search.embedded_text import (
    Counting,
    Found,
    Side,
    TextQueries,
    all_of,
    any_of,
    count_of,
    less,
    unscored,
)
from search.embedding import Vectors
from search.generations import Generations
from search.index import (
    Differences,
    DocumentsRefused,
    Hit,
    IndexBusy,
    IndexUnavailable,
    SearchResult,
    differences,
)
from search.passages import MOST_PASSAGES
from search.plan import plan
from search.query import FACETS, STORED, SearchQuery
from search.vectors import VectorFiles

SCHEMA_VERSION = 3
_WRITER_BYTES = 30_000_000
_MOST_VALUES = 2_500  # more than all municipalities
_TIES = 32
_HEAD = 50  # listings that are ordered with all that is known of them
_FOCUS_STEPS = 1_000
_MOMENT = "moment"  # when a listing opens and closes, as the clock sees it
_OF_CLOCK = {"status": _MOMENT, "deadline": _MOMENT}
_SPARE_ROWS = 4 * MOST_PASSAGES  # vectors kept for each listing before the file is made compact


class EmbeddedIndex:
    """A SearchIndex in a folder. Safe to share between threads and to open in any process."""

    def __init__(self, folder: Path) -> None:
        self._schema = _schema()
        rules = hashlib.sha256(ANALYSIS_VERSION.encode()).hexdigest()[:8]
        self._generations = Generations(folder, f"v{SCHEMA_VERSION}-{rules}")
        self._opened: tuple[Path, tantivy.Index] | None = None
        self._read: tuple[Path, int, int] | None = None
        self._vectors: tuple[Path, VectorFiles] | None = None
        self._opening = threading.Lock()

    def apply(self, upserts: Sequence[SearchDocument], deletes: Collection[str]) -> None:
        """Write changes; see SearchIndex.apply."""
        with _edge(), self._generations.writing():
            if self._generations.current() is None:
                self._generations.switch(self._create())
            writer = _writer(self._index())
            self._vector_files().append(upserts)
            for document_id in deletes:
                writer.delete_documents_by_term("id", document_id)
            refused = _write(writer, upserts)
            writer.commit()
            writer.wait_merging_threads()
            self._compact()
        if refused:
            raise DocumentsRefused(refused)

    def versions(self, ids: Collection[str] | None = None) -> dict[str, int]:
        """Return id -> version; see SearchIndex.versions."""
        with _edge():
            searcher = self._searcher()
            query = Query.all_query() if ids is None else _among(self._schema, ids)
            return _versions(searcher, query)

    def drift(self, expected: Mapping[str, int], *, turn: int | None = None) -> Differences:
        """Compare everything, whatever the turn; see SearchIndex.drift."""
        return differences(expected, self.versions())

    def lexicon(self) -> dict[str, int]:
        """Return the words of the index; see SearchIndex.lexicon."""
        with _edge():
            # Without a query, listings that were replaced would be counted too.
            found = self._searcher().terms_with_prefix("lexicon", "", Query.all_query())
            return {word: count for word, count in found if count}

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer a query; see SearchIndex.search."""
        with _edge():
            return _Search(self._schema, self._searcher(), query).result()

    def nearest(
        self, vector: Vectors, query: SearchQuery, limit: int, *, model: str
    ) -> tuple[Hit, ...]:
        """Return the listings nearest in meaning; see SearchIndex.nearest."""
        with _edge():
            searcher = self._searcher()
            search = _Search(self._schema, searcher, replace(query, text=""))
            found = self._vector_files().nearest(model, vector, limit, search.allowed, query.only)
            sharp = search.focus([id_ for id_, _ in found])
            return tuple(Hit(id_, score, sharp.get(id_, 1.0)) for id_, score in found)

    def ready(self) -> bool:
        """Tell whether the index can answer; see SearchIndex.ready."""
        try:
            with _edge():
                self._searcher()
        except IndexUnavailable:
            return False
        return True

    @contextmanager
    def rebuilding(self) -> Iterator["_Fresh"]:
        """Build beside and switch; see SearchIndex.rebuilding."""
        with self._generations.writing():
            with _edge():
                folder = self._create()
            try:
                fresh = _Fresh(tantivy_index(self._schema, folder), VectorFiles(folder))
                yield fresh
                with _edge():
                    fresh.finish()
                    self._generations.switch(folder)
            except BaseException:
                self._generations.drop(folder)
                raise

    def _create(self) -> Path:
        folder = self._generations.create()
        tantivy_index(self._schema, folder)
        return folder

    def _vector_files(self) -> VectorFiles:
        folder = self._generations.current()
        if folder is None:
            raise IndexUnavailable("the search index must be built")
        files = self._vectors
        if files is None or files[0] != folder:
            files = self._vectors = (folder, VectorFiles(folder))
        return files[1]

    def _compact(self) -> None:
        searcher = self._searcher()
        self._vector_files().compact(
            lambda: _versions(searcher, Query.all_query()), _SPARE_ROWS * (searcher.num_docs + 100)
        )

    def _searcher(self) -> tantivy.Searcher:
        folder, index = self._open()
        # Every commit replaces this file; to read everything anew costs more than a short search.
        state = (folder / "meta.json").stat()
        commit = (folder, state.st_ino, state.st_mtime_ns)
        if self._read != commit:
            index.reload()
            self._read = commit
        return index.searcher()

    def _index(self) -> tantivy.Index:
        return self._open()[1]

    def _open(self) -> tuple[Path, tantivy.Index]:
        folder = self._generations.current()
        if folder is None or not self._generations.fits(folder):
            raise IndexUnavailable("the search index must be built")
        opened = self._opened
        if opened is None or opened[0] != folder:
            with self._opening:
                opened = self._opened = (folder, tantivy_index(self._schema, folder))
        return opened


class _Fresh:
    """The generation being built by EmbeddedIndex.rebuilding."""

    def __init__(self, index: tantivy.Index, vectors: VectorFiles) -> None:
        self.refused: dict[str, str] = {}
        self._index = index
        self._vectors = vectors
        self._writer = _writer(index)

    def apply(self, batch: Sequence[SearchDocument]) -> None:
        """Add documents; see FreshIndex.apply."""
        with _edge():
            self._vectors.append(batch)
            self.refused |= _write(self._writer, batch)

    def versions(self) -> dict[str, int]:
        """Return id -> version; see FreshIndex.versions."""
        with _edge():
            self._writer.commit()
            self._index.reload()
            return _versions(self._index.searcher(), Query.all_query())

    def finish(self) -> None:
        self._writer.commit()
        self._writer.wait_merging_threads()


class _Search:
    """One query against one snapshot of the index."""

    def __init__(
        self, schema: tantivy.Schema, searcher: tantivy.Searcher, query: SearchQuery
    ) -> None:
        self._schema = schema
        self._searcher = searcher
        self._query = query
        self._filters = self._filter_queries()
        self._first: Any = None
        self._found = self._text_queries()

    def allowed(self, ids: Collection[str]) -> dict[str, int]:
        """Return id -> version of those among these that the filters let through."""
        return _versions(self._searcher, self._matching(_among(self._schema, ids)), len(ids))

    def focus(self, ids: Collection[str]) -> dict[str, float]:
        """Return id -> focus of these listings."""
        found = _numbers(self._searcher, _among(self._schema, ids), "focus", len(ids))
        return {id_: steps / _FOCUS_STEPS for id_, steps in found.items()}

    def result(self) -> SearchResult:
        hits, total = self._page()
        unmet = tuple(word.form for word in self._found.unmet)
        facets = self._facets(total) if self._query.facets else {}
        return SearchResult(hits=hits, total=total, facets=facets, unmet=unmet)

    def _text_queries(self) -> Found:
        text = self._query.text
        if not text:
            sides = {target: unscored(self._value("target", target)) for target in TARGETS}
            return Found({target: Side(side, side) for target, side in sides.items()})
        queries = TextQueries(self._schema, self._searcher)
        planned = plan(text, queries.knows, expand=self._query.expand)
        # The counts of the other target are told too, unless nothing is counted.
        alone = self._query.target in TARGETS and not self._query.facets
        targets = [self._query.target or ""] if alone else TARGETS
        narrowed = bool(self._filters or self._query.but) or self._query.only is not None
        counting = Counting(self._sized, narrowed)
        return queries.found(text, planned, targets, counting, whole=self._query.whole)

    def _sized(self, target: str, side: Side) -> int:
        """Return how many a side finds, filters and all.

        Most often this side is what the page is made of, so its page is asked for at once.
        """
        if target != self._query.target or not self._ranked:
            return count_of(self._searcher.search(unscored(self._narrowed(side.plain)), 1))
        self._first = self._searcher.search(self._narrowed(side.scored), self._reach)
        return count_of(self._first)

    @property
    def _ranked(self) -> bool:
        return bool(self._query.text) and self._query.sort == "relevance"

    @property
    def _reach(self) -> int:
        """How many of the best are looked at first: those of the page, those ordered twice, ties."""
        return max(self._query.offset + self._query.limit, _HEAD) + _TIES

    def _filter_queries(self) -> dict[str, Query]:
        query = self._query
        chosen = {**query.filters, "status": query.status}
        return {
            field: any_of([self._value(field, value) for value in values])
            for field, values in chosen.items()
            if values
        }

    def _value(self, field: str, value: str) -> Query:
        if field == "status":
            return self._status(value)
        if field == "deadline":
            return self._deadline(value)
        return Query.term_query(self._schema, field, value, "basic")

    def _matching(self, *extra: Query, but: str = "", target: str | None = None) -> Query:
        """Return the query for text and filters, those of the facet `but` left out; no scores."""
        side = self._found.plain(target or self._query.target)
        return unscored(self._narrowed(side, extra, but))

    def _narrowed(self, found: Query, extra: Sequence[Query] = (), but: str = "") -> Query:
        filters = [query for field, query in self._filters.items() if field != but]
        if self._query.only is not None:
            filters.append(_among(self._schema, self._query.only))
        narrowed = all_of([found, *map(unscored, (*filters, *extra))])
        return less(narrowed, [_among(self._schema, self._query.but)] if self._query.but else [])

    def _status(self, status: str) -> Query:
        """Return the query for a status as the clock of the query sees it."""
        later = self._later()
        running = self._range("by_closing", lower=later)
        match status:
            case "open":
                return all_of([self._range("by_opening", upper=later - 1), running])
            case "upcoming":
                return all_of([self._range("by_opening", lower=later), running])
            case "closed":
                return self._range("by_closing", upper=later - 1)
        return Query.empty_query()

    def _deadline(self, value: str) -> Query:
        """Return the query for what is open and closes within so many days, or never."""
        if value == NO_DEADLINE:
            closing = self._range("by_closing", lower=_ordered(NEVER))
        elif value in DEADLINES:
            closing = self._range("by_closing", upper=self._later(DEADLINES[value]) - 1)
        else:
            return Query.empty_query()
        return all_of([self._status("open"), closing])

    def _later(self, days: int = 0) -> int:
        """Return the least sort key beyond the second that lies so many days ahead."""
        return _ordered(self._query.now + days * DAY + 1)

    def _range(self, field: str, lower: int | None = None, upper: int | None = None) -> Query:
        return Query.range_query(self._schema, field, FieldType.Integer, lower, upper)

    def _page(self) -> tuple[tuple[Hit, ...], int]:
        if self._query.sort == "newest":
            return self._by_fields([(self._matching(), "by_newest")])
        return self._by_score() if self._ranked else self._by_fields(self._deadline_order())

    def _deadline_order(self) -> list[tuple[Query, str]]:
        dated = self._range("by_closing", upper=_ordered(NEVER) - 1)
        undated = self._range("by_closing", lower=_ordered(NEVER))
        opened = self._status("open")
        return [
            (self._matching(opened, dated), "by_closing"),
            (self._matching(opened, undated), "by_closing"),
            (self._matching(self._status("upcoming")), "by_opening"),
            (self._matching(self._status("closed")), "by_latest_closing"),
        ]

    def _by_fields(self, parts: list[tuple[Query, str]]) -> tuple[tuple[Hit, ...], int]:
        """Return the page of parts laid end to end, each in ascending order of its field."""
        offset, limit, total = self._query.offset, self._query.limit, 0
        hits: list[Hit] = []
        for query, field in parts:
            if len(hits) == limit:
                return tuple(hits), self._size(self._query.target)
            wanted = limit - len(hits)
            start = max(offset - total, 0)
            found = self._searcher.search(
                query, wanted, order_by_field=field, offset=start, order=Order.Asc
            )
            hits.extend(Hit(_id(self._searcher, address), 0.0) for _, address in found.hits)
            total += count_of(found)
        return tuple(hits), total

    def _by_score(self) -> tuple[tuple[Hit, ...], int]:
        """Return the page by score; equal scores are ordered by the ties of all that share it.

        The first _HEAD are ordered once more with what only touches the query, which costs too
        much to be asked of everything found.
        """
        offset, end = self._query.offset, self._query.offset + self._query.limit
        found, total = self._best()
        head = self._touched(found[:_HEAD])
        page = [*head, *found[_HEAD:]][offset:end]
        return self._scored(
            [(score / self._found.scale, address) for score, _, address in page]
        ), total

    def _best(self) -> tuple[list[tuple[float, int, Any]], int]:
        """Return (score, tie, address) of the best, in order, and the total."""
        size = self._reach
        count = size - _TIES
        matching = self._narrowed(self._found.scored(self._query.target))
        known = self._found.sized(self._query.target) is not None
        found = self._first if known and self._first else self._searcher.search(matching, size)
        while len(found.hits) == size and found.hits[-1][0] == found.hits[count - 1][0]:
            size *= 4
            found = self._searcher.search(matching, size)
        ties = self._searcher.fast_field_values("tie", [address for _, address in found.hits])
        ranked = [
            (score, int(order or 0), address)
            for (score, address), order in zip(found.hits, ties, strict=True)
        ]
        return sorted(ranked, key=_in_order), count_of(found)

    def _touched(self, head: list[tuple[float, int, Any]]) -> list[tuple[float, int, Any]]:
        if len(head) < 2 or not self._found.touches:
            return head
        ids = [_id(self._searcher, address) for _, _, address in head]
        among = unscored(_among(self._schema, ids))
        lifts = [(Occur.Should, query) for query in self._found.touches]
        found = self._searcher.search(Query.boolean_query([(Occur.Must, among), *lifts]), len(ids))
        extra = {_place(address): score for score, address in found.hits}
        lifted = [(score + extra.get(_place(a), 0.0), order, a) for score, order, a in head]
        return sorted(lifted, key=_in_order)

    def _scored(self, page: Sequence[tuple[float, Any]]) -> tuple[Hit, ...]:
        sharp = self._searcher.fast_field_values("focus", [address for _, address in page])
        return tuple(
            Hit(_id(self._searcher, address), score, int(steps or 0) / _FOCUS_STEPS)
            for (score, address), steps in zip(page, sharp, strict=True)
        )

    def _facets(self, total: int) -> dict[str, dict[str, int]]:
        """Return the counts of all facets: one pass, and one more for each with a choice in it."""
        facets = self._counts([f for f in (*FACETS, "status") if f not in self._filters])
        for field in self._filters:
            facets |= self._counts([field], but=field)
        sizes = {
            target: total if target == self._query.target else self._size(target)
            for target in TARGETS
        }
        facets["target"] = {target: size for target, size in sizes.items() if size}
        return facets

    def _size(self, target: str | None) -> int:
        known = self._found.sized(target)
        if known is not None:
            return known
        return count_of(self._searcher.search(self._matching(target=target), 1))

    def _counts(self, fields: list[str], but: str = "") -> dict[str, dict[str, int]]:
        # Deadlines and status are told by the same moments, which are counted once.
        asked = {_OF_CLOCK.get(field, field) for field in fields}
        found = self._searcher.aggregate(
            self._matching(but=but), {name: self._buckets(name) for name in asked}
        )
        return {
            field: _counted(field, found[_OF_CLOCK.get(field, field)]["buckets"])
            for field in fields
        }

    def _buckets(self, field: str) -> dict[str, Any]:
        if field == _MOMENT:
            within = {value: self._later(days) for value, days in DEADLINES.items()}
            rest = {"beyond": _ordered(NEVER), NO_DEADLINE: None}
            return self._moments({"closed": self._later(), **within, **rest})
        return {"terms": {"field": field, "size": _MOST_VALUES}}

    def _moments(self, ends: Mapping[str, int | None]) -> dict[str, Any]:
        """Return the counts of ranges of closing, each by whether it is open yet."""
        starts = [None, *ends.values()]
        ranges = [_range_of(*edges) for edges in zip(ends, starts, ends.values(), strict=False)]
        opened = [
            _range_of("open", None, self._later()),
            _range_of("upcoming", self._later(), None),
        ]
        return {
            "range": {"field": "by_closing", "ranges": ranges},
            "aggs": {"started": {"range": {"field": "by_opening", "ranges": opened}}},
        }


def _range_of(key: str, start: int | None, end: int | None) -> dict[str, Any]:
    # Sort keys are exact as floats where the tie is 0: 36 bits, shifted.
    edges = {"from": start, "to": end}
    return {"key": key} | {name: float(edge) for name, edge in edges.items() if edge is not None}


def _counted(field: str, buckets: list[dict[str, Any]]) -> dict[str, int]:
    if field == "status":
        counts = _statuses(_moments(buckets))
    elif field == "deadline":
        counts = _deadlines(_moments(buckets))
    else:
        counts = {bucket["key"]: bucket["doc_count"] for bucket in buckets}
    return {value: count for value, count in counts.items() if count}


def _moments(buckets: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return the counts by (range of closing, "open" or "upcoming")."""
    return Counter(
        {
            (bucket["key"], inner["key"]): inner["doc_count"]
            for bucket in buckets
            for inner in bucket["started"]["buckets"]
        }
    )


def _statuses(sizes: Counter[tuple[str, str]]) -> dict[str, int]:
    states = Counter[str]()
    for (ends, state), size in sizes.items():
        states["closed" if ends == "closed" else state] += size
    return dict(states)


def _deadlines(sizes: Counter[tuple[str, str]]) -> dict[str, int]:
    within = accumulate(sizes[value, "open"] for value in DEADLINES)
    return {**dict(zip(DEADLINES, within, strict=True)), NO_DEADLINE: sizes[NO_DEADLINE, "open"]}


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for field in ("title", "text", "grams", "kana", "groups"):
        builder.add_text_field(field, tokenizer_name="words", index_option="freq")
    for field in ("exact", "name"):
        builder.add_text_field(field, tokenizer_name="words", index_option="position")
    for field in (*STORED, "target"):
        builder.add_text_field(field, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("lexicon", tokenizer_name="raw", index_option="basic")
    for field in ("by_opening", "by_closing", "by_latest_closing", "by_newest"):
        builder.add_integer_field(field, indexed=True, fast=True)
    for field in ("version", "tie", "focus"):
        builder.add_integer_field(field, fast=True)
    return builder.build()


def tantivy_index(schema: tantivy.Schema, folder: Path) -> tantivy.Index:
    """Open an index folder, or make an empty folder one. Analysers are not kept in it."""
    index = tantivy.Index(schema, str(folder))
    words_only = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("words", words_only)
    index.config_reader("manual")
    return index


def _writer(index: tantivy.Index) -> tantivy.IndexWriter:
    return index.writer(_WRITER_BYTES, num_threads=1)


def _write(writer: tantivy.IndexWriter, documents: Sequence[SearchDocument]) -> dict[str, str]:
    """Write documents; return why for those that cannot be."""
    refused: dict[str, str] = {}
    for document in documents:
        try:
            row = tantivy.Document(**_fields(document))
        except (ValueError, OverflowError) as error:
            refused[document.id] = str(error)
        else:
            writer.delete_documents_by_term("id", document.id)
            writer.add_document(row)
    return refused


def _fields(document: SearchDocument) -> dict[str, Any]:
    numbers = {
        "version": document.version,
        "tie": tie(document.id),
        "focus": round(focus(document) * _FOCUS_STEPS),
        **_orders(document),
    }
    return {"id": document.id, "target": document.target} | {
        **text_fields(document),
        **{field: list(values) for field, values in facet_values(document).items()},
        **numbers,
    }


def _orders(document: SearchDocument) -> dict[str, int]:
    """Return the sort keys: a second, then the tie, in one number; ascending is the order."""
    seconds = {
        "by_opening": opening(document),
        "by_closing": closing(document),
        "by_latest_closing": NEVER - closing(document),
        "by_newest": NEVER - document.published_at,
    }
    return {field: _ordered(second) + tie(document.id) for field, second in seconds.items()}


def _ordered(second: int) -> int:
    return min(max(second, 0), NEVER) << TIE_BITS


def _versions(searcher: tantivy.Searcher, query: Query, most: int | None = None) -> dict[str, int]:
    return _numbers(searcher, query, "version", searcher.num_docs if most is None else most)


def _numbers(searcher: tantivy.Searcher, query: Query, field: str, most: int) -> dict[str, int]:
    """Return id -> a number of everything a query finds, of which there are at most so many."""
    hits = searcher.search(query, max(most, 1)).hits
    addresses = [address for _, address in hits]
    numbers = searcher.fast_field_values(field, addresses)
    return {
        _id(searcher, address): int(number or 0)
        for address, number in zip(addresses, numbers, strict=True)
    }


def _in_order(ranked: tuple[float, int, Any]) -> tuple[float, int]:
    score, order, _ = ranked
    return -score, order


def _place(address: tantivy.DocAddress) -> tuple[int, int]:
    return address.segment_ord, address.doc


def _among(schema: tantivy.Schema, ids: Collection[str]) -> Query:
    return Query.term_set_query(schema, "id", list(ids))


def _id(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> str:
    return str(searcher.doc(address).get_first("id"))


@contextmanager
def _edge() -> Iterator[None]:
    """Let nothing of the engine through: its panics are not even exceptions to `except`."""
    try:
        yield
    except (IndexBusy, IndexUnavailable):
        raise
    except (ValueError, OSError) as error:
        raise IndexUnavailable(str(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise IndexUnavailable(str(error)) from error
