"""Our embedded index against bare tantivy and SQLite FTS5 on the very same words.

    python -m benchmarks.search [--listings 10000] [--queries 300]

The two rivals get the words ready-made by our analysis and answer the same words as "any of them":
first the bare list (20 hits and the total), then a page with the counts of all facets, which is
what our index always gives, besides synonyms, kana, missing-word rules and the disjunctive counts.
Writes benchmarks/results/search-<listings>.json and .md.
"""

import argparse
import json
import os
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

from benchmarks.corpus import NOW, listings, queries
from search.analysis import terms, tokenize
from search.channels import text_fields
from search.documents import SearchDocument, facet_values
from search.embedded import EmbeddedIndex
from search.query import STORED, SearchQuery

RESULTS = Path(__file__).parent / "results"
PAGE = 20
_FACETS = (*STORED, "target")


def main() -> None:
    """Run everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--listings", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=300)
    asked = parser.parse_args()
    results = run(asked.listings, asked.queries)
    RESULTS.mkdir(exist_ok=True)
    name = RESULTS / f"search-{_short(asked.listings)}"
    name.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    name.with_suffix(".md").write_text(report(results))
    print(report(results))


def run(count: int, asked: int) -> dict[str, Any]:
    """Return all measurements: processor seconds to index, milliseconds per query."""
    documents, texts = listings(count), queries(asked)
    tokenize("最初の一回は辞書を読む")
    with tempfile.TemporaryDirectory() as folder:
        analysis, rows = worked(lambda: [_row(document) for document in documents])
        ours = EmbeddedIndex(Path(folder) / "ours")
        bare = BareTantivy(Path(folder) / "bare")
        fts = Fts5(Path(folder) / "fts.db")
        indexing = {
            "analysis alone": analysis,
            "our index, analysis included": worked(lambda: _rebuild(ours, documents))[0],
            "bare tantivy, words ready": worked(lambda: bare.fill(rows))[0],
            "SQLite FTS5, words ready": worked(lambda: fts.fill(rows))[0],
        }
        words = [list(dict.fromkeys(terms(text))) for text in texts]
        latency = {
            "our index, page": _latency(texts, lambda text: _page(ours, text)),
            "our index, page with two filters": _latency(texts, lambda text: _narrow(ours, text)),
            "bare tantivy, list": _latency(words, bare.hits),
            "bare tantivy, page": _latency(words, bare.page),
            "SQLite FTS5, list": _latency(words, fts.hits),
            "SQLite FTS5, page": _latency(words, fts.page),
        }
        update = _latency(documents[:40], lambda document: ours.apply([document], []))
    characters = statistics.mean(len(row.title + row.summary + row.body) for row in documents)
    return {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "listings": count,
        "queries": asked,
        "characters_per_listing": round(characters),
        "indexing_processor_seconds": {
            name: round(seconds, 2) for name, seconds in indexing.items()
        },
        "query_milliseconds": latency,
        "one_listing_applied_milliseconds": update,
        "ratios": _ratios(indexing, latency),
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return (seconds taken, result)."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def worked(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return (processor seconds of all threads, result): the same on a busy machine."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


class BareTantivy:
    """tantivy as its manual shows it: two text fields and keyword facets."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw")
        for field in ("title", "text"):
            builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
        for field in _FACETS:
            builder.add_text_field(field, fast=True, tokenizer_name="raw")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema, str(folder))
        splitter = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("whitespace", splitter)

    def fill(self, rows: Sequence[dict[str, Any]]) -> None:
        writer = self._index.writer(30_000_000, num_threads=1)
        for row in rows:
            writer.add_document(tantivy.Document(**row))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def hits(self, words: Sequence[str]) -> object:
        searcher = self._index.searcher()
        found = searcher.search(self._query(words), PAGE)
        return [searcher.doc(address).get_first("id") for _, address in found.hits]

    def page(self, words: Sequence[str]) -> object:
        counts = {field: {"terms": {"field": field, "size": 2_500}} for field in _FACETS}
        found = self._index.searcher().aggregate(self._query(words), counts)
        return self.hits(words), found

    def _query(self, words: Sequence[str]) -> Query:
        return Query.boolean_query(
            [
                (Occur.Should, Query.term_query(self._schema, field, word, "freq"))
                for word in words
                for field in ("title", "text")
            ]
        )


class Fts5:
    """SQLite's full-text index over the same two fields, facets in a table beside it."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(
            "CREATE VIRTUAL TABLE listing USING fts5"
            """(title, text, tokenize = "unicode61 remove_diacritics 0")"""
        )
        self._db.execute("CREATE TABLE facet (listing INTEGER, field TEXT, value TEXT)")

    def fill(self, rows: Sequence[dict[str, Any]]) -> None:
        self._db.executemany(
            "INSERT INTO listing (rowid, title, text) VALUES (?, ?, ?)",
            ((number, row["title"], row["text"]) for number, row in enumerate(rows)),
        )
        self._db.executemany(
            "INSERT INTO facet VALUES (?, ?, ?)",
            (
                (number, field, value)
                for number, row in enumerate(rows)
                for field in _FACETS
                for value in row[field]
            ),
        )
        self._db.execute("CREATE INDEX by_listing ON facet (listing, field, value)")
        self._db.execute("INSERT INTO listing (listing) VALUES ('optimize')")
        self._db.commit()

    def hits(self, words: Sequence[str]) -> object:
        matching = self._match(words)
        best = self._db.execute(
            "SELECT rowid FROM listing WHERE listing MATCH ? ORDER BY bm25(listing) LIMIT ?",
            (matching, PAGE),
        ).fetchall()
        total = self._db.execute(
            "SELECT count(*) FROM listing WHERE listing MATCH ?", (matching,)
        ).fetchone()
        return best, total

    def page(self, words: Sequence[str]) -> object:
        counts = self._db.execute(
            "SELECT field, value, count(*) FROM facet WHERE listing IN"
            " (SELECT rowid FROM listing WHERE listing MATCH ?) GROUP BY field, value",
            (self._match(words),),
        ).fetchall()
        return self.hits(words), counts

    def _match(self, words: Sequence[str]) -> str:
        return " OR ".join('"' + word.replace('"', "") + '"' for word in words)


def _row(document: SearchDocument) -> dict[str, Any]:
    fields = text_fields(document)
    facets = {field: list(values) for field, values in facet_values(document).items()}
    return {
        "id": document.id,
        "title": fields["title"],
        "text": fields["text"],
        "target": [document.target],
        **facets,
    }


def _rebuild(index: EmbeddedIndex, documents: Sequence[SearchDocument]) -> None:
    with index.rebuilding() as fresh:
        for start in range(0, len(documents), 500):
            fresh.apply(documents[start : start + 500])


def _page(index: EmbeddedIndex, text: str) -> object:
    return index.search(SearchQuery(text=text, now=NOW, limit=PAGE))


def _narrow(index: EmbeddedIndex, text: str) -> object:
    chosen = {"prefecture": ("04", "20"), "offer": ("field",)}
    return index.search(SearchQuery(text=text, now=NOW, filters=chosen, target="call", limit=PAGE))


def _latency(subjects: Sequence[Any], ask: Callable[[Any], object]) -> dict[str, float]:
    """Return the median and the 95th percentile in milliseconds, after a warm-up."""
    for subject in subjects[:20]:
        ask(subject)
    order = list(subjects)
    random.Random(0).shuffle(order)
    times = sorted(timed(partial(ask, subject))[0] * 1_000 for subject in order)
    return {
        "p50": round(statistics.median(times), 2),
        "p95": round(times[max(int(len(times) * 0.95) - 1, 0)], 2),
    }


def _ratios(indexing: dict[str, float], latency: dict[str, dict[str, float]]) -> dict[str, float]:
    ours = latency["our index, page"]["p50"]
    return {
        "our page / bare tantivy page (p50)": round(ours / latency["bare tantivy, page"]["p50"], 2),
        "SQLite FTS5 page / our page (p50)": round(latency["SQLite FTS5, page"]["p50"] / ours, 2),
        "SQLite FTS5 list / our page (p50)": round(latency["SQLite FTS5, list"]["p50"] / ours, 2),
        "share of analysis in our indexing": round(
            indexing["analysis alone"] / indexing["our index, analysis included"], 2
        ),
    }


def report(results: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    count = results["listings"]
    lines = [
        f"# Search over {count:,} listings",
        "",
        f"{results['machine']}. Synthetic Japanese listings of"
        f" {results['characters_per_listing']} characters, {results['queries']} queries of one to"
        " three words (one in ten a question), one process. Run `python -m benchmarks.search`.",
        "",
        "| indexing | processor seconds | listings/s |",
        "|---|---:|---:|",
        *(
            f"| {name} | {seconds:.2f} | {count / seconds:,.0f} |"
            for name, seconds in results["indexing_processor_seconds"].items()
        ),
        "",
        "A page is 20 hits, the exact total and the counts of every facet; a list has no counts.",
        "",
        "| query | p50 ms | p95 ms |",
        "|---|---:|---:|",
        *(
            f"| {name} | {times['p50']:.2f} | {times['p95']:.2f} |"
            for name, times in results["query_milliseconds"].items()
        ),
        "| our index, one listing written, durable and visible | {p50:.2f} | {p95:.2f} |".format(
            **results["one_listing_applied_milliseconds"]
        ),
        "",
        "| ratio | |",
        "|---|---:|",
        *(f"| {name} | {value} |" for name, value in results["ratios"].items()),
    ]
    return "\n".join(lines) + "\n"


def _short(count: int) -> str:
    return f"{count // 1_000}k" if count % 1_000 == 0 else str(count)


if __name__ == "__main__":
    main()
