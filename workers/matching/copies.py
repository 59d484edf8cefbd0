"""Recognising copies: posts that are nearly the same text are one offer.

Two texts are copies when their sets of five-letter pieces overlap by a Jaccard index of 0.4 or
more; chains of copies join. The oldest post of an offer is its canonical post and stands for all.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

COPY = 0.4

Shingles = NDArray[np.uint32]
_BLOCK = 512


def jaccard(a: Shingles, b: Shingles) -> float:
    """Return the Jaccard index of two sorted, unique arrays; 0 when both are empty."""
    common = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - common
    return common / union if union else 0.0


def copy_pairs(texts: Sequence[Shingles]) -> list[tuple[int, int]]:
    """Return the positions (i < j) of all pairs of copies, by one sparse product in blocks."""
    matrix = _matrix(texts)
    sizes = np.diff(matrix.indptr)
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(texts), _BLOCK):
        overlap = (matrix[start : start + _BLOCK] @ matrix.T).tocoo()
        rows, cols, common = overlap.row + start, overlap.col, overlap.data
        alike = (rows < cols) & (common >= COPY * (sizes[rows] + sizes[cols] - common))
        pairs.extend(zip(rows[alike].tolist(), cols[alike].tolist(), strict=True))
    return pairs


def canonical(
    ids: Sequence[int], seniority: Sequence[tuple[int, str]], pairs: Iterable[tuple[int, int]]
) -> dict[int, int]:
    """Map every id to the id that stands for its offer.

    `pairs` are positions in `ids`. The canonical post is the one with the smallest seniority:
    (first published, hash of the text).
    """
    parent = list(range(len(ids)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs:
        a, b = sorted((root(i), root(j)), key=lambda k: (*seniority[k], ids[k]))
        parent[b] = a
    return {ids[i]: ids[root(i)] for i in range(len(ids))}


def _matrix(texts: Sequence[Shingles]) -> csr_matrix:
    """Return one row of ones per text over the pieces that at least two texts share."""
    sizes = [len(text) for text in texts]
    flat = np.concatenate(texts) if texts else np.zeros(0, np.uint32)
    pieces, columns = np.unique(flat, return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    ones = np.ones(len(flat), np.int32)
    return csr_matrix((ones, columns, starts), shape=(len(texts), len(pieces)))
