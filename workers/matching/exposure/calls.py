"""The solutions recommended to calls."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from workers.matching.exposure.pairs import (
    RULES,
    Floats,
    How,
    Ints,
    Mask,
    Pairs,
    Placed,
    Rules,
    among,
    firsts,
    looked_up,
    lowest,
    placed,
    ranks,
)
from workers.matching.exposure.reserve import assign

_NONE: Mapping[int, float] = {}


def deal_calls(
    pairs: Pairs,
    *,
    lists: Collection[int] | Ints,
    shift: Mapping[int, float] = _NONE,
    debt: Mapping[int, float] = _NONE,
    offers: Mapping[int, float] | None = None,
    held: Iterable[tuple[int, int]] = (),
    placed_firms: Collection[int] | Ints = (),
    rules: Rules = RULES,
) -> list[Placed]:
    """Return the lists of these calls, list by list and best first.

    `shift` is how far each firm's value is moved (`steer`), `debt` what each firm is owed
    (`new_debt`; a firm not in it was never placed), `offers` the same for the canonical posts, or
    None between the weekly deals, when only firms may take a free reserve place. `held` are the
    reserve places (call, solution) of this week in these lists; they stay while their pair passes
    the gate. `placed_firms` hold a place in some other list, so they do not wait.

    With all calls, nothing held and nobody placed this is the weekly deal. What it promises:

    - Gate: a reserve place has value ≥ max(t, rho · lowest merit value of its list).
    - Floor: of the entitled firms without a merit place as many as possible win a reserve place,
      by greatest debt, then by greatest value. Unseen offers come after all firms, and before all
      offers that were seen.
    - Copies: posts that are not canonical change nothing; a firm has one place in a list.
    - Order: nobody in the first k − q places stands above a firm of the list whose value is
      greater by more than 2 · delta. So a list loses at most 2 · delta on each place, and 1 − rho
      of the value of the last q.
    - Monotony: with the shifts given, a greater value of one pair never lowers a place that the
      pair's firm holds in this list: not among the first k − q, nor one it won as a firm that
      waited. Whoever fills a free reserve place (among the last q) may lose it to one that waits.
    """
    wanted = (pairs.solution == pairs.offer) & (pairs.value >= rules.cut_call)
    rows = np.flatnonzero(wanted & among(pairs.call, lists))
    if not len(rows):
        return []
    field = _ordered(pairs.take(rows), shift, debt, rules)
    reserved = _held(field, held, rules)
    reserved = _firms(field, reserved, among(field.firms, placed_firms), rules)
    if offers is not None:
        reserved = _offers(field, reserved, offers, rules)
    return _lists(field, reserved, rules)


def entitled(pairs: Pairs, rules: Rules = RULES) -> set[int]:
    """Return the verified firms that are suitable somewhere with a canonical post."""
    suitable = (pairs.solution == pairs.offer) & (pairs.value >= rules.t) & pairs.entitled
    return set(np.unique(pairs.firm[suitable]).tolist())


@dataclass(frozen=True, slots=True)
class _Field:
    """Competing rows, best first within each call; `call` and `firm` count from 0.

    `best` marks the row by which a firm stands in a list, `rank` its place there by order alone.
    """

    pairs: Pairs
    calls: Ints
    firms: Ints
    call: Ints
    firm: Ints
    key: Floats
    owed: Floats
    best: Mask
    rank: Ints
    merit: Mask
    gate: Floats

    @property
    def code(self) -> Ints:
        """Number of each row's call and firm together."""
        code: Ints = self.call * len(self.firms) + self.firm
        return code


def _ordered(
    pairs: Pairs, shift: Mapping[int, float], debt: Mapping[int, float], rules: Rules
) -> _Field:
    calls, call = np.unique(pairs.call, return_inverse=True)
    firms, firm = np.unique(pairs.firm, return_inverse=True)
    owed = looked_up(debt, firms, rules.start)
    key = pairs.value + looked_up(shift, firms, 0.0)[firm] - _luck(pairs, call, firm, rules.luck)
    order = np.lexsort((pairs.solution, pairs.tie, -owed[firm], -key, call))
    pairs, call, firm, key = pairs.take(order), call[order], firm[order], key[order]
    best = firsts(call * len(firms) + firm)
    rank = np.full(len(pairs), len(pairs))
    rank[best] = ranks(call[best])
    merit = rank < rules.k - rules.q
    least = lowest(call[merit], pairs.value[merit], len(calls))
    gate = np.maximum(rules.t, rules.rho * least)
    return _Field(pairs, calls, firms, call, firm, key, owed, best, rank, merit, gate)


def _luck(pairs: Pairs, call: Ints, firm: Ints, sigma: float) -> Floats:
    """Return by how much the best of a firm's n near equal offers is better by chance alone.

    Near equal is within 3 sigma: the best of a hundred stands 2.5 above what they share.
    """
    if not sigma:
        return np.zeros(len(pairs))
    _, own = np.unique(call * (firm.max() + 1) + firm, return_inverse=True)
    best = -lowest(own, -pairs.value, own.max() + 1)
    n = np.bincount(own, pairs.value >= best[own] - 3 * sigma)[own]
    return np.where(n > 1, sigma * ndtri((n - 0.375) / (n + 0.25)), 0.0)


def _held(field: _Field, held: Iterable[tuple[int, int]], rules: Rules) -> Ints:
    """Return the rows of the reserve places that stay."""
    known = np.array(sorted(set(held)), np.int64).reshape(-1, 2)
    span = max(field.pairs.solution.max(), known[:, 1].max(initial=0)) + 1
    codes = field.pairs.call * span + field.pairs.solution
    passing = _passing(field) & np.isin(codes, known[:, 0] * span + known[:, 1])
    rows = np.flatnonzero(passing)
    rows = rows[firsts(field.code[rows])]
    return rows[ranks(field.call[rows]) < rules.q]


def _passing(field: _Field) -> Mask:
    """Mark the rows that may win a reserve place, were their firm or offer to wait."""
    suitable = field.pairs.entitled & (field.pairs.value >= field.gate[field.call])
    return suitable & ~np.isin(field.code, field.code[field.merit])


def _room(field: _Field, reserved: Ints, rules: Rules) -> Ints:
    return rules.q - np.bincount(field.call[reserved], minlength=len(field.calls))


def _firms(field: _Field, reserved: Ints, elsewhere: Mask, rules: Rules) -> Ints:
    """Add a reserve place for as many waiting firms as possible."""
    waiting = ~elsewhere
    waiting[field.firm[field.merit]] = False
    waiting[field.firm[reserved]] = False
    edges = np.flatnonzero(field.best & waiting[field.firm] & _passing(field))
    chosen = _assigned(field, edges, _room(field, reserved, rules), field.owed)
    return np.concatenate([reserved, chosen])


def _offers(field: _Field, reserved: Ints, debt: Mapping[int, float], rules: Rules) -> Ints:
    """Add unseen offers of firms already placed: in turns, so that every firm's first comes first.

    Those that are owed nothing were seen: they get what all others have left.
    """
    solutions, solution = np.unique(field.pairs.solution, return_inverse=True)
    owed = looked_up(debt, solutions, rules.start)
    seen = np.zeros(len(solutions), bool)
    seen[solution[field.merit]] = seen[solution[reserved]] = True
    used = np.zeros(len(field.calls), np.int64)
    edges = np.flatnonzero(_passing(field))
    edges = edges[np.lexsort((edges, -owed[solution[edges]]))]  # who is owed most stands first
    turns = np.zeros(len(field.firms), np.int64)
    unseen = owed[solution[edges]] > 0
    for waiting in (edges[unseen], edges[~unseen]):
        for _ in range(rules.turns):
            room = np.minimum(_room(field, reserved, rules), rules.offers - used)
            taken = np.isin(field.code[waiting], field.code[reserved])
            free = (room[field.call[waiting]] > 0) & (turns[field.firm[waiting]] < rules.turns)
            waiting = waiting[~seen[solution[waiting]] & ~taken & free]
            each = waiting[firsts(field.code[waiting])]
            most = np.zeros(len(field.firms))
            np.maximum.at(most, field.firm[each], owed[solution[each]])
            chosen = _assigned(field, each, room, most)
            if not len(chosen):
                break
            seen[solution[chosen]] = True
            used[field.call[chosen]] += 1
            turns[field.firm[chosen]] += 1
            reserved = np.concatenate([reserved, chosen])
    return reserved


def _assigned(field: _Field, edges: Ints, room: Ints, owed: Floats) -> Ints:
    pairs = field.pairs
    return edges[
        assign(
            field.firm[edges], field.call[edges], pairs.value[edges], pairs.tie[edges], room, owed
        )
    ]


def _lists(field: _Field, reserved: Ints, rules: Rules) -> list[Placed]:
    """Fill what the reserve left, put everything in order, and say how each place was won."""
    room = rules.k - np.bincount(field.call[reserved], minlength=len(field.calls))
    others = np.flatnonzero(field.best & ~np.isin(field.code, field.code[reserved]))
    others = others[ranks(field.call[others]) < room[field.call[others]]]
    rows = np.sort(np.concatenate([others, reserved]))  # the field is in order already
    pairs = field.pairs.take(rows)
    how = np.where(np.isin(rows, reserved), 2, np.isin(rows, others[_raised(field)[others]]))
    names: tuple[How, ...] = ("merit", "turn", "reserve")
    return placed(
        pairs, pairs.call, ranks(field.call[rows]), (names[code] for code in how.tolist())
    )


def _raised(field: _Field) -> Mask:
    """Mark the rows that stand higher than by value alone."""
    pairs = field.pairs
    if np.array_equal(field.key, pairs.value):
        return np.zeros(len(pairs), bool)
    rows = np.flatnonzero(field.best)
    owed = field.owed[field.firm[rows]]
    keys = (pairs.solution[rows], pairs.tie[rows], -owed, -pairs.value[rows], field.call[rows])
    plain = rows[np.lexsort(keys)]
    rank = field.rank.copy()
    rank[plain] = ranks(field.call[plain])
    return field.rank < rank
