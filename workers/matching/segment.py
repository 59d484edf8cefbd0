"""Text vectors of many listings as one sparse matrix: built once, then only read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from workers.matching.channels import NEED, Floats, Keys, channel_numbers
from workers.matching.epoch import Vector

_ARRAYS = ("keys", "values", "columns", "starts")


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One row per listing; column j belongs to keys[j] (sorted).

    The "need" channel takes no part in the search for candidates and is left out.
    """

    keys: Keys
    rows: csr_matrix

    def text_scores(self, vector: Vector) -> NDArray[np.float32]:
        """Return for every row the sum over channels of share * cosine / scale."""
        count: int = self.rows.shape[0]
        if not len(self.keys) or not len(vector.keys):
            return np.zeros(count, np.float32)
        at = np.searchsorted(self.keys, vector.keys)
        at[at == len(self.keys)] = 0
        same = self.keys[at] == vector.keys
        query = np.zeros(len(self.keys), np.float32)
        query[at[same]] = vector.values[same]
        scores: NDArray[np.float32] = self.rows @ query
        return scores

    def over(self, keys: Keys) -> csr_matrix:
        """Return the rows over other columns; terms that those lack are dropped."""
        at = np.searchsorted(keys, self.keys)
        at[at == len(keys)] = 0
        known = np.flatnonzero(keys[at] == self.keys) if len(keys) else np.zeros(0, np.int64)
        shape = (len(self.keys), len(keys))
        moves = csr_matrix((np.ones(len(known), np.float32), (known, at[known])), shape=shape)
        return (self.rows @ moves).tocsr()


def segment(vectors: Sequence[Vector]) -> Segment:
    """Build a segment, one row per vector in the order given."""
    texts = [_text_part(vector) for vector in vectors]
    if not texts:
        return Segment(np.zeros(0, np.uint64), csr_matrix((0, 0), dtype=np.float32))
    keys, columns = np.unique(np.concatenate([text.keys for text in texts]), return_inverse=True)
    starts = np.cumsum([0, *(len(text.keys) for text in texts)])
    values: Floats = np.concatenate([text.values for text in texts])
    shape = (len(texts), len(keys))
    return Segment(keys, csr_matrix((values, columns.astype(np.int32), starts), shape=shape))


def save(part: Segment, folder: Path, prefix: str) -> None:
    """Write the arrays into an existing folder, one file each."""
    arrays = (part.keys, part.rows.data, part.rows.indices, part.rows.indptr)
    for name, array in zip(_ARRAYS, arrays, strict=True):
        np.save(folder / f"{prefix}-{name}.npy", array)


def load(folder: Path, prefix: str) -> Segment:
    """Map a saved segment from disk. Raises OSError or ValueError when it is not whole."""
    keys, values, columns, starts = (
        np.load(folder / f"{prefix}-{name}.npy", mmap_mode="r") for name in _ARRAYS
    )
    shape = (len(starts) - 1, len(keys))
    return Segment(keys, csr_matrix((values, columns, starts), shape=shape, copy=False))


def _text_part(vector: Vector) -> Vector:
    text = channel_numbers(vector.keys) != NEED
    return Vector(vector.keys[text], vector.values[text])
