"""All lists of a side at once, by products of whole matrices."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sparse_dot_topn import sp_matmul_topn

from workers.matching.nearest import NOBODY, Nearest, Scores, Slots

if TYPE_CHECKING:
    from workers.matching.market import Link

_ROWS = 2048
_CELLS = 1 << 24
# Floors are guessed from one in so many; some more of the sample must lie above them.
_SAMPLED, _MARGIN = 16, 3


def sweep_texts(link: "Link") -> None:
    """Write the lists by text of all owners."""
    owners = np.flatnonzero(link.eligible)
    postings = link.members.postings
    nearest = link.nearest
    every = np.arange(link.members.size)
    for start in range(0, len(owners), _ROWS):
        own = owners[start : start + _ROWS]
        rows = link.owners.searched(own)
        width = max(rows.shape[1], postings.shape[0])
        rows.resize(rows.shape[0], width)
        if postings.shape[0] < width:
            postings.resize(width, postings.shape[1])
        best = sp_matmul_topn(rows, postings, top_n=nearest.width + 1, threshold=0.0, sort=True)
        for owner in write(nearest, own, *_table(best, nearest.width + 1)).tolist():
            scores = link.members.text_scores(link.owners.row(owner))
            nearest.fill(owner, every, np.where(link.members.canonical, scores, np.float32(0)))


def write(nearest: Nearest, owners: Slots, members: NDArray[np.int32], scores: Scores) -> Slots:
    """Write lists from their best members, one more than a list holds.

    Returns the owners whose lists could not be written: others may be as good as the last one.
    """
    width = nearest.width
    ties = nearest.tie(owners[:, None], np.maximum(members, 0))
    order = np.lexsort((ties, -scores), axis=-1)
    members = np.take_along_axis(members, order, axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    whole = members[:, width] == NOBODY
    unclear = ~whole & (scores[:, width - 1] == scores[:, width])
    nearest.set_all(owners, members[:, :width], scores[:, :width], whole)
    return np.asarray(owners[unclear], np.int64)


def _table(best: Any, width: int) -> tuple[NDArray[np.int32], Scores]:
    """Return the rows of a sparse matrix as a table, NOBODY and 0 in spare places."""
    sizes = np.diff(best.indptr)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    cols = np.arange(len(rows)) - np.repeat(best.indptr[:-1], sizes)
    members = np.full((len(sizes), width), NOBODY, np.int32)
    scores = np.zeros((len(sizes), width), np.float32)
    members[rows, cols] = best.indices[: len(rows)]
    scores[rows, cols] = best.data[: len(rows)]
    return members, scores


def sweep_gists(by_call: "Link", by_solution: "Link") -> None:
    """Write the lists by meaning of both sides from one product of all gists."""
    calls, call_slots = _gists(by_call.owners, by_call.eligible)
    solutions, solution_slots = _gists(by_call.members, by_call.members.canonical)
    for link in (by_call, by_solution):
        link.nearest.whole[:] = True
    if not len(calls) or not len(solutions):
        return
    voices = by_call.owners.canonical[call_slots]
    least = _floors(calls, solutions, by_call.nearest.width)
    floors = _floors(solutions, calls[voices], by_solution.nearest.width)
    hits: list[tuple[Slots, Slots, Scores]] = []
    step = max(_CELLS // len(solutions), 1)
    for start in range(0, len(calls), step):
        tile = calls[start : start + step] @ solutions.T
        own = least[start : start + step]
        rows, cols = np.nonzero(tile > own[:, None])
        _write_hits(
            by_call,
            call_slots[start : start + step],
            own,
            rows,
            solution_slots[cols],
            tile[rows, cols],
        )
        tile[~voices[start : start + step]] = 0
        rows, cols = np.nonzero(tile > floors)
        hits.append((cols, call_slots[rows + start], tile[rows, cols]))
    found = (np.concatenate(column) for column in zip(*hits, strict=True))
    _write_hits(by_solution, solution_slots, floors, *found)


def _floors(
    owners: NDArray[np.float32], members: NDArray[np.float32], width: int
) -> NDArray[np.float32]:
    """Return for every owner a score that some more members exceed than a list holds.

    Guessed from a sample; where it is guessed wrong, too few do.
    """
    sample = members[::_SAMPLED]
    rank = -(-width // _SAMPLED) + _MARGIN
    floors = np.zeros(len(owners), np.float32)
    if len(sample) <= rank:
        return floors
    step = max(_CELLS // len(sample), 1)
    for start in range(0, len(owners), step):
        tile = owners[start : start + step] @ sample.T
        floors[start : start + step] = np.partition(tile, -rank, axis=1)[:, -rank]
    return np.maximum(floors, 0)


def _write_hits(
    link: "Link", owners: Slots, floors: Scores, rows: Slots, members: Slots, scores: Scores
) -> None:
    """Write lists from all members above the floors: `rows` are positions of owners."""
    nearest = link.nearest
    ties = nearest.tie(owners[rows], members)
    order = np.lexsort((ties, -scores, rows))
    rows, members, scores = rows[order], members[order], scores[order]
    counts = np.bincount(rows, minlength=len(owners))
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = place < nearest.width
    table = np.full((len(owners), nearest.width), NOBODY, np.int32)
    values = np.zeros((len(owners), nearest.width), np.float32)
    table[rows[first], place[first]] = members[first]
    values[rows[first], place[first]] = scores[first]
    every = floors == 0
    nearest.set_all(owners, table, values, every & (counts <= nearest.width))
    voices = link.members.canonical
    for owner in owners[~every & (counts < nearest.width)].tolist():
        found = link.members.gist_scores(link.owners.prepared(owner))
        nearest.fill(owner, np.arange(len(found)), np.where(voices, found, np.float32(0)))


def _gists(side: Any, wanted: NDArray[np.bool_]) -> tuple[NDArray[np.float32], Slots]:
    """Return the gists of some posts and their slots."""
    matrix, slots = side.gists()
    kept = wanted[slots]
    return np.asarray(matrix[kept]), slots[kept]
