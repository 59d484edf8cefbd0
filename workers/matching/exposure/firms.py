"""The calls recommended to firms: the same three steps with the roles exchanged."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

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

_NONE: Mapping[int, int] = {}


def deal_firms(
    pairs: Pairs,
    *,
    lists: Collection[int] | Ints,
    reached: Mapping[int, int] = _NONE,
    capacity: Mapping[int, int] = _NONE,
    rules: Rules = RULES,
) -> list[Placed]:
    """Return the lists of these firms, list by list and best first.

    A list names a call once, however often it was posted, with the firm's best solution for it.
    `reached` is in how many lists of verified firms, not among `lists`, each call is. `capacity`
    is how many of `lists` the calls of a town may enter: none of a paused one, `floor` for each
    call of an overloaded one, rules.capacity where nothing is said.

    - Gate: a reserve place has value ≥ max(t, rho · lowest merit value of its list).
    - Floor: calls with fewer than `floor` verified firms by merit win reserve places, one more
      each round, those that lack most first; each round serves as many as possible, exactly.
    - Capacity: holds always. The places of greatest value stay, each call's first `floor` before
      any other, and a list takes its next call for the place it loses.
    - Loss: at most 1 − rho of the value of the last q places, capacity aside.
    """
    part = pairs.take(np.flatnonzero(among(pairs.firm, lists)))
    part = part.take(_standing(part))
    part = part.take(part.value >= rules.cut_firm)
    if not len(part):
        return []
    field = _within(_ordered(part, reached, capacity, rules), rules)
    return _lists(field, _floor(field, rules), rules)


def _standing(pairs: Pairs) -> Mask:
    """Mark for each firm the rows of its canonical posts with canonical calls.

    A copy stands only where what it copies has no row: a firm that sells what another posted first
    gets its list all the same, and the copy of a call that has closed stands for it.
    """
    post = _copied(pairs.solution != pairs.offer, pairs.firm, pairs.offer)
    return ~(post | _copied(pairs.call != pairs.original, pairs.firm, pairs.original))


def _copied(copy: Mask, firm: Ints, of: Ints) -> Mask:
    """Mark the copies of which the firm has a row with the original."""
    found = copy.copy()
    if copy.any():
        codes = firm * (of.max() + 1) + of
        found[copy] = np.isin(codes[copy], codes[~copy])
    return found


@dataclass(frozen=True, slots=True)
class _Field:
    """One row for a firm and a call, best first within each firm; all but `pairs` count from 0.

    `call` joins copies. `reached` is by call, `left` (lists that a town may enter) by town.
    """

    pairs: Pairs
    firm: Ints
    call: Ints
    town: Ints
    reached: Ints
    left: Ints

    @property
    def rank(self) -> Ints:
        return ranks(self.firm)

    def take(self, rows: Mask) -> "_Field":
        """Return some rows."""
        columns = (self.firm[rows], self.call[rows], self.town[rows])
        return _Field(self.pairs.take(rows), *columns, self.reached, self.left)


def _ordered(
    pairs: Pairs, reached: Mapping[int, int], capacity: Mapping[int, int], rules: Rules
) -> _Field:
    """Keep each firm's best pair with each call, copied calls joined."""
    _, firm = np.unique(pairs.firm, return_inverse=True)
    originals, call = np.unique(pairs.original, return_inverse=True)
    towns, town = np.unique(pairs.town, return_inverse=True)
    posts, at = np.unique(pairs.call, return_index=True)
    count = np.zeros(len(originals), np.int64)
    np.add.at(count, call[at], looked_up(reached, posts, 0).astype(np.int64))
    left = looked_up(capacity, towns, rules.capacity).astype(np.int64)
    code = firm * len(originals) + call
    order = np.lexsort((pairs.call, pairs.solution, pairs.tie, -pairs.value, code))
    order = order[np.diff(code[order], prepend=-1) > 0]
    # Of equal calls the one that fewer firms see comes first.
    shown = (pairs.call, pairs.tie, count[call], -pairs.value, firm)
    order = order[np.lexsort([key[order] for key in shown])]
    taken = (firm[order], call[order], town[order])
    return _Field(pairs.take(order), *taken, count, left)


def _within(field: _Field, rules: Rules) -> _Field:
    """Take out the rows for which their towns have no capacity.

    Every list asks for its best k, every town keeps the best it can take, and who was refused
    asks the next: repeated until nobody is refused. The outcome does not depend on the order.
    """
    field, left = field.take(field.left[field.town] > 0), field.left
    lacking = np.maximum(rules.floor - field.reached, 0)
    posted = firsts(field.town * len(field.reached) + field.call)
    kept = np.bincount(field.town[posted], lacking[field.call[posted]], len(left)).astype(np.int64)
    first = np.minimum(left, kept)  # for the floors of its calls; the rest is for anybody
    ends = np.cumsum(np.bincount(field.firm))
    asked = np.concatenate([[0], ends[:-1]])  # where each list asks next
    asks = np.full(len(ends), rules.k)
    asking = np.zeros(0, np.int64)
    stays = np.ones(len(field.pairs), bool)
    while asks.any():
        more = np.minimum(asks, ends - asked)
        nth = np.arange(more.sum()) - np.repeat(np.cumsum(more) - more, more)
        asking = np.concatenate([asking, np.repeat(asked, more) + nth])
        asked += more
        full = np.bincount(field.town[asking], minlength=len(left)) > left
        tried = asking[full[field.town[asking]]]
        low = _rank_by_value(field, tried, field.call) >= lacking[field.call[tried]]
        room = np.where(low, (left - first)[field.town[tried]], first[field.town[tried]])
        refused = tried[_rank_by_value(field, tried, 2 * field.town, low) >= room]
        stays[refused] = False
        asking = asking[stays[asking]]
        asks = np.bincount(field.firm[refused], minlength=len(ends))
    return field.take(stays)


def _rank_by_value(field: _Field, rows: Ints, group: Ints, part: Mask | None = None) -> Ints:
    """Return the place of each of the rows in its group (and part of it), best first."""
    pairs = field.pairs
    code = group[rows] if part is None else group[rows] + part
    order = np.lexsort((pairs.firm[rows], pairs.tie[rows], -pairs.value[rows], code))
    found = np.empty(len(rows), np.int64)
    found[order] = ranks(code[order])
    return found


def _floor(field: _Field, rules: Rules) -> Ints:
    """Return the rows of the reserve places, which go to calls that too few firms see."""
    pairs, rank = field.pairs, field.rank
    merit = rank < rules.k - rules.q
    size = len(field.reached)
    count = field.reached + np.bincount(field.call[merit & pairs.entitled], minlength=size)
    least = lowest(field.firm[merit], pairs.value[merit], field.firm.max(initial=0) + 1)
    gate: Floats = np.maximum(rules.t, rules.rho * least)
    edges = np.flatnonzero(~merit & pairs.entitled & (pairs.value >= gate[field.firm]))
    room = np.full(len(least), rules.q)
    spare = field.left - np.bincount(field.town[rank < rules.k], minlength=len(field.left))
    reserved = edges[:0]
    for _ in range(rules.floor):
        lacking = np.maximum(rules.floor - count, 0)
        edges = edges[(lacking[field.call[edges]] > 0) & ~np.isin(edges, reserved)]
        able = edges[(rank[edges] < rules.k) | _bearable(field, edges, lacking, spare)]
        call, firm, asked = field.call[able], field.firm[able], pairs.take(able)
        owed = lacking.astype(float)
        chosen = able[assign(call, firm, asked.value, asked.tie, room, owed)]
        if not len(chosen):
            break
        count += np.bincount(field.call[chosen], minlength=size)
        room -= np.bincount(field.firm[chosen], minlength=len(room))
        spare -= np.bincount(field.town[chosen[rank[chosen] >= rules.k]], minlength=len(spare))
        reserved = np.concatenate([reserved, chosen])
    return reserved


def _bearable(field: _Field, edges: Ints, lacking: Ints, spare: Ints) -> Mask:
    """Mark the edges whose towns can bear one more list of this call in a round.

    A town that cannot for all its calls does it for those that lack most.
    """
    town, call = field.town[edges], field.call[edges]
    order = np.lexsort((field.pairs.tie[edges], -lacking[call], town))
    order = order[firsts((town * len(lacking) + call)[order])]
    able = order[ranks(town[order]) < spare[town[order]]]
    mask: Mask = np.isin(town * len(lacking) + call, (town * len(lacking) + call)[able])
    return mask


def _lists(field: _Field, reserved: Ints, rules: Rules) -> list[Placed]:
    won = np.zeros(len(field.pairs), bool)
    won[reserved] = True
    room = rules.k - np.bincount(field.firm[reserved], minlength=field.firm.max(initial=0) + 1)
    others = np.flatnonzero(~won)
    others = others[ranks(field.firm[others]) < room[field.firm[others]]]
    rows = np.sort(np.concatenate([others, reserved]))
    pairs = field.pairs.take(rows)
    how: list[How] = ["reserve" if row else "merit" for row in won[rows].tolist()]
    return placed(pairs, pairs.firm, ranks(field.firm[rows]), how)
