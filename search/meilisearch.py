"""Search by a Meilisearch server: the same contract as the embedded index.

All language work is done here; the server receives opaque words (see search.armour) and does
filters, counts, order and paging. It has no "or" in a text query: synonyms of the field are its
`synonyms` setting, and when few listings hold every word the query is asked again with the
commonest words dropped first.

One index per installation and per rules of analysis, named by both. While a fresh one is built,
its name is the writers' lock: it can be made only once, and changes wait until it is gone.
"""

import hashlib
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from meilisearch import Client
from meilisearch.errors import MeilisearchApiError, MeilisearchError

from search.analysis import ANALYSIS_VERSION, hiragana, is_kana
from search.armour import ARMOUR_VERSION, armour, armoured_readings, armoured_text
from search.documents import (
    DAY,
    DEADLINES,
    NEVER,
    NO_DEADLINE,
    STATUSES,
    SearchDocument,
    closing,
    facet_values,
    opening,
    tie,
)
from search.embedding import Vectors
from search.index import Hit, IndexBusy, IndexUnavailable, SearchResult
from search.lexicon import lexicon_words
from search.plan import ENOUGH, Word, words
from search.query import FACETS, STORED, SearchQuery
from search.vocabulary.synonyms import PHRASES

SCHEMA_VERSION = 2
_MOST_TERMS = 10  # the server silently drops what follows
_BATCH, _IDS = 1_000, 500
_SEARCH_SECONDS, _WRITE_SECONDS, _TASK_SECONDS = 3, 60, 300
_ABANDONED_SECONDS = 3_600
_COUNTED = (*STORED, "target")
_MOST_VALUES = 100_000  # more than the words of the lexicon
_MOMENTS = {"status": STATUSES, "deadline": (*DEADLINES, NO_DEADLINE)}
_NOTHING = "opens < 0"
_EMBEDDER = "sem"  # one for all models: a listing says which model its vectors are of
_TOKENS = ("tok_title", "tok_keywords", "tok_owner", "tok_summary", "tok_body", "tok_reading")


class MeilisearchIndex:
    """A SearchIndex on a server. Holds no connection; safe to share between threads."""

    def __init__(self, url: str, key: str | None = None, *, prefix: str = "") -> None:
        rules = f"{SCHEMA_VERSION}/{ARMOUR_VERSION}/{ANALYSIS_VERSION}"
        self.uid = f"{prefix}listings-{hashlib.sha256(rules.encode()).hexdigest()[:8]}"
        self._server = _Server(url, key)

    def apply(self, upserts: Sequence[SearchDocument], deletes: Collection[str]) -> None:
        """Write changes and wait for them; see SearchIndex.apply."""
        with _edge():
            if not self._server.has(self.uid):
                raise IndexUnavailable("the search index must be built")
            if self._server.has(self._next):
                raise IndexBusy("the search index is being rebuilt")
            if deletes:
                path = f"indexes/{self.uid}/documents/delete-batch"
                self._server.finish(self._server.post(path, list(deletes)))
            self._server.add(self.uid, upserts)

    def versions(self, ids: Collection[str] | None = None) -> dict[str, int]:
        """Return id -> version; see SearchIndex.versions."""
        with _edge():
            if ids is None:
                return self._server.versions(self.uid)
            some, found = sorted(ids), dict[str, int]()
            for start in range(0, len(some), _IDS):
                chunk = among("id", some[start : start + _IDS])
                found |= self._server.versions(self.uid, filter=chunk)
            return found

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer a query; see SearchIndex.search."""
        with _edge():
            return _Search(self._server, self.uid, query).result()

    def lexicon(self) -> dict[str, int]:
        """Return the words of the index; see SearchIndex.lexicon."""
        asked = {"indexUid": self.uid, "q": "", "limit": 0, "facets": ["lexicon"]}
        with _edge():
            return _counts(self._server.search_all([asked])[0]).get("lexicon", {})

    def nearest(
        self, vector: Vectors, query: SearchQuery, limit: int, *, model: str
    ) -> tuple[Hit, ...]:
        """Return the listings nearest in meaning; see SearchIndex.nearest."""
        with _edge():
            if self._server.dimensions(self.uid) != len(vector):
                return ()
            question = {
                "indexUid": self.uid,
                "vector": vector.tolist(),
                "hybrid": {"embedder": _EMBEDDER, "semanticRatio": 1.0},
                "filter": [*filters(query).values(), among("vector_model", [model])],
                "limit": limit,
                "attributesToRetrieve": ["id"],
                "showRankingScore": True,
            }
            hits = self._server.search_all([question])[0]["hits"]
            # The server maps a cosine from [-1, 1] to [0, 1].
            return tuple(Hit(hit["id"], 2 * hit["_rankingScore"] - 1) for hit in hits)

    def ready(self) -> bool:
        """Tell whether an index for these rules is there; see SearchIndex.ready."""
        try:
            with _edge():
                return self._server.has(self.uid)
        except IndexUnavailable:
            return False

    @contextmanager
    def rebuilding(self) -> Iterator["_Fresh"]:
        """Build beside and swap; see SearchIndex.rebuilding."""
        with _edge():
            self._claim()
        try:
            fresh = _Fresh(self._server, self._next)
            with _edge():
                self._server.configure(self._next)
                self._server.check_canary(self._next)
            yield fresh
            with _edge():
                pair = {"indexes": [self._next, self.uid], "rename": not self.ready()}
                self._server.finish(self._server.post("swap-indexes", [pair]))
        finally:
            # Should the server be gone too, the error that led here is the one to tell.
            with suppress(IndexUnavailable), _edge():
                self._server.drop(self._next)

    def drop(self) -> None:
        """Remove the index from the server."""
        with _edge():
            self._server.drop(self.uid)

    @property
    def _next(self) -> str:
        return f"{self.uid}-next"

    def _claim(self) -> None:
        """Make the index to build, of which there is one; take over one left by a dead process."""
        made = self._server.age(self._next)
        if made is not None and made > _ABANDONED_SECONDS:
            self._server.drop(self._next)
        elif made is not None:
            raise IndexBusy("the search index is being rebuilt")
        task = self._server.post("indexes", {"uid": self._next, "primaryKey": "id"})
        self._server.finish(task)


class _Fresh:
    """The index being built by MeilisearchIndex.rebuilding."""

    def __init__(self, server: "_Server", uid: str) -> None:
        self._server = server
        self._uid = uid

    def apply(self, batch: Sequence[SearchDocument]) -> None:
        """Add documents; see FreshIndex.apply."""
        with _edge():
            self._server.add(self._uid, batch)

    def versions(self) -> dict[str, int]:
        """Return id -> version; see FreshIndex.versions."""
        with _edge():
            return self._server.versions(self._uid)


class _Search:
    """One query: first what there is (counts), then the page."""

    def __init__(self, server: "_Server", uid: str, query: SearchQuery) -> None:
        self._server = server
        self._uid = uid
        self._query = query
        self._text = query_text(query.text)
        self._strategy = "all"
        self._filters = filters(query)

    def result(self) -> SearchResult:
        if self._query.only == () or (self._query.text and not self._text):
            return SearchResult(facets={facet: {} for facet in (*FACETS, "target", "status")})
        self._strategy = self._chosen_strategy()
        parts = self._parts()
        chosen = [field for field in _COUNTED if field in self._filters]
        asked = [self._counting(_COUNTED)]
        asked += [self._counting([field], but=field) for field in chosen]
        asked += [
            self._counting(["target"], moment_filter(field, value, self._query.now), but=field)
            for field, values in _MOMENTS.items()
            for value in values
        ]
        asked += [self._counting(["target"], extra) for extra, _ in parts]
        answers = iter(self._server.search_all(asked))
        facets = _counts(next(answers))
        total = sum(facets["target"].values())
        facets |= {field: _counts(next(answers))[field] for field in chosen}
        for field, values in _MOMENTS.items():
            sizes = {value: _size(next(answers)) for value in values}
            facets[field] = {value: size for value, size in sizes.items() if size}
        lengths = [_size(answer) for answer in answers]
        return SearchResult(hits=self._hits(parts, lengths), total=total, facets=facets)

    def _chosen_strategy(self) -> str:
        """Drop common words only where no page of listings holds every word, whatever filters."""
        if not self._text:
            return "all"
        question = {**self._counting(["target"]), "filter": []}
        found = _counts(self._server.search_all([question])[0])["target"]
        wanted = [self._query.target] if self._query.target else ["call", "solution"]
        return "all" if all(found.get(name, 0) >= ENOUGH for name in wanted) else "frequency"

    def _parts(self) -> list[tuple[str, list[str]]]:
        """Return (filter, sort) of the parts that laid end to end are the list asked for."""
        if self._query.sort == "newest":
            return [("", ["published:desc", "tie:asc"])]
        if self._query.sort == "relevance" and self._text:
            return [("", [])]
        now = self._query.now
        open_now, undated = status_filter("open", now), f"closes >= {NEVER}"
        return [
            (f"{open_now} AND closes < {NEVER}", ["closes:asc", "tie:asc"]),
            (f"{open_now} AND {undated}", ["tie:asc"]),
            (status_filter("upcoming", now), ["opens:asc", "tie:asc"]),
            (status_filter("closed", now), ["closes:desc", "tie:asc"]),
        ]

    def _hits(self, parts: list[tuple[str, list[str]]], sizes: list[int]) -> tuple[Hit, ...]:
        asked, start = [], self._query.offset
        room = self._query.limit
        for (extra, sort), size in zip(parts, sizes, strict=True):
            taken = max(min(size - start, room), 0)
            if taken:
                page = {"offset": start, "limit": taken, "showRankingScore": True}
                asked.append({**self._question(extra), **page, **({"sort": sort} if sort else {})})
            start, room = max(start - size, 0), room - taken
        found = [hit for answer in self._server.search_all(asked) for hit in answer["hits"]]
        scored = self._query.sort == "relevance" and bool(self._text)
        return tuple(Hit(hit["id"], hit["_rankingScore"] if scored else 0.0) for hit in found)

    def _question(self, extra: str = "", but: str = "") -> dict[str, Any]:
        chosen = [text for field, text in self._filters.items() if field != but]
        if self._query.only is not None:
            chosen.append(among("id", self._query.only))
        if self._query.but:
            chosen.append(f"NOT {among('id', self._query.but)}")
        return {
            "indexUid": self._uid,
            "q": self._text,
            "matchingStrategy": self._strategy,
            "attributesToRetrieve": ["id"],
            "filter": [text for text in (*chosen, extra) if text],
        }

    def _counting(self, facets: Sequence[str], extra: str = "", but: str = "") -> dict[str, Any]:
        return {**self._question(extra, but), "limit": 0, "facets": list(facets)}


class _Server:
    """The few calls of the server that are needed, each with a time limit."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url.rstrip("/")
        self._key = key

    def post(self, path: str, body: object, *, kind: str = "application/json") -> Any:
        """Send a body as UTF-8; the client's own encoder would make every character 12 bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return self._http(_WRITE_SECONDS).post(path, data, content_type=kind)

    def search_all(self, queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not queries:
            return []
        data = json.dumps({"queries": queries}, ensure_ascii=False).encode()
        results: list[dict[str, Any]] = self._http(_SEARCH_SECONDS).post("multi-search", data)[
            "results"
        ]
        return results

    def versions(self, uid: str, **wanted: str) -> dict[str, int]:
        found: dict[str, int] = {}
        while True:
            page = {"fields": ["id", "version"], "offset": len(found), "limit": _BATCH}
            rows = self.post(f"indexes/{uid}/documents/fetch", page | wanted)["results"]
            found |= {row["id"]: int(row["version"]) for row in rows}
            if len(rows) < _BATCH:
                return found

    def add(self, uid: str, documents: Sequence[SearchDocument]) -> None:
        latest = {document.id: document for document in documents}
        if latest:
            rows = self._with_fitting_vectors(uid, list(latest.values()))
            lines = [json.dumps(rendered(row), ensure_ascii=False) for row in rows]
            path = f"indexes/{uid}/documents?primaryKey=id"
            data = "\n".join(lines).encode()
            self.finish(self.post(path, data, kind="application/x-ndjson"))

    def _with_fitting_vectors(
        self, uid: str, documents: list[SearchDocument]
    ) -> list[SearchDocument]:
        """Drop vectors of another size than the index holds; the first ones decide the size."""
        sizes = [len(data) // 2 for document in documents for _, data in document.vectors]
        if not sizes:
            return documents
        size = self.dimensions(uid)
        if size is None:
            size = sizes[0]
            embedder = {_EMBEDDER: {"source": "userProvided", "dimensions": size}}
            data = json.dumps({"embedders": embedder}).encode()
            self.finish(self._http(_WRITE_SECONDS).patch(f"indexes/{uid}/settings", data))
        return [
            document
            if all(len(data) // 2 == size for _, data in document.vectors)
            else replace(document, vectors=(), vector_model="")
            for document in documents
        ]

    def dimensions(self, uid: str) -> int | None:
        """Return the size of the vectors an index holds, None while it holds none."""
        try:
            found = self._http(_SEARCH_SECONDS).get(f"indexes/{uid}/settings/embedders")
        except MeilisearchApiError as error:
            if error.code == "index_not_found":
                return None
            raise
        return int(found[_EMBEDDER]["dimensions"]) if _EMBEDDER in (found or {}) else None

    def finish(self, task: Mapping[str, Any]) -> None:
        """Wait for a task. Raises IndexBusy when the index exists, IndexUnavailable on failure."""
        deadline, pause = time.monotonic() + _TASK_SECONDS, 0.01
        while time.monotonic() < deadline:
            state = self._http(_SEARCH_SECONDS).get(f"tasks/{task['taskUid']}")
            if state["status"] == "succeeded":
                return
            if state["status"] in ("failed", "canceled"):
                error = state.get("error") or {}
                if error.get("code") == "index_already_exists":
                    raise IndexBusy("the search index is being rebuilt")
                raise IndexUnavailable(f"search task {state['status']}: {error.get('message')}")
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
        raise IndexUnavailable("the search server did not finish a task in time")

    def has(self, uid: str) -> bool:
        return self.age(uid) is not None

    def age(self, uid: str) -> float | None:
        """Return the seconds since an index last changed, None when there is none."""
        try:
            found = self._http(_SEARCH_SECONDS).get(f"indexes/{uid}")
        except MeilisearchApiError as error:
            if error.code == "index_not_found":
                return None
            raise
        changed = datetime.fromisoformat(found["updatedAt"][:19]).replace(tzinfo=UTC)
        return (datetime.now(UTC) - changed).total_seconds()

    def drop(self, uid: str) -> None:
        if self.has(uid):
            self.finish(self._http(_WRITE_SECONDS).delete(f"indexes/{uid}"))

    def configure(self, uid: str) -> None:
        data = json.dumps(settings(), ensure_ascii=False).encode()
        self.finish(self._http(_WRITE_SECONDS).patch(f"indexes/{uid}/settings", data))

    def check_canary(self, uid: str) -> None:
        """Refuse a server that cuts or respells the words it is given."""
        canary = SearchDocument(
            id="canary",
            version=0,
            target="call",
            title="取り組み推進",
            summary="",
            body="",
            owner="",
        )
        self.add(uid, [canary])
        found = [
            bool(self.search_all([{"indexUid": uid, "q": f'"{armour(word)}"'}])[0]["hits"])
            for word in ("取り組み", "推進", "取り", "進")
        ]
        self.finish(self.post(f"indexes/{uid}/documents/delete-batch", ["canary"]))
        if found != [True, True, False, False]:
            raise IndexUnavailable("the search server does not keep words whole")

    def _http(self, seconds: int) -> Any:
        # A client keeps the headers of its last request: one for each call, never shared.
        return Client(self._url, self._key, timeout=seconds).http


def settings() -> dict[str, Any]:
    """Return the settings of an index; changing them needs a new SCHEMA_VERSION."""
    equal = {"equality": True, "comparison": False}
    ranged = {"equality": True, "comparison": True}
    return {
        "searchableAttributes": list(_TOKENS),
        "displayedAttributes": ["id", "version"],
        "filterableAttributes": [
            {
                "attributePatterns": ["id", "lexicon", "vector_model", *_COUNTED],
                "features": {"facetSearch": False, "filter": equal},
            },
            {
                "attributePatterns": ["opens", "closes"],
                "features": {"facetSearch": False, "filter": ranged},
            },
        ],
        "sortableAttributes": ["opens", "closes", "published", "tie"],
        "rankingRules": [
            *("sort", "words", "typo", "proximity", "attributeRank", "wordPosition", "exactness"),
            "tie:asc",
        ],
        "localizedAttributes": [{"attributePatterns": ["tok_*"], "locales": ["eng"]}],
        "typoTolerance": {
            "enabled": True,
            "minWordSizeForTypos": {"oneTypo": 6, "twoTypos": 12},
            "disableOnNumbers": True,
        },
        "synonyms": _synonyms(),
        "faceting": {"maxValuesPerFacet": _MOST_VALUES},
        "pagination": {"maxTotalHits": 1_000_000},
        "facetSearch": False,
        "searchCutoffMs": 1_500,
    }


def rendered(document: SearchDocument) -> dict[str, Any]:
    """Return a listing as the server holds it."""
    names = [*document.keywords, document.owner_kana]
    spelled = [armour(hiragana(name)) for name in names if is_kana(name)]
    every = "\n".join(
        (document.title, *document.keywords, document.owner, document.summary, document.body)
    )
    return {
        "id": document.id,
        "version": document.version,
        "target": document.target,
        "tok_title": armoured_text(document.title),
        "tok_keywords": ". ".join(filter(None, map(armoured_text, document.keywords))),
        "tok_owner": armoured_text(document.owner),
        "tok_summary": armoured_text(document.summary),
        "tok_body": armoured_text(document.body),
        "tok_reading": " ".join([armoured_readings(every), *spelled]),
        "lexicon": sorted(lexicon_words(document)),
        "opens": opening(document),
        "closes": closing(document),
        "published": document.published_at,
        "tie": tie(document.id),
        "vector_model": document.vector_model,
        "_vectors": {_EMBEDDER: _embeddings(document)},
        **{field: list(values) for field, values in facet_values(document).items()},
    }


def _embeddings(document: SearchDocument) -> dict[str, Any] | None:
    """Return the vectors as the server takes them; left out, a listing would keep its old ones."""
    if not document.vectors:
        return None
    rows = [np.frombuffer(data, np.float16).tolist() for _, data in document.vectors]
    return {"embeddings": rows, "regenerate": False}


def query_text(text: str) -> str:
    """Return a query as opaque words; the space behind the last says that it is complete."""
    found = words(text)
    wanted = [word for word in found if not word.asking] or list(found)
    terms = [armour(term) for word in wanted for term in _terms(word)]
    return "".join(f"{term} " for term in terms[:_MOST_TERMS])


def filters(query: SearchQuery) -> dict[str, str]:
    """Return a filter expression for every facet in which something is chosen."""
    chosen = {**query.filters, "status": query.status}
    chosen["target"] = (query.target,) if query.target else ()
    return {
        field: (
            " OR ".join(f"({moment_filter(field, value, query.now)})" for value in values)
            if field in _MOMENTS
            else among(field, values)
        )
        for field, values in chosen.items()
        if values
    }


def moment_filter(field: str, value: str, now: int) -> str:
    """Return the filter of a value that is a matter of the clock."""
    return status_filter(value, now) if field == "status" else deadline_filter(value, now)


def status_filter(status: str, now: int) -> str:
    """Return the filter of a status as the clock of the query sees it."""
    known = {
        "open": f"opens <= {now} AND closes > {now}",
        "upcoming": f"opens > {now} AND closes > {now}",
        "closed": f"closes <= {now}",
    }
    return known.get(status, _NOTHING)


def deadline_filter(value: str, now: int) -> str:
    """Return the filter of what is open and closes within so many days, or never."""
    if value == NO_DEADLINE:
        return f"{status_filter('open', now)} AND closes >= {NEVER}"
    if value in DEADLINES:
        return f"{status_filter('open', now)} AND closes <= {now + DEADLINES[value] * DAY}"
    return _NOTHING


def among(field: str, values: Collection[str]) -> str:
    """Return the filter "field has one of the values"; values are quoted, never trusted."""
    return f"{field} IN [{', '.join(map(_quoted, values))}]"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _terms(word: Word) -> tuple[str, ...]:
    if word.in_kana and word.reading:
        return (word.reading,)
    return word.units if word.phrase else (word.form,)


def _synonyms() -> dict[str, list[str]]:
    return {
        " ".join(map(armour, terms)): [" ".join(map(armour, other.terms)) for other in others]
        for terms, others in PHRASES.synonyms.items()
    }


def _counts(answer: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = answer["facetDistribution"]
    return {field: dict(values) for field, values in found.items()}


def _size(answer: Mapping[str, Any]) -> int:
    """Return the exact number of matches: every listing has one target, and facets are exact."""
    return sum(_counts(answer).get("target", {}).values())


@contextmanager
def _edge() -> Iterator[None]:
    """Let nothing of the client through."""
    try:
        yield
    except (IndexBusy, IndexUnavailable):
        raise
    except (MeilisearchError, OSError) as error:
        raise IndexUnavailable(f"the search server failed: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise IndexUnavailable(f"the search server gave no sensible answer: {error!r}") from error
