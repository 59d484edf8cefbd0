"""Scoring many pairs of a market at once, in columns.

A pair's value is the same to the last bit whatever pairs it is scored with, and however the
market came about: products of texts are sums over the terms in common in the order of their
keys, everything else is done entry by entry. So one changed listing and a full re-scoring give
the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.matching import echoes, meaning, themes
from workers.matching.market import Market
from workers.matching.nearest import mixed
from workers.matching.score import CODES, barred, combine, fitted, meant, spoken
from workers.matching.segment import PARTS
from workers.matching.side import Side

Slots = NDArray[np.int64]
Column = NDArray[np.float64]

_BLOCK = 1 << 18  # pairs whose facts are compared at a time


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Scored pairs, one entry for each in every column; none that a gate keeps apart.

    `call`, `solution`, `town` and `firm` are ids, `original` is that of the call that stands for
    this one among its copies. `value` orders lists, `raw` is what it was calibrated from, `prose`
    the factor D E for bare lists of words and echoes; `tie` is a hash of both texts. `parts` holds
    the sub-scores by code, NaN where a side does not state it.
    """

    call: NDArray[np.int64]
    solution: NDArray[np.int64]
    town: NDArray[np.int64]
    firm: NDArray[np.int64]
    original: NDArray[np.int64]
    value: Column
    raw: Column
    prose: Column
    tie: NDArray[np.uint64]
    parts: dict[str, Column]

    def __len__(self) -> int:
        return len(self.call)

    def take(self, mask: NDArray[Any]) -> "Edges":
        """Return the pairs under a mask or at these positions."""
        columns = {own.name: getattr(self, own.name) for own in fields(self)}
        parts = {code: own[mask] for code, own in columns.pop("parts").items()}
        return Edges(parts=parts, **{name: own[mask] for name, own in columns.items()})

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a mapping for each pair, as plain numbers; None for a part not stated."""
        names = [own.name for own in fields(self) if own.name != "parts"]
        columns = [getattr(self, name).tolist() for name in names]
        parts = [[None if v != v else v for v in own.tolist()] for own in self.parts.values()]
        for values, own in zip(zip(*columns, strict=True), zip(*parts, strict=True), strict=True):
            row = dict(zip(names, values, strict=True))
            row["parts"] = dict(zip(self.parts, own, strict=True))
            yield row


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of a market's calls: those in the slots from `start` to before `end`."""

    start: int
    end: int


def shards(market: Market, count: int) -> list[Shard]:
    """Cut a market into about equal pieces of work, for `rescore` by several workers."""
    live = market.calls.live
    cuts = np.array_split(live, count) if len(live) else []
    return [Shard(int(own[0]), int(own[-1]) + 1) for own in cuts if len(own)]


def rescore(market: Market, shard: Shard) -> Edges:
    """Score all candidates of the calls of a shard."""
    slots = np.arange(shard.start, shard.end)
    calls = slots[market.calls.column("alive")[slots]]
    return score_slots(market, *market.slot_pairs(calls, np.zeros(0, np.int64)))


def score_pairs(market: Market, pairs: Iterable[tuple[int, int]]) -> Edges:
    """Score pairs (ids of call and solution) of a market; those not in it are left out."""
    known = [(c, s) for c, s in pairs if c in market.calls and s in market.solutions]
    calls = market.calls.slots(call for call, _ in known)
    return score_slots(market, calls, market.solutions.slots(solution for _, solution in known))


def score_slots(market: Market, calls: Slots, solutions: Slots) -> Edges:
    """Score pairs of slots of a market."""
    order = np.lexsort((solutions, calls))
    calls, solutions = calls[order], solutions[order]
    found = [
        _scored(market, calls[start : start + _BLOCK], solutions[start : start + _BLOCK])
        for start in range(0, max(len(calls), 1), _BLOCK)
    ]
    return found[0] if len(found) == 1 else _joined(found)


def _scored(market: Market, calls: Slots, solutions: Slots) -> Edges:
    own, other = market.calls, market.solutions
    rows, cols = own.column("traits")[calls], other.column("traits")[solutions]
    coded = own.coded(np.unique(rows)), other.coded(np.unique(cols))
    through = ~barred(*coded, rows, cols)
    calls, solutions, rows, cols = (one[through] for one in (calls, solutions, rows, cols))
    alike = themes.likenesses(
        own.spread(),
        other.spread(),
        own.column("themes")[calls],
        other.column("themes")[solutions],
    )
    products = [_products(market, part, calls, solutions) for part in range(len(PARTS))]
    values = {
        **spoken(**dict(zip(PARTS, products, strict=True))),
        "meaning": meant(_likenesses(market, calls, solutions), market.epoch),
        "themes": alike,
        **fitted(*coded, rows, cols),
    }
    prose = other.column("prose")[solutions]
    limits = _limits(market, values["text"], calls, solutions)
    scores = combine(values, prose, np.zeros(len(calls), bool), limits=limits)
    return Edges(
        call=own.column("id")[calls],
        solution=other.column("id")[solutions],
        town=own.column("owner")[calls],
        firm=other.column("owner")[solutions],
        original=own.column("id")[own.column("head")[calls]],
        value=scores.value,
        raw=scores.raw,
        prose=prose * scores.echo,
        tie=mixed(own.column("digest")[calls], other.column("digest")[solutions]),
        parts={code: values[code] for code in CODES},
    )


def _products(market: Market, part: int, calls: Slots, solutions: Slots) -> Column:
    """Return the products of a part of the vectors, NaN where a side has no term in it."""
    found = np.zeros(len(calls))
    dense = np.zeros(len(market.terms))
    for own, slot, other, slots, at in _by_listing(market, calls, solutions):
        numbers, values = own.row(slot).parts[part]
        if len(numbers):
            dense[numbers] = values
            found[at] = other.products(part, slots, dense)
            dense[numbers] = 0
    if part:
        silent = market.calls.lengths(part, calls) == 0
        silent |= market.solutions.lengths(part, solutions) == 0
        found[silent] = np.nan
    return found


def _likenesses(market: Market, calls: Slots, solutions: Slots) -> Column:
    """Return the likenesses of meanings, NaN where a side has none."""
    found = np.full(len(calls), np.nan)
    if market.epoch.frame is None:
        return found
    for own, slot, other, slots, at in _by_listing(market, calls, solutions):
        one = own.prepared(slot)
        if one is None:
            continue
        passages = other.passages(slots)
        sizes = np.diff(passages.ends)
        known = sizes > 0
        if known.any():
            found[at[known]] = meaning.compare(one, passages.rows, passages.weights, sizes[known])
    return found


def _limits(market: Market, texts: Column, calls: Slots, solutions: Slots) -> Column:
    """Return the limits that echoes set to r; `texts` tells how close the texts of the pairs are."""
    found = np.ones(len(calls))
    close = np.flatnonzero(texts >= echoes.CLOSE)
    for own, slot, other, slots, at in _by_listing(market, calls[close], solutions[close]):
        others = echoes.joined([other.shingles(one) for one in slots.tolist()])
        found[close[at]] = echoes.limits(own.shingles(slot), *others)
    return found


def _by_listing(
    market: Market, calls: Slots, solutions: Slots
) -> Iterator[tuple[Side, int, Side, Slots, Slots]]:
    """Yield the pairs listing by listing, of the side that has fewer different ones.

    That side and a slot of it, the other side and its slots, and which pairs these are.
    """
    few, many = (market.calls, calls), (market.solutions, solutions)
    if len(np.unique(solutions)) < len(np.unique(calls)):
        few, many = many, few
    order = np.argsort(few[1], kind="stable")
    different, starts = np.unique(few[1][order], return_index=True)
    for slot, at in zip(different.tolist(), np.split(order, starts[1:]), strict=False):
        yield few[0], slot, many[0], many[1][at], at


def _joined(found: list[Edges]) -> Edges:
    columns = {
        own.name: np.concatenate([getattr(one, own.name) for one in found])
        for own in fields(Edges)
        if own.name != "parts"
    }
    parts = {code: np.concatenate([one.parts[code] for one in found]) for code in CODES}
    return Edges(**columns, parts=parts)
