"""Our search against raw tantivy and SQLite FTS5, on the same words in the same run.

    python -m benchmarks.search [--listings 100000] [--queries 40]

With MEILI_URL set (and MEILI_KEY) the Meilisearch engine takes part. Writes
benchmarks/results/search-<listings>.json and .md.
"""

import argparse
import json
import os
import platform
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.builder import rebuild
from benchmarks.corpus import NOW, Corpus
from benchmarks.meaning import MODEL, RandomProjection
from benchmarks.measure import Spent, better, disk, elsewhere, filled, percentiles, spent
from benchmarks.queries import Asked, queries
from benchmarks.report import report
from benchmarks.rivals import PAGE, Fts5, RawTantivy, Row, flat
from benchmarks.rows import ReadyRows, agreement, ready_made
from search.channels import text_fields
from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
from search.embedding import QueryVectors
from search.finder import Finder, hints
from search.index import SearchIndex
from search.intent import understand
from search.meilisearch import MeilisearchIndex
from search.plan import plan
from search.query import SearchQuery
from tests.search.gazetteer import filter_words, gazetteer

RESULTS = Path(__file__).parent / "results"
_TARGET = "call"
_ANALYSED = 5_000
_MOST_WITH_VECTORS = 200_000
_UPDATES = 40
_MOST_ANSWERS, _LONG_SECONDS = 5, 0.1
_TWENTY = "独り暮らしの高齢者の見守りと買い物支援の実証"[:20]


@dataclass(frozen=True, slots=True)
class System:
    """Something that answers queries; of a slow one only `most` queries of a kind are asked."""

    name: str
    ask: Callable[[Asked], object]
    most: int = 1_000


def main() -> None:
    """Run everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--listings", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=40, help="of each kind")
    asked = parser.parse_args()
    results = run(asked.listings, asked.queries)
    RESULTS.mkdir(exist_ok=True)
    name = RESULTS / f"search-{_short(asked.listings)}"
    name.with_suffix(".json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    name.with_suffix(".md").write_text(report(results))
    print(report(results))


def run(count: int, per_kind: int) -> dict[str, Any]:
    """Return all measurements."""
    began = time.monotonic()
    corpus = Corpus()
    market = Market(corpus, count)
    asked = queries(corpus, per_kind)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        built = _Built(folder, market, stack)
        indexing = built.fill()
        sample = list(islice(corpus.listings(count), _ANALYSED))
        return {
            "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
            "listings": count,
            "characters": _characters(sample),
            "queries_of_a_kind": per_kind,
            "ready_rows_agree": round(agreement(market.rows, sample[:300]), 4),
            "vectors": market.vectors,
            "fts_pages_of_a_kind": min(built.few, per_kind),
            "frequencies": _frequencies(built.ours, count),
            "indexing_seconds": indexing,
            "analysis": _analysis(sample),
            "build_with_analysis": {
                "listings": _ANALYSED,
                **elsewhere("benchmarks.builder", listings=_ANALYSED),
            },
            "megabytes_on_disk": built.sizes(),
            "understanding_milliseconds": _understanding(),
            "latency": {
                name: times
                for systems in built.systems()
                for name, times in latency(systems, asked).items()
            },
            "reader": elsewhere(
                "benchmarks.reader",
                folder=str(folder / "ours"),
                queries=list(dict.fromkeys(one.text for one in asked)),
            ),
            "update_milliseconds": _updates(built.ours, sample),
            "minutes": round((time.monotonic() - began) / 60, 1),
        }


class Market:
    """The listings of a run, made anew each time they are read, and their words."""

    def __init__(self, corpus: Corpus, count: int) -> None:
        self._corpus, self._count = corpus, count
        self.rows = ReadyRows()
        self.rows.cut(corpus.texts)
        self.vectors = count <= _MOST_WITH_VECTORS

    def plain(self) -> Iterator[SearchDocument]:
        return self._corpus.listings(self._count)

    def documents(self) -> Iterator[SearchDocument]:
        """Yield the listings with the vectors of their passages."""
        if not self.vectors:
            return self.plain()
        model = RandomProjection()
        return (
            replace(document, vectors=model.vectors(document), vector_model=MODEL)
            for document in self.plain()
        )

    def flat(self) -> Iterator[Row]:
        return (Row(document, *self.rows.flat(document)) for document in self.plain())


class _Built:
    """All systems of a run."""

    def __init__(self, folder: Path, market: Market, stack: ExitStack) -> None:
        self._folder, self._market = folder, market
        # A page of FTS5 takes seconds where listings are many.
        self.few = 20 if market.vectors else 3
        self.ours = EmbeddedIndex(folder / "ours")
        self._raw = RawTantivy(folder / "raw")
        self._fts = Fts5(folder / "fts.db")
        self._meili: MeilisearchIndex | None = None
        if url := os.environ.get("MEILI_URL"):
            self._meili = MeilisearchIndex(url, os.environ.get("MEILI_KEY"), prefix="bench-")
            stack.callback(self._meili.drop)

    def fill(self) -> dict[str, dict[str, float]]:
        """Build everything; return the seconds of each."""
        market = self._market
        seconds = {
            "our index, words ready": self._timed(self.ours, market.documents()),
            "raw tantivy, words ready": filled(self._raw.fill, market.flat()),
            "SQLite FTS5, words ready": filled(self._fts.fill, market.flat()),
        }
        if self._meili:
            seconds["Meilisearch, words ready"] = self._timed(self._meili, market.plain())
        return seconds

    def _timed(self, index: SearchIndex, documents: Iterable[SearchDocument]) -> dict[str, float]:
        """Return the seconds of building, the words of the listings being looked up for it."""
        ready: dict[str, Any] = {}

        def rows() -> Iterator[SearchDocument]:
            for document in documents:
                ready[document.id] = self._market.rows(document)
                yield document

        with ready_made(lambda document: ready.pop(document.id, None) or text_fields(document)):
            return filled(lambda source: rebuild(index, source), rows())

    def sizes(self) -> dict[str, float]:
        vectors = sum(path.stat().st_size for path in self._folder.glob("ours/*/vectors-*"))
        return {
            "our index": round(disk(self._folder / "ours") - vectors / 1_048_576, 1),
            "its vectors": round(vectors / 1_048_576, 1),
            "raw tantivy": disk(self._folder / "raw"),
            "SQLite FTS5": disk(self._folder / "fts.db"),
        }

    def systems(self) -> Iterator[list[System]]:
        """Yield systems that take turns: what sweeps the caches is asked apart."""
        ours, raw, fts = self.ours, self._raw, self._fts
        yield [
            System("our index, page", lambda asked: ours.search(_query(asked))),
            System("our index, list", lambda asked: ours.search(_query(asked, facets=False))),
            System("our service by words", _service(Finder(ours, QueryVectors(None)))),
            System("raw tantivy, list", lambda asked: raw.hits(flat(asked, _TARGET))),
            System("raw tantivy, page", lambda asked: raw.page(flat(asked, _TARGET))),
            System(
                "raw tantivy with synonyms, list",
                lambda asked: raw.hits(flat(asked, _TARGET, synonyms=True)),
            ),
            System(
                "raw tantivy, all words, page",
                lambda asked: raw.page(flat(asked, _TARGET, every=True)),
            ),
            System(
                "raw tantivy with synonyms, page",
                lambda asked: raw.page(flat(asked, _TARGET, synonyms=True)),
            ),
        ]
        yield [
            System("SQLite FTS5, list", lambda asked: fts.hits(flat(asked, _TARGET))),
            System(
                "SQLite FTS5, page",
                lambda asked: fts.page(flat(asked, _TARGET)),
                self.few,
            ),
        ]
        if self._market.vectors:
            vectors = QueryVectors(RandomProjection(), seconds=5)
            yield [System("our service with vectors", _service(Finder(ours, vectors)))]
        if meili := self._meili:
            yield [
                System("Meilisearch, page", lambda asked: meili.search(_query(asked))),
                System("Meilisearch service by words", _service(Finder(meili, QueryVectors(None)))),
            ]


def latency(
    systems: Sequence[System], asked: Sequence[Asked]
) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Return the percentiles of every system by kind of query, and of all that have words.

    Systems take turns query by query, so that they share the machine's moods.
    """
    order = list(asked)
    random.Random(0).shuffle(order)
    found: dict[str, dict[str, list[Spent]]] = {s.name: defaultdict(list) for s in systems}
    for one in order:
        for system in systems:
            times = found[system.name][one.kind]
            if len(times) < system.most:
                times.append(_fastest(partial(system.ask, one)))
    return {name: _by_kind(kinds) for name, kinds in found.items()}


def _fastest(ask: Callable[[], object]) -> Spent:
    """Return the time of the fastest of some answers, of fewer where they take long."""
    began = time.monotonic()
    best = spent(ask)
    for _ in range(_MOST_ANSWERS - 1):
        if time.monotonic() - began > _LONG_SECONDS:
            break
        best = better(best, spent(ask))
    return best


def _by_kind(kinds: dict[str, list[Spent]]) -> dict[str, Any]:
    worded = [one for kind, some in kinds.items() if kind != "browse" for one in some]
    every = {"all with words": worded, **kinds}
    return {
        kind: {
            "wall": percentiles([one.wall for one in some]),
            "processor": percentiles([one.processor for one in some]),
        }
        for kind, some in every.items()
    }


def _query(asked: Asked, *, facets: bool = True) -> SearchQuery:
    return SearchQuery(
        text=asked.text, target=_TARGET, now=NOW, filters=asked.filters, limit=PAGE, facets=facets
    )


def _service(finder: Finder) -> Callable[[Asked], object]:
    """Return what a page of the site does: understand the query, then find."""

    def ask(asked: Asked) -> object:
        named = hints(understand(asked.text, gazetteer(), filter_words())) if asked.text else ()
        return finder.find(_query(asked), named=named)

    return ask


def _analysis(sample: Sequence[SearchDocument]) -> dict[str, float]:
    """Return how many listings are cut a second, in one process and in two."""
    text_fields(sample[0])
    alone = spent(lambda: [text_fields(document) for document in sample[:1_000]])
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(text_fields, sample[:20]))
        both = spent(lambda: list(pool.map(text_fields, sample, chunksize=100)))
    return {
        "listings_a_second_of_one_processor": round(1_000 / (alone.processor / 1_000)),
        "listings_a_second_by_two_processes": round(len(sample) / (both.wall / 1_000)),
    }


def _understanding() -> dict[str, dict[str, float]]:
    """Return the time of reading a query of 20 characters, warm."""
    words, places = filter_words(), gazetteer()
    jobs = {
        "plan": lambda: plan(_TWENTY),
        "understand": lambda: understand(_TWENTY, places, words),
    }
    return {
        name: percentiles([spent(job).processor for _ in range(1_000)][100:])
        for name, job in jobs.items()
    }


def _updates(index: EmbeddedIndex, sample: Sequence[SearchDocument]) -> dict[str, Any]:
    """Return the time until one changed listing is durable and visible."""
    times = [
        spent(lambda: index.apply([replace(document, version=2)], []))  # noqa: B023
        for document in sample[:_UPDATES]
    ]
    return {
        "wall": percentiles([one.wall for one in times]),
        "processor": percentiles([one.processor for one in times]),
    }


def _frequencies(index: EmbeddedIndex, count: int) -> dict[str, Any]:
    """Return how many words there are, and the share of listings that hold those of some ranks."""
    held = sorted(index.lexicon().values(), reverse=True)
    ranks = [rank for rank in (1, 10, 100, 1_000, 10_000) if rank <= len(held)]
    return {
        "words": len(held),
        "shares": {rank: round(held[rank - 1] / count, 5) for rank in ranks},
    }


def _characters(sample: Sequence[SearchDocument]) -> dict[str, dict[str, int]]:
    lengths: dict[str, list[int]] = defaultdict(list)
    for document in sample:
        lengths[document.target].append(len(document.title + document.summary + document.body))
    return {
        target: {"least": min(some), "mean": round(sum(some) / len(some)), "most": max(some)}
        for target, some in lengths.items()
    }


def _short(count: int) -> str:
    for unit, letter in ((1_000_000, "m"), (1_000, "k")):
        if count % unit == 0:
            return f"{count // unit}{letter}"
    return str(count)


if __name__ == "__main__":
    main()
