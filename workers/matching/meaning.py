"""How close two listings are in meaning, whatever their words: late interaction of passages.

A model has turned a few passages of each listing into vectors. Raw cosines of a small model all
lie close together, calls sound like calls and solutions like solutions, and every notice has
passages that every other has too (eligibility, privacy). So an epoch freezes a frame:

    centred    each side's passages minus the mean passage of that side, at length one
    weight     of a passage: 1 / (1 + 20 h), h = share of its own side that says about the same
    together   a passage alone may be near to anything: it is read with half of its listing's mean
    likeness   weighted mean over the call's passages of the best cosine on the solution's side,
               and the reverse; half of each
    value      likeness / (99.5th percentile of it over pairs of the market), bent towards 1

Vectors of length one are rounded to whole numbers of a grid. Their products are then exact, so a
pair's likeness is the same to the last bit whatever else is compared with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.documents import SearchDocument
from search.passages import GIST, own_passages
from workers.matching.facts import CallFacts, Facts

Matrix = NDArray[np.float16]  # one row of length one for each passage, the gist first
Vector = NDArray[np.float32]
Column = NDArray[np.float64]
Rows = NDArray[np.int64]

_TOGETHER = 0.5  # how much of its listing's mean a passage is read with
_SAME = 0.4  # centred cosine of two passages that say about the same
_RECURS = 20.0  # a passage that a twentieth of its side repeats counts half
_SAMPLE = (150, 300)  # calls and solutions that a frame is measured on
_SCALE_QUANTILE = 0.995
# The scale of a market too small to measure its own, and how many pairs it counts for.
USUAL_SCALE, _USUAL_PAIRS = 0.40, 2000
_BATCH = 1000  # listings prepared at a time
_SMALL = 1 << 18  # multiplications that libraries do in one thread
GRID = 2048
ZERO = np.zeros(1, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """What an epoch knows of one side's passages.

    `mean` is their mean; `said` are those of a sample of listings, centred and on the grid, and `owners` tells
    which listing of the sample each of them belongs to (0 … n - 1).
    """

    mean: Vector
    said: Matrix
    owners: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The frame of reference of an epoch; `model` names what made the vectors."""

    model: str
    calls: Side
    solutions: Side
    scale: float = USUAL_SCALE


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A listing's passages in a frame, on the grid, and what each of them counts (> 0)."""

    rows: Matrix
    weights: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """Many listings' passages in a frame, end to end: those of i lie between two `ends`."""

    rows: Matrix
    weights: Vector
    ends: Rows

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, i: int) -> Prepared:
        own = slice(self.ends[i], self.ends[i + 1])
        return Prepared(self.rows[own], self.weights[own])


def texts(facts: Facts) -> tuple[str, ...]:
    """Return the passages to compare vectors of, the gist first: a listing's own words.

    They are those that search makes of the same texts, but for the names of places and themes:
    where a firm has its office is nothing for matching.
    """
    needs: tuple[str, ...]
    if isinstance(facts, CallFacts):
        needs = (facts.problem, facts.wanted, facts.vision, facts.details, facts.tried)
    else:
        needs = (facts.solves, facts.brings)
    found = own_passages(
        SearchDocument(
            id="",
            version=0,
            target="",
            title=facts.title,
            summary=facts.summary,
            body="",
            owner="",
            needs=needs,
        )
    )
    return (*found[GIST : GIST + 1], *found[:GIST], *found[GIST + 1 :])


def frame(calls: Sequence[Matrix], solutions: Sequence[Matrix], model: str) -> Frame | None:
    """Measure a market; None while a side has no vectors. The first of each side are the sample."""
    if not calls or not solutions:
        return None
    made = Frame(model, _side(calls, _SAMPLE[0]), _side(solutions, _SAMPLE[1]))
    left = [prepare(one, made.calls) for one in calls[: _SAMPLE[0]]]
    right = [prepare(one, made.solutions) for one in solutions[: _SAMPLE[1]]]
    rows, cols = (grid.ravel() for grid in np.indices((len(left), len(right))))
    found = likenesses(left, right, rows, cols)
    measured = float(np.quantile(found, _SCALE_QUANTILE))
    scale = (measured * len(found) + USUAL_SCALE * _USUAL_PAIRS) / (len(found) + _USUAL_PAIRS)
    return Frame(model, made.calls, made.solutions, round(scale, 6))


def prepare(matrix: Matrix, side: Side) -> Prepared:
    """Return a listing's vectors as its side's frame sees them."""
    return prepare_all([matrix], side)[0]


def prepare_all(matrices: Sequence[Matrix], side: Side) -> Passages:
    """Return the vectors of many listings as their side's frame sees them."""
    if not matrices:
        return Passages(np.zeros((0, len(side.mean)), np.float16), np.zeros(0, np.float32), ZERO)
    ends = np.cumsum([0, *map(len, matrices)])
    said = np.concatenate(matrices)
    rows = np.zeros(said.shape, np.float16)
    weights = np.zeros(len(said), np.float32)
    for first in range(0, len(matrices), _BATCH):
        own = ends[first : first + _BATCH + 1]
        part = slice(own[0], own[-1])
        rows[part], weights[part] = _prepared(said[part], np.diff(own), side)
    return Passages(rows, weights, ends)


def _prepared(said: Matrix, sizes: Rows, side: Side) -> tuple[Matrix, Vector]:
    rows = _unit(said.astype(np.float32) - side.mean)
    weights = (1 / (1 + _RECURS * _recurrence(rows, side))).astype(np.float32)
    starts = np.cumsum(sizes) - sizes
    means = np.zeros((len(sizes), rows.shape[1]), np.float32)
    for place in range(sizes.max()):
        here = np.flatnonzero(sizes > place)
        at = starts[here] + place
        means[here] += rows[at] * weights[at, np.newaxis]
    together = rows + _TOGETHER * np.repeat(_unit(means), sizes, axis=0)
    return on_grid(_unit(together)), weights


def likeness(call: Prepared, solution: Prepared) -> float:
    """Return how alike a call and a solution are: a mean of centred cosines, 0 = unrelated."""
    return float(compare(call, solution.rows, solution.weights, np.array([len(solution.rows)]))[0])


def likenesses(
    calls: Sequence[Prepared], solutions: Sequence[Prepared], rows: Rows, cols: Rows
) -> Column:
    """Return `likeness` for pairs: `calls[rows[i]]` with `solutions[cols[i]]`."""
    found = np.zeros(len(rows))
    order = np.argsort(rows, kind="stable")
    different, starts = np.unique(rows[order], return_index=True)
    for row, pairs in zip(different.tolist(), np.split(order, starts[1:]), strict=False):
        others = [solutions[col] for col in cols[pairs].tolist()]
        said = np.concatenate([one.rows for one in others])
        weights = np.concatenate([one.weights for one in others])
        sizes = np.array([len(one.rows) for one in others], np.int64)
        found[pairs] = compare(calls[row], said, weights, sizes)
    return found


def passage_cosines(call: Prepared, solution: Prepared) -> Column:
    """Return the centred cosine of every passage of a call with every one of a solution."""
    products = call.rows.astype(np.float32) @ solution.rows.astype(np.float32).T
    return products.astype(float) / GRID**2


def nearest(call: Prepared, solution: Prepared) -> list[tuple[int, int]]:
    """Return the pairs of passages by number, nearest first; what recurs everywhere comes late.

    The gist (0) is left out where there is more: it is a mixture.
    """
    cosines = passage_cosines(call, solution)
    counted = cosines * np.minimum.outer(call.weights, solution.weights)
    first = [min(1, len(one.rows) - 1) for one in (call, solution)]
    pairs = [
        (i, j)
        for i in range(first[0], len(call.rows))
        for j in range(first[1], len(solution.rows))
        if cosines[i, j] > 0
    ]
    return sorted(pairs, key=lambda pair: (-counted[pair], pair))


def compare(one: Prepared, rows: Matrix, weights: Vector, sizes: Rows) -> Column:
    """Return the likeness of a listing to each of many on the other side.

    `rows` and `weights` are those of the many end to end, `sizes` how many (> 0) each has. The
    rows are whole numbers of a grid, so their products are exact and the same in any batch.
    """
    cosines = _products(rows.astype(np.float32), one.rows.astype(np.float32)) * np.float32(GRID**-2)
    starts = np.cumsum(sizes) - sizes
    best = np.maximum.reduceat(cosines, starts, axis=0)
    own = np.repeat(one.weights[np.newaxis], len(sizes), axis=0)
    forth = _weighted(best, own, np.full(len(sizes), len(one.rows)))
    width = int(sizes.max())
    place = np.arange(len(rows)) - np.repeat(starts, sizes)
    listing = np.repeat(np.arange(len(sizes)), sizes)
    best, their = np.zeros((2, len(sizes), width), np.float32)
    best[listing, place] = cosines.max(axis=1)
    their[listing, place] = weights
    return (forth + _weighted(best, their, sizes)) / 2


def _products(many: Vector, few: Vector) -> Vector:
    """Return the products of all rows, piece by piece: threads cost more than they save here."""
    found = np.empty((len(many), len(few)), np.float32)
    step = max(_SMALL // few.size, 1)
    for start in range(0, len(many), step):
        np.matmul(many[start : start + step], few.T, out=found[start : start + step])
    return found


def _weighted(best: Vector, weights: Vector, sizes: Rows) -> Column:
    """Return the weighted mean of the first entries of every row, added up from left to right."""
    total = np.zeros(len(best))
    sum_ = np.zeros(len(best))
    for place in range(best.shape[1]):
        weight = np.where(sizes > place, weights[:, place], 0).astype(np.float64)
        sum_ = sum_ + best[:, place] * weight
        total = total + weight
    return sum_ / total


def _side(matrices: Sequence[Matrix], most: int) -> Side:
    mean = np.concatenate(matrices).astype(np.float64).mean(axis=0).astype(np.float32)
    sample = [_unit(one.astype(np.float32) - mean) for one in matrices[:most]]
    owners = np.repeat(np.arange(len(sample)), [len(one) for one in sample])
    return Side(mean, on_grid(np.concatenate(sample)), owners.astype(np.int32))


def _recurrence(rows: Vector, side: Side) -> Vector:
    """Return for each passage the share of the sample that says about the same.

    One listing is not counted: it may be this very one, and once is no habit.
    """
    count = int(side.owners[-1]) + 1
    products = on_grid(rows).astype(np.float32) @ side.said.astype(np.float32).T
    starts = np.searchsorted(side.owners, np.arange(count))
    heard = (np.maximum.reduceat(products, starts, axis=1) > _SAME * GRID**2).sum(axis=1)
    return np.asarray(np.maximum(heard - 1, 0) / max(count - 1, 1), np.float32)


def on_grid(rows: Vector) -> Matrix:
    """Return rows of length one as whole numbers of a grid: exact in half precision.

    Products of two are below 2**24 and so exact in single precision, in whatever order.
    """
    return np.rint(rows * GRID).astype(np.float16)


def _unit(rows: Vector) -> Vector:
    """Return the rows at length one; a row of zeros stays."""
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
