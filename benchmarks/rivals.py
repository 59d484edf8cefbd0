"""What we compare with: tantivy as its manual shows it, and SQLite's full-text index.

Both get the words of the listings and of the queries ready-made by our analysis, and find what
holds any of the words. Neither knows synonyms, readings, phrases, names, OR, missing words, or
slips; neither breaks ties. What was excluded is excluded, what was chosen filters.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import tantivy
from tantivy import Occur, Order, Query

from benchmarks.corpus import NOW
from benchmarks.queries import Asked
from search.analysis import terms
from search.documents import DAY, DEADLINES, NEVER, SearchDocument, closing, facet_values
from search.plan import plan
from search.query import STORED
from search.syntax import pieces

PAGE = 20
_VALUES = (*STORED, "target")
_MOST_VALUES = 2_500
_WRITER_BYTES = 30_000_000


class Row(NamedTuple):
    """A listing as the rivals hold it."""

    document: SearchDocument
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Flat:
    """A query as the rivals see it: any of `words`, none of `without`, the chosen values.

    With `every` all of the words; FTS5 is never asked so.
    """

    words: tuple[str, ...]
    without: tuple[str, ...]
    chosen: dict[str, tuple[str, ...]]
    every: bool = False


def flat(asked: Asked, target: str, *, synonyms: bool = False, every: bool = False) -> Flat:
    """Return a query flat; with `synonyms` their words are further words of it."""
    text = asked.text
    wanted, without = list(text), []
    for piece in pieces(text):
        if piece.without:
            without += terms(text[piece.start : piece.end])
            wanted[piece.start : piece.end] = " " * (piece.end - piece.start)
    typed = "".join(wanted).replace("OR", " ")
    words = terms(typed)
    if synonyms:
        words += [t for w in plan(typed).words for other in w.synonyms for t in other.terms]
    chosen = {**asked.filters, "target": (target,)}
    return Flat(tuple(dict.fromkeys(words)), tuple(dict.fromkeys(without)), chosen, every)


class RawTantivy:
    """Two text fields, keyword facets, and the second of closing."""

    def __init__(self, folder: Path) -> None:
        if fresh := not folder.exists():
            folder.mkdir()
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        for field in ("title", "text"):
            builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
        for field in _VALUES:
            builder.add_text_field(field, fast=True, tokenizer_name="raw", index_option="basic")
        builder.add_integer_field("closing", indexed=True, fast=True)
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema, str(folder), reuse=not fresh)
        splitter = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("whitespace", splitter)
        self._counts = {
            field: {"terms": {"field": field, "size": _MOST_VALUES}} for field in STORED
        }
        self._counts["closing"] = {"range": {"field": "closing", "ranges": _ranges()}}

    def fill(self, rows: Iterable[Row]) -> None:
        writer = self._index.writer(_WRITER_BYTES, num_threads=1)
        for document, title, text in rows:
            values = {field: list(found) for field, found in _values(document).items()}
            fields = {"id": document.id, "closing": closing(document), **values}
            writer.add_document(tantivy.Document(title=title, text=text, **fields))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def hits(self, query: Flat) -> object:
        """Return the best ids and the total."""
        searcher = self._index.searcher()
        order = {} if query.words else {"order_by_field": "closing", "order": Order.Asc}
        found = searcher.search(self._query(query), PAGE, **order)
        return [searcher.doc(address).get_first("id") for _, address in found.hits], found.count

    def page(self, query: Flat) -> object:
        """Return the same with the counts of all facets, and of the other target."""
        searcher, asked = self._index.searcher(), self._query(query)
        counts = [
            searcher.aggregate(
                asked, {f: c for f, c in self._counts.items() if f not in query.chosen}
            )
        ]
        for field in query.chosen.keys() - {"target"}:
            others = {name: values for name, values in query.chosen.items() if name != field}
            wider = self._query(replace(query, chosen=others))
            counts.append(searcher.aggregate(wider, {field: self._counts[field]}))
        other = {**query.chosen, "target": ("solution",)}
        size = searcher.search(self._query(replace(query, chosen=other)), 1).count
        return self.hits(query), counts, size

    def _query(self, query: Flat) -> Query:
        found = self._words(query) if query.words else Query.all_query()
        never = [(Occur.MustNot, term) for word in query.without for term in self._terms(word)]
        chosen = [(Occur.Must, self._values(*choice)) for choice in query.chosen.items()]
        return Query.boolean_query([(Occur.Must, found), *chosen, *never])

    def _words(self, query: Flat) -> Query:
        if query.every:
            each = [self._any_of(self._terms(word)) for word in query.words]
            return Query.boolean_query([(Occur.Must, word) for word in each])
        return self._any_of([term for word in query.words for term in self._terms(word)])

    def _any_of(self, queries: Sequence[Query]) -> Query:
        return Query.boolean_query([(Occur.Should, query) for query in queries])

    def _terms(self, word: str) -> list[Query]:
        return [Query.term_query(self._schema, field, word, "freq") for field in ("title", "text")]

    def _values(self, field: str, values: Sequence[str]) -> Query:
        terms_ = [Query.term_query(self._schema, field, value, "basic") for value in values]
        return Query.const_score_query(self._any_of(terms_), 0.0)


class Fts5:
    """The same two fields and the facet values as words; values in a table beside it to count."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(
            "CREATE VIRTUAL TABLE listing USING fts5"
            """(title, text, facets, tokenize = "unicode61 remove_diacritics 0 tokenchars '_'")"""
        )
        self._db.execute(
            "CREATE TABLE facet (listing INTEGER, field TEXT, value TEXT,"
            " PRIMARY KEY (listing, field, value)) WITHOUT ROWID"
        )
        self._db.execute(
            "CREATE TABLE date (listing INTEGER PRIMARY KEY, target TEXT, closing INTEGER)"
        )

    def fill(self, rows: Iterable[Row]) -> None:
        for number, (document, title, text) in enumerate(rows):
            values = [(f, value) for f, found in _values(document).items() for value in found]
            marks = " ".join(map(_mark, values))
            self._db.execute(
                "INSERT INTO listing (rowid, title, text, facets) VALUES (?, ?, ?, ?)",
                (number, title, text, marks),
            )
            self._db.executemany(
                "INSERT INTO facet VALUES (?, ?, ?)", ((number, *value) for value in values)
            )
            self._db.execute(
                "INSERT INTO date VALUES (?, ?, ?)", (number, document.target, closing(document))
            )
        self._db.execute("CREATE INDEX by_closing ON date (target, closing)")
        self._db.execute("INSERT INTO listing (listing) VALUES ('optimize')")
        self._db.commit()

    def hits(self, query: Flat) -> object:
        """Return the best row numbers and the total."""
        if not query.words:
            return self._browsed(query)
        matching = (self._match(query),)
        best = "SELECT rowid FROM listing WHERE listing MATCH ? ORDER BY bm25(listing) LIMIT 20"
        total = "SELECT count(*) FROM listing WHERE listing MATCH ?"
        return self._all(best, matching), self._all(total, matching)

    def page(self, query: Flat) -> object:
        """Return the same with the counts of all facets; those of filters are as narrowed."""
        counted = (
            "SELECT field, value, count(*) FROM facet WHERE listing IN"
            " (SELECT rowid FROM listing WHERE listing MATCH ?) GROUP BY field, value"
        )
        return self.hits(query), self._all(counted, (self._match(query),))

    def _browsed(self, query: Flat) -> object:
        best = "SELECT listing FROM date WHERE target = ? ORDER BY closing LIMIT 20"
        total = "SELECT count(*) FROM date WHERE target = ?"
        return self._all(best, query.chosen["target"]), self._all(total, query.chosen["target"])

    def _all(self, sql: str, values: Sequence[str]) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def _match(self, query: Flat) -> str:
        chosen = [
            "facets : (" + " OR ".join(_mark((field, value)) for value in values) + ")"
            for field, values in query.chosen.items()
        ]
        words = " OR ".join(map(_quoted, query.words))
        wanted = [f"{{title text}} : ({words})"] if words else []
        without = " OR ".join(map(_quoted, query.without))
        return " AND ".join([*wanted, *chosen]) + (f" NOT ({without})" if without else "")


def _values(document: SearchDocument) -> dict[str, tuple[str, ...]]:
    return {**facet_values(document), "target": (document.target,)}


def _mark(value: tuple[str, str]) -> str:
    return "_".join(value)


def _quoted(word: str) -> str:
    return '"' + word.replace('"', "") + '"'


def _ranges() -> list[dict[str, Any]]:
    """Return ranges of the second of closing: past, each deadline, later, never."""
    edges = [NOW, *(NOW + days * DAY for days in DEADLINES.values()), NEVER]
    starts, ends = [None, *edges], [*edges, None]
    return [
        {name: float(edge) for name, edge in (("from", a), ("to", b)) if edge is not None}
        for a, b in zip(starts, ends, strict=True)
    ]
