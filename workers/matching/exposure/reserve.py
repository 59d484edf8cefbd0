"""Dealing the reserve exactly: as many as possible are served, and among those ways the best."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from workers.matching.exposure.pairs import Floats, Ints

# Costs are whole millionths, so that sums are exact and equal costs are equal.
_UNIT = 1_000_000
_OUT, _DEBT = 1_000, 0.1


def assign(
    party: Ints, group: Ints, value: Floats, tie: NDArray[np.uint64], room: Ints, owed: Floats
) -> Ints:
    """Return the positions of the chosen edges: at most one of each party, `room` of each group.

    A minimum-cost maximum matching. An edge costs 2 − value; a party that stays out costs
    1,000 · (1 + owed / 10), or more in markets where thousands wait, so no sum of values outweighs
    serving one more. `room` is indexed by group, `owed` by party; a party has at most one edge to
    a group.
    """
    open_ = np.flatnonzero(room[group] > 0)
    if not len(open_):
        return open_
    parties, row = _renumbered(party[open_], tie[open_])
    groups, column = _renumbered(group[open_], tie[open_])
    seats = np.minimum(room[groups], np.bincount(column))
    first = np.cumsum(seats) - seats
    # Every seat of a group is a column; staying out is a column of one's own.
    copies = seats[column]
    edge = np.repeat(np.arange(len(open_)), copies)
    nth = np.arange(len(edge)) - np.repeat(np.cumsum(copies) - copies, copies)
    n, m = len(parties), int(seats.sum())
    out = np.rint(max(_OUT, n + 1) * (1 + _DEBT * owed[parties]) * _UNIT)
    costs = 2 * _UNIT - np.rint(value[open_] * _UNIT)
    graph = csr_matrix(
        (
            np.concatenate([costs[edge], out]),
            (
                np.concatenate([row[edge], np.arange(n)]),
                np.concatenate([first[column[edge]] + nth, m + np.arange(n)]),
            ),
        ),
        shape=(n, m + n),
    )
    graph.sort_indices()
    rows, columns = min_weight_full_bipartite_matching(graph)
    inside = columns < m
    taken = np.repeat(np.arange(len(groups)), seats)[columns[inside]]
    codes = row * len(groups) + column
    return open_[np.isin(codes, rows[inside] * len(groups) + taken)]


def _renumbered(ids: Ints, tie: NDArray[np.uint64]) -> tuple[Ints, Ints]:
    """Return the distinct ids in the order of their texts, and each row's place among them.

    Of several best ways the solver finds one by the order it is given: here no number decides.
    """
    distinct, place = np.unique(ids, return_inverse=True)
    least = np.full(len(distinct), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, place, tie)
    order = np.argsort(least, kind="stable")
    new = np.empty(len(order), np.int64)
    new[order] = np.arange(len(order))
    return distinct[order], new[place]
