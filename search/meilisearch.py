"""Search by a Meilisearch server: the same contract as the embedded index.

All language work is done here; the server receives opaque words (see search.armour) and plain
values, and does filters, counts, order and paging.

One index per installation and per rules of analysis, named by both. While a fresh one is built,
its name is the writers' lock: it can be made only once, and changes wait until it is gone. Beside
it lies an index of one listing, the canary: a server that cuts or respells its words is refused
before it is asked anything else.
"""

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from search.analysis import ANALYSIS_VERSION
from search.armour import ARMOUR_VERSION, EVERY, armour, spelled
from search.documents import SearchDocument, bucket
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
from search.meili_filters import all_of, among, narrowing
from search.meili_rows import EMBEDDER, fitting, rendered, rows_of, settings
from search.meili_search import Search, counts
from search.meili_server import Refused, Row, Server, Task
from search.query import SearchQuery

SCHEMA_VERSION = 4
# Listings, or bytes, of one task while everything is built anew.
_BULK, _BULK_BYTES = 2_000, 16_000_000
_IDS = 500
_ABANDONED_SECONDS = 900
_NO_SUCH_VECTORS = ("invalid_search_embedder", "invalid_vector_dimensions")
_FEW = 20_000  # listings that are compared one by one without another thought
_TURNS = 16
_TURN_SECONDS = 3_600


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
            rows, unfit = rows_of(fitting(self._server, self.uid, upserts))
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
            held = counts(self._server.search([asked])[0]).get("bucket", {})
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
            return Search(self._server, self.uid, query).result()

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
            return counts(self._server.search([asked])[0]).get("lexicon", {})

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
        self._server.add(self._canary, rows_of([CANARY])[0])
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
            rows, unfit = rows_of(fitting(self._server, self._uid, batch))
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


@contextmanager
def _edge() -> Iterator[None]:
    """Let nothing of the server through."""
    try:
        yield
    except Refused as refusal:
        raise IndexUnavailable(f"the search server refused: {refusal}") from refusal
    except (KeyError, TypeError) as error:
        raise IndexUnavailable(f"the search server gave no sensible answer: {error!r}") from error
