"""One side of the market: all calls or all solutions, searchable, with their copies known."""

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.matching import segment as segments
from workers.matching.channels import Profile
from workers.matching.copies import COPY, canonical, copy_pairs, jaccard
from workers.matching.epoch import Epoch, Vector
from workers.matching.listing import Listing, read_traits
from workers.matching.segment import Segment

# A copy is always among the nearest texts of its own side.
_NEAREST = 200
_PROFILE_ARRAYS = ("keys", "counts", "shingles")


class Side:
    """Listings of one kind under an epoch.

    The bulk sits in a read-only base segment; what changed since in a small one that is built
    again when somebody asks.
    """

    def __init__(self, epoch: Epoch, listings: Iterable[Listing]) -> None:
        posts = sorted(listings, key=lambda listing: listing.id)
        self.epoch = epoch
        self.listings = {post.id: post for post in posts}
        self._base_ids = list(self.listings)
        self._base = segments.segment([epoch.vector(post.profile) for post in posts])
        pairs = copy_pairs([post.profile.shingles for post in posts])
        self._copies = {(self._base_ids[i], self._base_ids[j]) for i, j in pairs}
        self._changed: set[int] = set()
        self._tail: tuple[list[int], Segment] | None = None
        self._heads: dict[int, int] | None = None
        self._by_themes: dict[tuple[str, ...], list[Listing]] | None = None

    def put(self, *listings: Listing) -> None:
        """Add listings or replace those with their ids; cheaper together than one by one."""
        self.drop(*(listing.id for listing in listings))
        self._copies |= set(self._copies_of(listings))
        pairs = copy_pairs([listing.profile.shingles for listing in listings])
        self._copies |= {(listings[i].id, listings[j].id) for i, j in pairs}
        self.listings.update((listing.id, listing) for listing in listings)
        self._forget()

    def drop(self, *ids: int) -> None:
        """Take listings out; unknown ids are fine."""
        for id_ in ids:
            self.listings.pop(id_, None)
        self._changed.update(ids)
        self._copies = {(a, b) for a, b in self._copies if a not in ids and b not in ids}
        self._forget()

    @property
    def heads(self) -> dict[int, int]:
        """Return for every id the id of the post that stands for its offer."""
        if self._heads is None:
            ids = sorted(self.listings)
            row = {id_: i for i, id_ in enumerate(ids)}
            pairs = [(row[a], row[b]) for a, b in sorted(self._copies)]
            self._heads = canonical(ids, [self.listings[i].seniority for i in ids], pairs)
        return self._heads

    def is_head(self, id_: int) -> bool:
        """Tell whether a listing stands for its offer."""
        return self.heads[id_] == id_

    @property
    def by_themes(self) -> dict[tuple[str, ...], list[Listing]]:
        """Return the canonical posts grouped by their themes."""
        if self._by_themes is None:
            groups: dict[tuple[str, ...], list[Listing]] = {}
            for id_, post in self.listings.items():
                if self.is_head(id_):
                    groups.setdefault(post.themes, []).append(post)
            self._by_themes = groups
        return self._by_themes

    def text_scores(self, vector: Vector) -> dict[int, float]:
        """Return id -> text score for every listing that shares a term."""
        tail_ids, tail = self._current_tail()
        base = self._base.text_scores(vector)
        rows = np.flatnonzero(base > 0).tolist()
        found = {self._base_ids[row]: float(base[row]) for row in rows}
        for id_ in self._changed:
            found.pop(id_, None)
        for id_, value in zip(tail_ids, tail.text_scores(vector).tolist(), strict=True):
            if value > 0:
                found[id_] = value
        return found

    def nearest(self, vector: Vector, count: int) -> list[int]:
        """Return the ids with the greatest text scores, best first, ties by text."""
        return self.best(self.text_scores(vector), count)

    def best(
        self, scores: dict[int, float], count: int, wanted: Callable[[int], bool] | None = None
    ) -> list[int]:
        """Return the `count` ids with the greatest scores, best first, ties by text."""
        ids = filter(wanted, scores) if wanted else scores
        return heapq.nsmallest(
            count, ids, key=lambda id_: (-scores[id_], self.listings[id_].profile.digest)
        )

    def whole(self) -> tuple[list[int], Segment]:
        """Return all ids and one segment of them, changes merged in."""
        if not self._changed:
            return self._base_ids, self._base
        ids = sorted(self.listings)
        return ids, self._segment(ids)

    def save(self, folder: Path, prefix: str) -> None:
        """Write everything into an existing folder."""
        ids, part = self.whole()
        posts = [self.listings[id_] for id_ in ids]
        segments.save(part, folder, prefix)
        for name in _PROFILE_ARRAYS:
            arrays = [getattr(post.profile, name) for post in posts]
            np.save(folder / f"{prefix}-{name}-flat.npy", np.concatenate(arrays or [np.zeros(0)]))
            np.save(folder / f"{prefix}-{name}-ends.npy", np.cumsum([0, *map(len, arrays)]))
        rows = [
            [
                p.id,
                p.owner,
                p.since,
                p.profile.enumeration,
                type(p.traits).__name__,
                asdict(p.traits),
            ]
            for p in posts
        ]
        head = {"copies": sorted(self._copies), "listings": rows}
        (folder / f"{prefix}.json").write_text(json.dumps(head))

    @classmethod
    def load(cls, epoch: Epoch, folder: Path, prefix: str) -> "Side":
        """Map a saved side. Raises OSError, ValueError or KeyError when it is not whole."""
        head = json.loads((folder / f"{prefix}.json").read_text())
        arrays = [_slices(folder / f"{prefix}-{name}") for name in _PROFILE_ARRAYS]
        side = cls(epoch, ())
        for row, keys, counts, shingles in zip(head["listings"], *arrays, strict=True):
            id_, owner, since, enumeration, kind, values = row
            text = Profile(keys, counts, shingles, enumeration)
            side.listings[id_] = Listing(id_, owner, text, read_traits(kind, values), since)
        side._base_ids = list(side.listings)
        side._base = segments.load(folder, prefix)
        side._copies = {(a, b) for a, b in head["copies"]}
        return side

    def _forget(self) -> None:
        self._tail = self._heads = self._by_themes = None

    def _copies_of(self, listings: Sequence[Listing]) -> Iterator[tuple[int, int]]:
        """Yield (id here, id of the listing) for texts that are copies of one another."""
        vectors = [self.epoch.vector(post.profile) for post in listings]
        tail_ids, tail = self._current_tail()
        for ids, part, gone in ((self._base_ids, self._base, self._changed), (tail_ids, tail, ())):
            for position, row in part.nearest(vectors, _NEAREST):
                if ids[row] not in gone and self._alike(ids[row], listings[position]):
                    yield ids[row], listings[position].id

    def _alike(self, id_: int, other: Listing) -> bool:
        return jaccard(self.listings[id_].profile.shingles, other.profile.shingles) >= COPY

    def _current_tail(self) -> tuple[list[int], Segment]:
        if self._tail is None:
            ids = sorted(self._changed & self.listings.keys())
            self._tail = ids, self._segment(ids)
        return self._tail

    def _segment(self, ids: list[int]) -> Segment:
        return segments.segment([self.epoch.vector(self.listings[i].profile) for i in ids])


def _slices(stem: Path) -> Iterator[NDArray[Any]]:
    flat = np.load(f"{stem}-flat.npy", mmap_mode="r")
    ends = np.load(f"{stem}-ends.npy").tolist()
    return (flat[a:b] for a, b in pairwise(ends))
