"""Vectors of many listings as sparse rows and, the other way round, as postings of terms.

Terms are numbered once for both sides of a market. A row keeps the order of its keys, so that a
product of two rows is always the same sum in the same order, whichever way it is taken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from workers.matching.channels import CHANNELS, NEED, WANTED, Floats, Keys, channel_numbers
from workers.matching.epoch import Epoch, Vector

Numbers = NDArray[np.int32]

# What is compared: all channels of the whole text as one, then need and wanted, each its own.
PARTS = ("text", "need", "wanted")
_PART_OF_CHANNEL = np.array([{NEED: 1, WANTED: 2}.get(n, 0) for n in range(len(CHANNELS))])
# Words, pairs and characters that stand in more than a tenth of one side, and in more than
# 500 listings, take no part in the search for candidates; in the score they do.
_CROWD_SHARE, _CROWD = 0.1, 500
_MAY_CROWD = tuple(CHANNELS.index(name) for name in ("words", "pairs", "characters"))
_ARRAYS = ("values", "terms", "ends")
_BATCH = 2000  # rows put together at a time


class Terms:
    """The numbers of terms: those of the epoch first, others as they come."""

    def __init__(self, epoch: Epoch, others: Sequence[int] = ()) -> None:
        self._keys = epoch.keys
        self._others = {int(key): len(epoch.keys) + i for i, key in enumerate(others)}
        share = max(_CROWD_SHARE, _CROWD / max(epoch.calls + epoch.solutions, 1))
        may = np.isin(channel_numbers(epoch.keys), _MAY_CROWD)
        self._searched = ~(may & (epoch.rarities < -np.log(share)))

    def __len__(self) -> int:
        return len(self._keys) + len(self._others)

    @property
    def others(self) -> list[int]:
        """Return the keys that the epoch does not know, by number."""
        return list(self._others)

    def numbers(self, keys: Keys) -> Numbers:
        """Return the number of every key."""
        at = np.searchsorted(self._keys, keys)
        if len(self._keys):
            at[at == len(self._keys)] = 0
            new = np.flatnonzero(self._keys[at] != keys)
        else:
            new = np.arange(len(keys))
        for i in new.tolist():
            at[i] = self._others.setdefault(int(keys[i]), len(self))
        return at.astype(np.int32)

    def searched(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Tell which terms take part in the search for candidates."""
        found = np.ones(len(numbers), bool)
        known = numbers < len(self._searched)
        found[known] = self._searched[numbers[known]]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One listing: for every part the numbers of its terms and their values."""

    parts: tuple[tuple[Numbers, Floats], ...]

    @classmethod
    def of(cls, vector: Vector, terms: Terms) -> "Row":
        """Return the row of a vector."""
        numbers = terms.numbers(vector.keys)
        part = _PART_OF_CHANNEL[channel_numbers(vector.keys)]
        cells = [part == i for i in range(len(PARTS))]
        return cls(tuple((numbers[own], vector.values[own]) for own in cells))

    def query(self, terms: Terms) -> tuple[Numbers, Floats]:
        """Return what is searched for: the terms of the text that are not everywhere."""
        numbers, values = self.parts[0]
        wanted = terms.searched(numbers)
        return numbers[wanted], values[wanted]


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Rows of listings by part, and the postings of the terms that are searched for."""

    parts: tuple[csr_matrix, ...]
    postings: csr_matrix

    def __len__(self) -> int:
        return int(self.postings.shape[1])

    def searched(self, terms: Terms) -> csr_matrix:
        """Return the text rows without the terms that take no part in the search."""
        return without(self.parts[0], terms)

    def save(self, folder: Path, prefix: str) -> None:
        """Write the arrays into an existing folder, one file each."""
        for name, rows in zip((*PARTS, "postings"), (*self.parts, self.postings), strict=True):
            for kind, array in zip(_ARRAYS, (rows.data, rows.indices, rows.indptr), strict=True):
                np.save(folder / f"{prefix}-{name}-{kind}.npy", array)

    @classmethod
    def load(cls, folder: Path, prefix: str, width: int) -> "Segment":
        """Map a saved segment. Raises OSError or ValueError when it is not whole."""
        found = []
        for name in (*PARTS, "postings"):
            arrays = [
                np.load(folder / f"{prefix}-{name}-{kind}.npy", mmap_mode="r") for kind in _ARRAYS
            ]
            found.append(tuple(arrays))
        count = len(found[0][2]) - 1
        parts = tuple(csr_matrix(own, shape=(count, width), copy=False) for own in found[:-1])
        postings = found[-1]
        shape = (len(postings[2]) - 1, count)
        return cls(parts, csr_matrix(postings, shape=shape, copy=False))


def segment(rows: Iterable[Row], terms: Terms) -> Segment:
    """Build a segment, one row for each listing in the order given."""
    waiting = iter(rows)
    pieces: list[list[csr_matrix]] = [[] for _ in PARTS]
    while found := list(islice(waiting, _BATCH)):
        for i, own in enumerate(pieces):
            own.append(sparse([row.parts[i] for row in found], len(terms)))
    parts = tuple(_stacked(own, len(terms)) for own in pieces)
    return Segment(parts, without(parts[0], terms).T.tocsr())


def _stacked(pieces: Sequence[csr_matrix], width: int) -> csr_matrix:
    """Return the rows of matrices one after another."""
    if not pieces:
        return sparse([], width)
    sizes = np.concatenate([np.diff(own.indptr) for own in pieces])
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    values, numbers = (
        np.concatenate([getattr(own, name) for own in pieces]) for name in ("data", "indices")
    )
    return csr_matrix((values, numbers, ends), shape=(len(sizes), width))


def sparse(rows: Sequence[tuple[Numbers, Floats]], width: int) -> csr_matrix:
    """Return rows of (terms, values) as a matrix."""
    ends = np.cumsum([0, *(len(numbers) for numbers, _ in rows)])
    numbers = np.concatenate([own for own, _ in rows] or [np.zeros(0, np.int32)])
    values = np.concatenate([own for _, own in rows] or [np.zeros(0, np.float32)])
    return csr_matrix((values, numbers, ends.astype(np.int32)), shape=(len(rows), width))


def without(rows: csr_matrix, terms: Terms) -> csr_matrix:
    """Return rows without the terms that take no part in the search."""
    kept = terms.searched(rows.indices)
    ends = np.concatenate([[0], np.cumsum(kept)])[rows.indptr].astype(np.int32)
    return csr_matrix((rows.data[kept], rows.indices[kept], ends), shape=rows.shape)
