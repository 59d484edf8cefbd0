"""Echoes: a solution made of the call's own sentences says nothing of its own.

The share of a pair is that of the shorter text's five-letter pieces that stand in the other too.
Pairs written by different people share at most 0.051 of them (6,600 pairs of two labelled sets).
r may be at most 1 up to a share of 0.2; from there this limit falls in a straight line to 0.47 at
0.6, just below what a place may be reserved for. A limit and no factor: one sentence of the
call's, taken up in an answer, lowers nothing. It asks the same of both sides: a call written out
of one firm's leaflet is no reason to recommend that firm.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.matching.copies import Shingles

Column = NDArray[np.float64]

_FREE, _WHOLE = 0.2, 0.6
_LEAST = 0.47
_FEW = 60  # pieces: so short a text may say the same by chance
CLOSE = 0.4  # the value of the part "text" below which two texts are no echoes


def limits(one: Shingles, others: Shingles, sizes: NDArray[np.int64]) -> Column:
    """Return the limit of r for a text with each of several, given end to end, each of so many
    pieces."""
    if not len(one):
        return np.ones(len(sizes))
    at = np.minimum(np.searchsorted(one, others), len(one) - 1)
    hits = np.concatenate([[0], np.cumsum(one[at] == others)])
    ends = np.cumsum(sizes)
    smaller = np.minimum(sizes, len(one))
    share = (hits[ends] - hits[ends - sizes]) / np.maximum(smaller, 1)
    above = np.clip((share - _FREE) / (_WHOLE - _FREE), 0.0, 1.0)
    return np.where(smaller < _FEW, 1.0, 1 - (1 - _LEAST) * above)


def joined(texts: Sequence[Shingles]) -> tuple[Shingles, NDArray[np.int64]]:
    """Return texts end to end and their sizes, as `limits` takes them."""
    flat = np.concatenate(texts) if texts else np.zeros(0, np.uint32)
    return flat, np.array([len(text) for text in texts], np.int64)
