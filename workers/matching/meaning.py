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

Vectors are prepared listing by listing and pairs compared shape by shape, so a pair's likeness is
the same to the last bit whatever else is compared with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from search.documents import SearchDocument
from search.passages import GIST, passages
from workers.matching.facts import CallFacts, Facts

Matrix = NDArray[np.float16]  # one row of length one for each passage, the gist first
Vector = NDArray[np.float32]
Column = NDArray[np.float64]
Rows = NDArray[np.int64]

MOST_ROWS = 6
_TOGETHER = 0.5  # how much of its listing's mean a passage is read with
_SAME = 0.4  # centred cosine of two passages that say about the same
_RECURS = 20.0  # a passage that a twentieth of its side repeats counts half
_SAMPLE = (150, 300)  # calls and solutions that a frame is measured on
_SCALE_QUANTILE = 0.995
# The scale of a market too small to measure its own, and how many pairs it counts for.
USUAL_SCALE, _USUAL_PAIRS = 0.40, 2000
_CHUNK = 512  # pairs compared at a time: their vectors stay in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """What an epoch knows of one side's passages.

    `mean` is their mean; `said` are those of a sample of listings, centred, and `starts` tells
    where the passages of each listing of the sample begin.
    """

    mean: Vector
    said: Vector
    starts: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The frame of reference of an epoch; `model` names what made the vectors."""

    model: str
    calls: Side
    solutions: Side
    scale: float = USUAL_SCALE


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A listing's passages in a frame, and what each of them counts (> 0)."""

    rows: Matrix
    weights: Vector


def texts(facts: Facts) -> tuple[str, ...]:
    """Return the passages to make vectors of, the gist first, at most MOST_ROWS.

    They are those that search makes of the same texts, but for the names of places and themes:
    where a firm has its office is nothing for matching.
    """
    needs: tuple[str, ...]
    if isinstance(facts, CallFacts):
        needs = (facts.problem, facts.wanted, facts.vision, facts.details, facts.tried)
    else:
        needs = (facts.solves, facts.brings)
    found = passages(
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
    )[:MOST_ROWS]
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
    rows = _unit(matrix.astype(np.float32) - side.mean)
    weights = (1 / (1 + _RECURS * _recurrence(rows, side))).astype(np.float32)
    mean = np.zeros(rows.shape[1], np.float32)
    for row, weight in zip(rows, weights, strict=True):
        mean = mean + row * weight
    together = _unit(rows + _TOGETHER * _unit(mean[np.newaxis]))
    return Prepared(together.astype(np.float16), weights)


def likeness(call: Prepared, solution: Prepared) -> float:
    """Return how alike a call and a solution are: a mean of centred cosines, 0 = unrelated."""
    one = np.zeros(1, np.int64)
    return float(likenesses([call], [solution], one, one)[0])


def likenesses(
    calls: Sequence[Prepared], solutions: Sequence[Prepared], rows: Rows, cols: Rows
) -> Column:
    """Return `likeness` for pairs: `calls[rows[i]]` with `solutions[cols[i]]`."""
    found = np.zeros(len(rows))
    left, heights, row_places = _by_height(calls)
    right, widths, col_places = _by_height(solutions)
    for height, width in product(left, right):
        own = np.flatnonzero((heights[rows] == height) & (widths[cols] == width))
        a, b = left[height], right[width]
        for start in range(0, len(own), _CHUNK):
            part = own[start : start + _CHUNK]
            found[part] = _compared(a, b, row_places[rows[part]], col_places[cols[part]])
    return found


_Stack = tuple[Vector, Vector]  # rows and weights of listings with the same number of passages


def _by_height(listings: Sequence[Prepared]) -> tuple[dict[int, _Stack], Rows, Rows]:
    """Return listings stacked by their number of passages; each one's number and its place."""
    heights = np.array([len(one.rows) for one in listings], np.int64)
    places = np.zeros(len(listings), np.int64)
    stacks: dict[int, _Stack] = {}
    for height in np.unique(heights).tolist():
        own = np.flatnonzero(heights == height)
        places[own] = np.arange(len(own))
        members = [listings[i] for i in own.tolist()]
        stacks[height] = (
            np.stack([one.rows for one in members]).astype(np.float32),
            np.stack([one.weights for one in members]),
        )
    return stacks, heights, places


def nearest(call: Prepared, solution: Prepared) -> list[tuple[int, int]]:
    """Return the pairs of passages by number, nearest first; what recurs everywhere comes late.

    The gist (0) is left out where there is more: it is a mixture.
    """
    cosines = (call.rows.astype(np.float32) @ solution.rows.astype(np.float32).T).astype(float)
    counted = cosines * np.minimum.outer(call.weights, solution.weights)
    first = [min(1, len(one.rows) - 1) for one in (call, solution)]
    pairs = [
        (i, j)
        for i in range(first[0], len(call.rows))
        for j in range(first[1], len(solution.rows))
        if cosines[i, j] > 0
    ]
    return sorted(pairs, key=lambda pair: (-counted[pair], pair))


def _compared(left: _Stack, right: _Stack, rows: Rows, cols: Rows) -> Column:
    """Return the likeness of pairs that all have the same numbers of passages.

    Each pair is a product of its own, always of the same shape: no other pair can touch its bits.
    """
    cosines = left[0][rows] @ right[0][cols].transpose(0, 2, 1)
    forth = _weighted(cosines.max(axis=2), left[1][rows])
    back = _weighted(cosines.max(axis=1), right[1][cols])
    return (forth + back) / 2


def _weighted(best: Vector, weights: Vector) -> Column:
    """Return the weighted mean of every row, added up from left to right."""
    total = np.zeros(len(best))
    sum_ = np.zeros(len(best))
    for own, weight in zip(best.T.astype(np.float64), weights.T.astype(np.float64), strict=True):
        sum_ = sum_ + own * weight
        total = total + weight
    return sum_ / total


def _side(matrices: Sequence[Matrix], most: int) -> Side:
    mean = np.concatenate(matrices).astype(np.float64).mean(axis=0).astype(np.float32)
    sample = [_unit(one.astype(np.float32) - mean) for one in matrices[:most]]
    starts = np.cumsum([0, *map(len, sample[:-1])])
    return Side(mean, np.concatenate(sample), starts.astype(np.int64))


def _recurrence(rows: Vector, side: Side) -> Vector:
    """Return for each passage the share of the sample that says about the same.

    One listing is not counted: it may be this very one, and once is no habit.
    """
    same = rows @ side.said.T > _SAME
    heard = np.logical_or.reduceat(same, side.starts, axis=1).sum(axis=1)
    others = max(len(side.starts) - 1, 1)
    return np.asarray(np.maximum(heard - 1, 0) / others, np.float32)


def _unit(rows: Vector) -> Vector:
    """Return the rows at length one; a row of zeros stays."""
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
