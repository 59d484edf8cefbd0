"""Search by a Meilisearch server: the same contract as the embedded index.

All language work is done here; the server receives opaque words (see search.armour) and plain
values, and does filters, counts, order and paging.

One index per installation and per rules of analysis, named by both. While a fresh one is built,
its name is the writers' lock: it can be made only once, and changes wait until it is gone. Beside
it lies an index of one listing, the canary: a server that cuts or respells its words is refused
before it is asked anything else.
"""

import hashlib
import json
import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from search.analysis import ANALYSIS_VERSION
from search.armour import ARMOUR_VERSION, EVERY, armour, armoured, spelled
from search.channels import text_fields
from search.documents import (
    NEVER,
    TARGETS,
    SearchDocument,
    bucket,
    closing,
    facet_values,
    focus,
    opening,
    tie,
)
from search.embedding import Vectors
from search.index import (
    Differences,
    DocumentsRefused,
    Hit,
    IndexBusy,
    IndexUnavailable,
    SearchResult,
    differences,
)
from search.meili_filters import (
    MOMENTS,
    NOTHING,
    all_of,
    among,
    chosen,
    moment,
    narrowing,
    status,
)
from search.meili_server import Refused, Row, Server, Task
from search.meili_text import LONGEST, Found, found, name_value
from search.names import START, name_units
from search.query import FACETS, STORED, SearchQuery
from search.vocabulary.synonyms import PHRASES

SCHEMA_VERSION = 3
# Listings, or bytes, of one task while everything is built anew.
_BULK, _BULK_BYTES = 2_000, 16_000_000
_IDS = 500
_ABANDONED_SECONDS = 900
_COUNTED = (*STORED, "target")
_CHANNELS = ("text", "kana", "groups", "grams")
_WORDS = ("words", "kana", "groups", "grams", "names")
_TEXTS = ("tok_title", "tok_text", "tok_reading", "tok_exact", "tok_every")
# One for all models: a listing says which model its vectors are of.
EMBEDDER = "sem"
_NO_SUCH_VECTORS = ("invalid_search_embedder", "invalid_vector_dimensions")
_MOST_VALUES = 100_000  # more than the words of the lexicon
_FEW = 20_000  # listings that are compared one by one without another thought
_TURNS = 16
_TURN_SECONDS = 3_600

log = logging.getLogger(__name__)


class MeilisearchIndex:
    """A SearchIndex on a server. Safe to share between threads and across forks."""

    def __init__(self, url: str, key: str | None = None, *, prefix: str = "") -> None:
        rules = f"{SCHEMA_VERSION}/{ARMOUR_VERSION}/{ANALYSIS_VERSION}"
        self.uid = f"{prefix}listings-{hashlib.sha256(rules.encode()).hexdigest()[:8]}"
        self._server = Server(url, key)
        self._trusted = False

    def apply(self, upserts: Sequence[SearchDocument], deletes: Collection[str]) -> None:
        """Write changes and wait for them; see SearchIndex.apply."""
        with self._trusting():
            if self._server.born(self._next):
                raise IndexBusy("the search index is being rebuilt")
            if not self._server.born(self.uid):
                raise IndexUnavailable("the search index must be built")
            self._server.delete(self.uid, list(deletes))
            rows, unfit = _rows(_fitting(self._server, self.uid, upserts))
            refused = unfit | self._server.add(self.uid, rows)
        if refused:
            raise DocumentsRefused(refused)

    def versions(self, ids: Collection[str] | None = None) -> dict[str, int]:
        """Return id -> version; see SearchIndex.versions."""
        with self._trusting():
            if ids is None:
                return dict(self._server.versions(self.uid))
            some, held = sorted(ids), dict[str, int]()
            for start in range(0, len(some), _IDS):
                held |= self._server.versions(
                    self.uid, filter=among("id", some[start : start + _IDS])
                )
            return held

    def drift(self, expected: Mapping[str, int], *, turn: int | None = None) -> Differences:
        """Compare by buckets; see SearchIndex.drift.

        Buckets of unequal counts are read, and of a large index one in sixteen of the others:
        those whose `turn` it is, by default that of the hour.
        """
        turn = int(time.time()) // _TURN_SECONDS if turn is None else turn
        with self._trusting():
            wanted: dict[str, dict[str, int]] = {}
            for document_id, version in expected.items():
                wanted.setdefault(str(bucket(document_id)), {})[document_id] = version
            asked = {"indexUid": self.uid, "q": "", "limit": 0, "facets": ["bucket"]}
            held = _counts(self._server.search([asked])[0]).get("bucket", {})
            looked = [
                name
                for name in sorted(wanted.keys() | held.keys(), key=int)
                if len(expected) <= _FEW
                or len(wanted.get(name, ())) != held.get(name, 0)
                or int(name) % _TURNS == turn % _TURNS
            ]
            seen = dict(self._server.versions(self.uid, filter=among("bucket", looked)))
        compared = {key: v for name in looked for key, v in wanted.get(name, {}).items()}
        return differences(compared, seen)

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer a query; see SearchIndex.search."""
        with self._trusting():
            return _Search(self._server, self.uid, query).result()

    def nearest(
        self, vector: Vectors, query: SearchQuery, limit: int, *, model: str
    ) -> tuple[Hit, ...]:
        """Return the listings nearest in meaning; see SearchIndex.nearest."""
        asked = {
            "indexUid": self.uid,
            "vector": vector.tolist(),
            "hybrid": {"embedder": EMBEDDER, "semanticRatio": 1.0},
            "filter": all_of([*narrowing(query), among("vector_model", [model])]),
            "limit": limit,
            "attributesToRetrieve": ["id", "focus"],
            "showRankingScore": True,
        }
        with self._trusting():
            try:
                (answer,) = self._server.search([asked])
            except Refused as refusal:
                if refusal.code in _NO_SUCH_VECTORS:
                    return ()
                raise
            # The server maps a cosine from [-1, 1] to [0, 1].
            return tuple(
                Hit(hit["id"], 2 * hit["_rankingScore"] - 1, hit["focus"]) for hit in answer["hits"]
            )

    def lexicon(self) -> dict[str, int]:
        """Return the words of the index; see SearchIndex.lexicon."""
        asked = {"indexUid": self.uid, "q": "", "limit": 0, "facets": ["lexicon"]}
        with self._trusting():
            return _counts(self._server.search([asked])[0]).get("lexicon", {})

    def ready(self) -> bool:
        """Tell whether an index for these rules is there; see SearchIndex.ready."""
        try:
            with self._trusting():
                return bool(self._server.born(self.uid))
        except IndexUnavailable:
            return False

    @contextmanager
    def rebuilding(self) -> Iterator["_Fresh"]:
        """Build beside and swap; see SearchIndex.rebuilding."""
        with _edge():
            self._check_server()
            born = self._claim()
        ours = {born}
        try:
            fresh = _Fresh(self._server, self._next, born)
            with _edge():
                self._server.configure(self._next, settings())
            yield fresh
            with _edge():
                fresh.finish()
                old = self._server.born(self.uid)
                ours.add(old)
                self._server.swap(self._next, self.uid, rename=not old)
        finally:
            # Should the server be gone too, the error that led here is the one to tell.
            with suppress(IndexUnavailable), _edge():
                if self._server.born(self._next) in ours:
                    self._server.drop(self._next)

    def drop(self) -> None:
        """Remove the index from the server."""
        with _edge():
            self._server.drop(self.uid)
            self._server.drop(self._canary)

    @property
    def _next(self) -> str:
        return f"{self.uid}-next"

    @property
    def _canary(self) -> str:
        return f"{self.uid}-canary"

    def _claim(self) -> str:
        """Make the index to build, of which there is one; take over one left by a dead process.

        Returns when it was made.
        """
        if self._server.born(self._next):
            if self._server.idle(self._next) < _ABANDONED_SECONDS:
                raise IndexBusy("the search index is being rebuilt")
            self._server.drop(self._next)
        try:
            self._server.create(self._next)
        except Refused as refusal:
            if refusal.code == "index_already_exists":
                raise IndexBusy("the search index is being rebuilt") from refusal
            raise
        return self._server.born(self._next)

    @contextmanager
    def _trusting(self) -> Iterator[None]:
        """Ask the canary before the first use by a process and after every trouble."""
        try:
            with _edge():
                if not self._trusted:
                    _ask_canary(self._server, self._canary)
                    self._trusted = True
                yield
        except IndexUnavailable:
            self._trusted = False
            raise

    def _check_server(self) -> None:
        """Put the canary in place, and ask it."""
        with suppress(Refused):  # it is there already, or the next call says why not
            self._server.create(self._canary)
        self._server.configure(self._canary, settings() | {"synonyms": {}})
        self._server.add(self._canary, _rows([CANARY])[0])
        _ask_canary(self._server, self._canary)
        self._trusted = True


class _Fresh:
    """The index being built by MeilisearchIndex.rebuilding.

    Listings are sent in bulk, and one task is left to the server while the next one is rendered.
    """

    def __init__(self, server: Server, uid: str, born: str) -> None:
        self.refused: dict[str, str] = {}
        self._server = server
        self._uid = uid
        self._born = born
        self._waiting: dict[str, Row] = {}
        self._sent: tuple[Sequence[Row], Task | None] = ((), None)

    def apply(self, batch: Sequence[SearchDocument]) -> None:
        """Add documents; see FreshIndex.apply."""
        with _edge():
            rows, unfit = _rows(_fitting(self._server, self._uid, batch))
        self.refused |= unfit
        self._waiting |= {row.id: row for row in rows}
        size = sum(len(row.line) for row in self._waiting.values())
        if len(self._waiting) >= _BULK or size >= _BULK_BYTES:
            with _edge():
                self._send()

    def versions(self) -> dict[str, int]:
        """Return id -> version; see FreshIndex.versions."""
        with _edge():
            self.finish()
            return dict(self._server.versions(self._uid))

    def finish(self) -> None:
        """Write what is still waiting."""
        self._send()
        self._settle()

    def _send(self) -> None:
        self._settle()
        if self._server.born(self._uid) != self._born:
            raise IndexBusy("another program took over the rebuild of the search index")
        rows = list(self._waiting.values())
        self._waiting = {}
        if rows:
            self._sent = rows, None  # a refusal to take them is met when they are settled
            with suppress(Refused):
                self._sent = rows, self._server.send(self._uid, rows)

    def _settle(self) -> None:
        rows, task = self._sent
        self._sent = (), None
        if rows:
            self.refused |= self._server.settle(self._uid, rows, task)


class _Part(NamedTuple):
    """One of the parts that laid end to end are the list asked for."""

    filter: str = ""
    sort: Sequence[str] = ()


class _Search:
    """One query: what its text finds, then the counts, and the page."""

    def __init__(self, server: Server, uid: str, query: SearchQuery) -> None:
        self._server = server
        self._uid = uid
        self._query = query
        self._found = Found(sides=dict.fromkeys(TARGETS, ""))
        if query.text:
            shown = [query.target] if query.target in TARGETS else TARGETS
            self._found = found(
                query.text,
                self._count,
                shown=shown,
                # The counts of the other target are told too, unless nothing is counted.
                counted=TARGETS if query.facets else shown,
                expand=query.expand,
            )

    def result(self) -> SearchResult:
        if self._query.only == () or set(self._found.sides.values()) == {NOTHING}:
            names = (*FACETS, "target", "status") if self._query.facets else ()
            return SearchResult(facets={name: {} for name in names}, unmet=self._found.unmet)
        parts = self._parts()
        alone = len(parts) == 1
        wanted = self._counts() if self._query.facets else {}
        asked = [*wanted.values(), self._question()]
        if alone:
            asked.append(self._page(parts[0], self._query.offset, self._query.limit))
        else:
            asked += [self._question(part.filter) for part in parts]
        answers = self._server.search(asked)
        counted, (whole, *others) = answers[: len(wanted)], answers[len(wanted) :]
        pages = [(0, others[0])] if alone else self._pages(parts, list(map(_size, others)))
        facets = _facets(dict(zip(wanted, counted, strict=True))) if wanted else {}
        return SearchResult(self._hits(pages), _size(whole), facets, self._found.unmet)

    def _counts(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the questions for the counts, by facet and value; all values for "".

        The server counts the values of many listings slowly, so where there are few values each
        is asked for itself.
        """
        narrow = chosen(self._query)
        free = [field for field in STORED if field not in narrow]
        asked = {("", ""): {**self._question(), "facets": free}} if free else {}
        for field in STORED:
            if field in narrow:
                asked[field, ""] = {**self._question(but=field), "facets": [field]}
        for value in TARGETS:
            asked["target", value] = self._question(target=value)
        for field, values in MOMENTS.items():
            for value in values:
                own = moment(field, value, self._query.now)
                asked[field, value] = self._question(own, field)
        return asked

    def _parts(self) -> list[_Part]:
        match self._query.sort:
            case "newest":
                return [_Part(sort=["published:desc", "tie:asc"])]
            case "relevance" if self._query.text:
                return [_Part(level) for level in self._found.levels]
        now = self._query.now
        opened, undated = status("open", now), f"closes >= {NEVER}"
        return [
            _Part(f"{opened} AND closes < {NEVER}", ["closes:asc", "tie:asc"]),
            _Part(f"{opened} AND {undated}", ["tie:asc"]),
            _Part(status("upcoming", now), ["opens:asc", "tie:asc"]),
            _Part(status("closed", now), ["closes:desc", "tie:asc"]),
        ]

    def _pages(
        self, parts: Sequence[_Part], sizes: Sequence[int]
    ) -> list[tuple[int, dict[str, Any]]]:
        """Return (place of the part, answer) of those parts that the page runs through."""
        asked = {}
        start, room = self._query.offset, self._query.limit
        for place, (part, size) in enumerate(zip(parts, sizes, strict=True)):
            taken = max(min(size - start, room), 0)
            if taken:
                asked[place] = self._page(part, start, taken)
            start, room = max(start - size, 0), room - taken
        return list(zip(asked, self._server.search(list(asked.values())), strict=True))

    def _hits(self, pages: Sequence[tuple[int, dict[str, Any]]]) -> tuple[Hit, ...]:
        """Return the hits; a score says first how many wants are met, then how well."""
        scored = self._query.sort == "relevance" and bool(self._query.text)
        levels = len(self._found.levels)
        return tuple(
            Hit(
                hit["id"],
                (levels - 1 - place + hit["_rankingScore"]) / levels if scored else 0.0,
                hit["focus"],
            )
            for place, page in pages
            for hit in page["hits"]
        )

    def _page(self, part: _Part, offset: int, limit: int) -> dict[str, Any]:
        question = self._question(part.filter)
        if not part.sort:
            question["q"] = self._found.text
        return question | {
            "offset": offset,
            "limit": limit,
            "showRankingScore": True,
            "sort": list(part.sort),
        }

    def _question(self, extra: str = "", but: str = "", target: str = "") -> dict[str, Any]:
        """Return the query without the choice in the facet `but`, or with another target."""
        filters = narrowing(self._query, "target" if target else but)
        chosen_target = target or self._query.target
        if target:
            filters.append(among("target", [target]))
        filters += [self._found.filter(chosen_target), extra]
        return self._asking(self._found.must, all_of(filters))

    def _asking(self, text: str, passed: str) -> dict[str, Any]:
        return {
            "indexUid": self._uid,
            "q": text,
            "matchingStrategy": "last",
            "attributesToRetrieve": ["id", "focus"],
            "filter": passed,
            "limit": 0,
        }

    def _count(self, text: str, filters: Sequence[str]) -> list[int]:
        """Return how many listings match a text and each filter."""
        asked = {one: self._asking(text, one) for one in filters if one != NOTHING}
        answers = self._server.search(list(asked.values()))
        sizes = dict(zip(asked, map(_size, answers), strict=True))
        return [sizes.get(passed, 0) for passed in filters]


def _facets(answers: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return the counts by facet from answers by facet and value."""
    facets: dict[str, dict[str, int]] = {name: {} for name in (*FACETS, "target", "status")}
    for (field, value), answer in answers.items():
        if not value:
            facets |= _counts(answer)
        elif size := _size(answer):
            facets[field][value] = size
    return facets


def settings() -> dict[str, Any]:
    """Return the settings of an index; changing them needs a new SCHEMA_VERSION."""
    equal = {"equality": True, "comparison": False}
    ranged = {"equality": True, "comparison": True}
    listed = ["id", "lexicon", "bucket", "vector_model", *_WORDS, *_COUNTED]
    return {
        "searchableAttributes": list(_TEXTS),
        "displayedAttributes": ["id", "version", "focus"],
        "filterableAttributes": [
            {"attributePatterns": names, "features": {"facetSearch": False, "filter": kind}}
            for names, kind in ((listed, equal), (["opens", "closes"], ranged))
        ],
        "sortableAttributes": ["opens", "closes", "published", "tie"],
        "rankingRules": [
            *("sort", "words", "typo", "proximity", "attributeRank", "wordPosition", "exactness"),
            "tie:asc",
        ],
        "localizedAttributes": [{"attributePatterns": ["tok_*"], "locales": ["eng"]}],
        "typoTolerance": {"enabled": False},
        "prefixSearch": "disabled",
        "synonyms": _synonyms(),
        "faceting": {"maxValuesPerFacet": _MOST_VALUES},
        "pagination": {"maxTotalHits": 1_000_000},
        "facetSearch": False,
        "searchCutoffMs": 1_500,
    }


def rendered(document: SearchDocument) -> dict[str, Any]:
    """Return a listing as the server holds it."""
    channels = text_fields(document)
    words = {name: list(dict.fromkeys(channels[name].split())) for name in _CHANNELS}
    return {
        "id": document.id,
        "version": document.version,
        "target": document.target,
        "tok_title": armoured(channels["title"].split()),
        "tok_text": armoured(channels["text"].split()),
        "tok_reading": armoured(words["kana"]),
        "tok_exact": spelled(channels["exact"]),
        "tok_every": EVERY,
        "words": [word[:LONGEST] for word in words["text"]],
        "kana": [reading[:LONGEST] for reading in words["kana"]],
        "groups": words["groups"],
        "grams": words["grams"],
        "names": list(_name_values(document)),
        "lexicon": channels["lexicon"],
        "opens": opening(document),
        "closes": closing(document),
        "published": document.published_at,
        "focus": round(focus(document), 3),
        "tie": tie(document.id),
        "bucket": str(bucket(document.id)),
        "vector_model": document.vector_model,
        "_vectors": {EMBEDDER: _embeddings(document)},
        **{field: list(values) for field, values in facet_values(document).items()},
    }


def _name_values(document: SearchDocument) -> Iterator[str]:
    """Yield the names of the owner, each from START on."""
    name: list[str] = []
    for unit in [*name_units(document), START]:
        if unit == START and name:
            yield name_value(name)
            name = []
        name.append(unit)


def _synonyms() -> dict[str, list[str]]:
    return {
        " ".join(map(armour, terms)): [" ".join(map(armour, other.terms)) for other in others]
        for terms, others in PHRASES.synonyms.items()
    }


def _embeddings(document: SearchDocument) -> dict[str, Any] | None:
    """Return the vectors as the server takes them; left out, a listing would keep its old ones."""
    if not document.vectors:
        return None
    rows = [np.frombuffer(data, np.float16).tolist() for _, data in document.vectors]
    return {"embeddings": rows, "regenerate": False}


def _fitting(
    server: Server, uid: str, documents: Sequence[SearchDocument]
) -> Sequence[SearchDocument]:
    """Drop vectors of another size than the index holds; the first ones decide the size."""
    sizes = [len(data) // 2 for document in documents for _, data in document.vectors]
    if not sizes:
        return documents
    size = server.dimensions(uid, EMBEDDER)
    if size is None:
        size = sizes[0]
        embedder = {"source": "userProvided", "dimensions": size}
        server.configure(uid, {"embedders": {EMBEDDER: embedder}})
    return [
        document
        if all(len(data) // 2 == size for _, data in document.vectors)
        else replace(document, vectors=(), vector_model="")
        for document in documents
    ]


def _rows(documents: Sequence[SearchDocument]) -> tuple[list[Row], dict[str, str]]:
    """Return the latest of each listing as it is sent, and why some cannot be."""
    rows: list[Row] = []
    unfit: dict[str, str] = {}
    for document in {document.id: document for document in documents}.values():
        try:
            line = json.dumps(rendered(document), ensure_ascii=False).encode()
        except ValueError as error:
            unfit[document.id] = str(error)
        else:
            rows.append(Row(document.id, line))
    return rows, unfit


CANARY = SearchDocument(
    id="canary",
    version=0,
    target="call",
    title="取り組み推進のTシャツ",
    summary="e-learning",
    body="サーバーの点検。",
    owner="石巻市",
)


def _ask_canary(server: Server, uid: str) -> None:
    """Refuse a server that cuts, respells or loses the words it is given."""
    words = rendered(CANARY)
    whole = [*words["tok_title"].split(), *words["tok_text"].split()]
    parts = [armour(part) for part in ("取り", "進", "シャツ", "サーバ", "石")]
    there = [*(f'"{word}"' for word in whole), f'"{spelled("取 り 組")}"', f"{EVERY} {parts[0]}"]
    away = [*(f'"{part}"' for part in parts), f'"{spelled("組 り")}"', f'{EVERY} -"{whole[0]}"']
    asked = [{"indexUid": uid, "q": q, "matchingStrategy": "last"} for q in (*there, *away)]
    try:
        answers = server.search(asked)
    except Refused as refusal:
        if refusal.code == "index_not_found":
            raise IndexUnavailable("the search index must be built") from refusal
        raise
    if [bool(answer["hits"]) for answer in answers] != [True] * len(there) + [False] * len(away):
        raise IndexUnavailable("the search server does not keep words whole")


def _counts(answer: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = answer["facetDistribution"]
    return {field: dict(values) for field, values in counts.items()}


def _size(answer: Mapping[str, Any]) -> int:
    """Return the number of matches; exact, since filters and a word of every listing decide."""
    return int(answer["estimatedTotalHits"])


@contextmanager
def _edge() -> Iterator[None]:
    """Let nothing of the server through."""
    try:
        yield
    except Refused as refusal:
        raise IndexUnavailable(f"the search server refused: {refusal}") from refusal
    except (KeyError, TypeError) as error:
        raise IndexUnavailable(f"the search server gave no sensible answer: {error!r}") from error
