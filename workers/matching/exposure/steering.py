"""What carries over: shifts from night to night, debts from week to week."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from workers.matching.exposure.pairs import RULES, Pairs, Rules, firsts, looked_up, lowest, ranks

_RATE = 0.2
_MOST = 1.5  # of a logarithm: one round does not answer the greatest gaps at once
_SOFT = 0.3
_DEBT = (0.0, 9.0)
_WEEK, _LIST = 0.5, 1.0


def steer(pairs: Pairs, previous: Mapping[int, float], rules: Rules = RULES) -> dict[int, float]:
    """Return how far the values of each firm are moved, within ± delta.

    Exposure is owed in proportion to a firm's merit (its best value above t in every call, added
    up) to the power gamma; firms with less are raised and firms with more are lowered, in rounds
    from yesterday's shifts. A night moves a shift by at most delta / 4. While the dial is at 0
    nobody is moved.
    """
    if not rules.delta:
        return {}
    rows = (pairs.solution == pairs.offer) & (pairs.value >= rules.cut_call)
    part = pairs.take(np.flatnonzero(rows))
    firms, firm = np.unique(part.firm, return_inverse=True)
    calls, call = np.unique(part.call, return_inverse=True)
    order = np.lexsort((part.solution, part.tie, -part.value, call))
    order = order[firsts((call * len(firms) + firm)[order])]
    call, firm, value = call[order], firm[order], part.value[order]
    merit = np.bincount(firm, np.maximum(value - rules.t, 0), len(firms)) ** rules.gamma
    # Only who is within reach of the first k places can be in a list, whatever the shifts.
    last = lowest(call, np.where(ranks(call) < rules.k, value, np.inf), len(calls))
    near = value >= last[call] - 2 * rules.delta
    call, firm, value = call[near], firm[near], value[near]
    weight = 1 / np.log2(2 + np.arange(rules.k))
    start = looked_up(previous, firms, 0.0)
    shift, total = start.copy(), np.zeros(len(firms))
    kept = range(rules.rounds // 2, rules.rounds)
    for turn in range(rules.rounds):
        moved = np.lexsort((-(value + shift[firm]), call))
        rank = ranks(call[moved])
        shown = rank < rules.k
        exposure = np.bincount(firm[moved[shown]], weight[rank[shown]], len(firms))
        target = merit * (exposure.sum() / max(merit.sum(), 1e-12))
        gap = np.clip(np.log((target + _SOFT) / (exposure + _SOFT)), -_MOST, _MOST)
        shift = np.clip(shift + _RATE * rules.delta * gap, -rules.delta, rules.delta)
        if turn in kept:
            total += shift
    step = rules.delta / 4
    found = start + np.clip(total / len(kept) - start, -step, step)
    found = np.clip(found, -rules.delta, rules.delta)
    return dict(zip(firms.tolist(), found.tolist(), strict=True))


def new_debt(
    debt: Mapping[int, float],
    entitled: Collection[int],
    appearances: Mapping[int, int],
    rules: Rules = RULES,
) -> dict[int, float]:
    """Return what each firm (or each offer) is owed after a week.

    Half a list for a week it was entitled, less the lists it appeared in; never below 0 nor
    above 9. Who was never placed starts from rules.start.
    """
    least, most = _DEBT
    found = {}
    for id_ in {*debt, *entitled, *appearances}:
        earned = _WEEK if id_ in entitled else 0.0
        left = debt.get(id_, rules.start) + earned - _LIST * appearances.get(id_, 0)
        found[id_] = min(max(left, least), most)
    return found


def loss(values: Sequence[float], merit_values: Sequence[float]) -> float:
    """Return which share of its value a list lost against the list by merit alone.

    Both best rank first; a place counts 1 / log2(1 + rank), the attention it gets.
    """
    before = _attended(merit_values)
    return 1 - _attended(values) / before if before else 0.0


def _attended(values: Sequence[float]) -> float:
    return math.fsum(value / math.log2(2 + rank) for rank, value in enumerate(values))
