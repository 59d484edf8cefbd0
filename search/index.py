"""The contract every search engine keeps, and the choice between the two."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from search.documents import SearchDocument
from search.embedding import Vectors
from search.query import SearchQuery


class IndexBusy(Exception):
    """Another writer holds the index; the same call may succeed later."""


class IndexUnavailable(Exception):
    """The index cannot answer: not built yet, built for other rules, or its engine is down."""


class DocumentsRefused(Exception):
    """The engine will not hold some of the listings; the others were written.

    `reasons` says why, by id.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key!r}: {reason}" for key, reason in reasons.items()))
        self.reasons = dict(reasons)


@dataclass(frozen=True, slots=True)
class Differences:
    """Listings (`call-12`) that are missing, that should not be there, that are out of date."""

    missing: frozenset[str] = frozenset()
    orphaned: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Every listing concerned."""
        return self.missing | self.orphaned | self.stale


def differences(wanted: Mapping[str, object], held: Mapping[str, object]) -> Differences:
    """Compare two mappings of listing -> version."""
    return Differences(
        missing=frozenset(wanted.keys() - held.keys()),
        orphaned=frozenset(held.keys() - wanted.keys()),
        stale=frozenset(key for key in wanted.keys() & held.keys() if wanted[key] != held[key]),
    )


@dataclass(frozen=True, slots=True)
class Hit:
    """One result. `score` is the share of what a listing with every word gets: 0 and more, rarely above 2.

    It compares hits of one search only, and is 0 when a date decides. `focus` is how much of the
    listing is said in sentences; see search.documents.focus.
    """

    id: str
    score: float
    focus: float = 1.0


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of hits, the exact number of all, and the counts beside each filter value.

    `facets` has one entry per facet, "status" and "target": value -> number of listings that
    would be found with this value chosen instead of what is chosen in the same facet now.
    Values nobody has are left out. Deadlines hold one another, so their counts do not add up.
    `unmet` are words, in their dictionary form, that no listing holds as typed, by sound or by a
    synonym; they may be slips.
    """

    hits: tuple[Hit, ...] = ()
    total: int = 0
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
    unmet: tuple[str, ...] = ()


class FreshIndex(Protocol):
    """An index being built beside the one in use."""

    refused: dict[str, str]
    """Why the engine will not hold some of the listings; complete when `versions` returns."""

    def apply(self, batch: Sequence[SearchDocument]) -> None:
        """Add documents; a later one replaces an earlier one of the same id."""
        ...

    def versions(self) -> dict[str, int]:
        """Return the version of everything added so far, read back from the engine."""
        ...


class SearchIndex(Protocol):
    """A searchable copy of the public listings. It may be dropped and rebuilt at any time."""

    def apply(self, upserts: Sequence[SearchDocument], deletes: Collection[str]) -> None:
        """Make the index hold `upserts` and lack `deletes`; durable and visible on return.

        Raises IndexBusy while another writer holds it, IndexUnavailable when it must be rebuilt,
        DocumentsRefused for those that the engine will not hold; the rest is written all the same.
        """
        ...

    def versions(self, ids: Collection[str] | None = None) -> dict[str, int]:
        """Return the version held of each id, of all when `ids` is None."""
        ...

    def drift(self, expected: Mapping[str, int], *, turn: int | None = None) -> Differences:
        """Compare what is held with the versions of everything that should be.

        An engine may read a large index by parts: then a listing that is out of date may need as
        many calls of different `turn` as there are parts, by default one an hour. What is missing
        or should not be there shows at once. Raises IndexUnavailable.
        """
        ...

    def search(self, query: SearchQuery) -> SearchResult:
        """Answer a query. Raises IndexUnavailable, never anything of the engine."""
        ...

    def lexicon(self) -> Mapping[str, int]:
        """Return "surface<tab>reading" -> number of listings, for the words of search.lexicon.

        It walks the whole vocabulary (tens of milliseconds for ten thousand listings): keep the
        answer. Raises IndexUnavailable.
        """
        ...

    def nearest(
        self, vector: Vectors, query: SearchQuery, limit: int, *, model: str
    ) -> tuple[Hit, ...]:
        """Return the listings nearest in meaning, best first, among those the query allows.

        Of the query only target, filters and status count. `vector` has unit length and comes
        from `model`; the score is a cosine, so it lies in [-1, 1]. Empty when the index holds no
        vectors of that model. Raises IndexUnavailable.
        """
        ...

    def ready(self) -> bool:
        """Tell whether the index can answer and was built for the rules of this program."""
        ...

    def rebuilding(self) -> AbstractContextManager[FreshIndex]:
        """Build a fresh index beside the one in use; a clean exit switches in one step.

        An error drops the fresh one and leaves the old one in use. Raises IndexBusy.
        """
        ...


def open_index(
    *, data_dir: Path, meili_url: str | None = None, meili_key: str | None = None, prefix: str = ""
) -> SearchIndex:
    """Return the Meilisearch index when a server is named, else the embedded one on disk.

    `prefix` keeps several installations apart on one server or in one folder.
    """
    if meili_url:
        from search.meilisearch import MeilisearchIndex

        return MeilisearchIndex(meili_url, meili_key, prefix=prefix)
    from search.embedded import EmbeddedIndex

    return EmbeddedIndex(data_dir / f"{prefix}index")
