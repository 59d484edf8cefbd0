"""How alike the themes of two listings are."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

# No theme at all: it says that nothing fitted, which two listings do not have in common.
_NO_THEME = "other"
_FINER_SHARE = 0.5
_LEAST_RARITY = 0.1


def rarity(listings: Iterable[tuple[str, ...]]) -> dict[str, float]:
    """Return log((N + 1) / df) for every theme in use, level-1 keys and finer ones alike."""
    themes = [set(spread(own)) for own in listings]
    found = Counter(theme for own in themes for theme in own)
    return {theme: math.log((len(themes) + 1) / df) for theme, df in sorted(found.items())}


def spread(themes: Iterable[str]) -> dict[str, float]:
    """Return theme -> weight: a finer theme ("childcare.birth") also names its parent."""
    weights: dict[str, float] = {}
    for theme in themes:
        parent = theme.partition(".")[0]
        if parent == _NO_THEME:
            continue
        weights[parent] = 1.0
        if theme != parent:
            weights[theme] = _FINER_SHARE
    return weights


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The themes of many listings as rows: their `numbers`, their `sizes` (0 in spare places).

    `norms` are the lengths of the rows, 0 for a listing that names no theme.
    """

    numbers: NDArray[np.int64]
    sizes: NDArray[np.float64]
    norms: NDArray[np.float64]


def spread_all(
    listings: Sequence[Iterable[str]], rarities: Mapping[str, float], unseen: float, spare: int
) -> Spread:
    """Return the themes of many listings for `likenesses`.

    `unseen` is the rarity of a theme that nobody used when `rarities` was counted. `spare` is a
    negative number for the places left over, another one for each side.
    """
    rows = [sorted(spread(own).items()) for own in listings]
    width = max(map(len, rows), default=0)
    numbers = np.full((len(rows), width), spare, np.int64)
    sizes = np.zeros((len(rows), width))
    for i, row in enumerate(rows):
        for j, (theme, weight) in enumerate(row):
            numbers[i, j] = _number(theme)
            sizes[i, j] = weight * max(rarities.get(theme, unseen), _LEAST_RARITY)
    squares = np.zeros(len(rows))
    for j in range(width):
        squares = squares + sizes[:, j] * sizes[:, j]
    return Spread(numbers, sizes, np.sqrt(squares))


def likenesses(
    a: Spread, b: Spread, rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return 3/4 cosine + 1/4 "any in common" (0..1); NaN where a side names no theme."""
    dot = np.zeros(len(rows))
    left = [(a.numbers[rows, i], a.sizes[rows, i]) for i in range(a.numbers.shape[1])]
    right = [(b.numbers[cols, j], b.sizes[cols, j]) for j in range(b.numbers.shape[1])]
    for (one, size), (other, other_size) in product(left, right):
        dot = dot + np.where(one == other, size * other_size, 0.0)
    norms = a.norms[rows] * b.norms[cols]
    cosine = dot / np.where(norms > 0, norms, 1.0)
    like = np.where(dot > 0, np.minimum(0.75 * cosine + 0.25, 1.0), 0.0)
    return np.where(norms > 0, like, np.nan)


def likeness(
    a: Iterable[str], b: Iterable[str], rarities: Mapping[str, float], unseen: float
) -> float | None:
    """Return `likenesses` for one pair, None when a side names no theme."""
    one = np.zeros(1, np.int64)
    left, right = (spread_all([own], rarities, unseen, -i) for i, own in enumerate((a, b), 1))
    found = float(likenesses(left, right, one, one)[0])
    return None if math.isnan(found) else found


@lru_cache(maxsize=4096)
def _number(theme: str) -> int:
    """Return a number of 60 bits for a theme: no list of all themes has to be kept."""
    return int.from_bytes(hashlib.blake2b(theme.encode(), digest_size=8).digest()) >> 4
