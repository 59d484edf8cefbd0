"""What goes in and what comes out: scored pairs, the rules of dealing, places."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
How = Literal["merit", "turn", "reserve"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers of dealing, the same for everybody and printed on the public page.

    Raises ValueError when the reserve leaves no place to merit.
    """

    k: int = 10  # places in a list
    q: int = 2  # of these the last, kept for the reserve
    rho: float = 0.7  # a reserve place needs this share of the lowest merit value of its list
    t: float = 0.53  # a pair is suitable from this value on
    delta: float = 0.0  # the dial: how far the order may be moved, up or down
    gamma: float = 0.5  # exposure is owed in proportion to merit to this power
    cut_call: float = 0.40  # the least value shown to a call
    cut_firm: float = 0.35  # the least value shown to a firm
    floor: int = 5  # firms that every call reaches
    capacity: int = 100  # lists that a town's calls may be in, for each of its open calls
    offers: int = 1  # reserve places of a list that unseen offers of firms already shown may use
    turns: int = 3  # such places that one firm may win in one deal
    luck: float = 0.0  # noise of a value, for the best-of-n correction; 0 is off
    rounds: int = 25  # of steering
    start: float = 1.0  # what a firm never placed is owed

    def __post_init__(self) -> None:
        if not 0 <= self.q < self.k:
            raise ValueError("the reserve must leave a place to merit")


RULES = Rules()


@dataclass(frozen=True, slots=True)
class Pairs:
    """Scored pairs as columns of one length, at most one row for a call and a solution.

    `offer` is the post that stands for a solution among its copies, `original` the call that
    stands for a call among its copies; both are themselves when there is no copy. `value` is the
    published value, 0 to 1. `tie` is a hash of the two texts. `entitled` tells whether the firm
    is verified and may win reserve places.
    """

    call: Ints
    solution: Ints
    firm: Ints
    town: Ints
    offer: Ints
    original: Ints
    value: Floats
    tie: NDArray[np.uint64]
    entitled: Mask

    def __len__(self) -> int:
        return len(self.call)

    def take(self, rows: NDArray[Any]) -> "Pairs":
        """Return the rows at these positions, or under this mask."""
        return Pairs(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Placed:
    """One place: which pair stands where in which list, and how the place was won.

    `list` is the call or the firm the list is made for, `rank` counts from 1. Won by `merit`; by
    `turn` when the dial moved it up among near ties; by `reserve` when it is suitable and its firm
    (in the list of a firm: its call) had not been shown enough.
    """

    list: int
    rank: int
    call: int
    solution: int
    firm: int
    value: float
    how: How


def looked_up(found: Mapping[int, float], ids: Ints, default: float) -> Floats:
    """Return the number of each id."""
    return np.array([found.get(id_, default) for id_ in ids.tolist()], float)


def among(ids: Ints, wanted: Collection[int] | Ints) -> Mask:
    """Tell which ids are wanted."""
    return np.isin(ids, np.fromiter(wanted, np.int64, len(wanted)))


def firsts(codes: Ints) -> Mask:
    """Mark the first row of each code."""
    mask = np.zeros(len(codes), bool)
    mask[np.unique(codes, return_index=True)[1]] = True
    return mask


def ranks(groups: Ints) -> Ints:
    """Return the place of every row within its group, from 0; groups stand together."""
    if not len(groups):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(groups)]]))
    return np.arange(len(groups)) - np.repeat(starts, lengths)


def lowest(groups: Ints, values: Floats, size: int) -> Floats:
    """Return the least value of each group; infinite where it has none."""
    found = np.full(size, np.inf)
    np.minimum.at(found, groups, values)
    return found


def placed(pairs: Pairs, lists: Ints, rank: Ints, how: Iterable[How]) -> list[Placed]:
    """Return rows as places; ranks count from 0 here."""
    columns = (lists, rank + 1, pairs.call, pairs.solution, pairs.firm, pairs.value)
    rows = zip(*(column.tolist() for column in columns), how, strict=True)
    return [Placed(*row) for row in rows]
