"""Text vectors of many listings as one sparse matrix: built once, then only read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sparse_dot_topn import sp_matmul_topn

from workers.matching.channels import NEED, Floats, Keys, channel_numbers
from workers.matching.epoch import Vector

# A sum taken in another order may be this much smaller.
_ROUNDING = 1 - 1e-5
_FEW = 8
_ARRAYS = ("keys", "values", "columns", "starts")


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One row per listing; column j belongs to keys[j] (sorted).

    The channels "need" and "wanted" take no part in the search for candidates and are left out.
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

    def nearest(self, vectors: Sequence[Vector], count: int) -> Iterator[tuple[int, int]]:
        """Yield (position of the vector, row) for the rows with the greatest text scores."""
        if len(vectors) > _FEW:  # one product for all; it transposes the rows first
            for position, row, _ in top_products(
                segment(vectors).over(self.keys), self.rows, count
            ):
                yield position, row
            return
        for position, vector in enumerate(vectors):
            scores = self.text_scores(vector)
            for row in np.argsort(-scores, kind="stable")[:count].tolist():
                yield position, row

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


def top_products(
    left: csr_matrix, right: csr_matrix, count: int
) -> Iterator[tuple[int, int, float]]:
    """Yield (row, column, reach) of the greatest products per row.

    The reach is the smallest of the row's products when there are `count` of them, else 0.
    """
    best = sp_matmul_topn(left, right.T.tocsr(), top_n=count, threshold=0.0)
    for row, (start, end) in enumerate(pairwise(best.indptr.tolist())):
        full = end - start == count
        reach = float(best.data[start:end].min()) * _ROUNDING if full else 0.0
        for column in best.indices[start:end].tolist():
            yield row, column, reach


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
    text = channel_numbers(vector.keys) < NEED
    return Vector(vector.keys[text], vector.values[text])
