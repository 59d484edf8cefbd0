"""From scores to a list: order, cut, one place per firm and per offer.

A list is never padded: what lies below its cut is not shown. Equal scores are ordered by a hash
of the text, never by id or date.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

# The least value (on the published scale) for a place in a list.
CUT_SOLUTIONS = 0.40  # the solutions recommended to a call
CUT_CALLS = 0.35  # the calls recommended to a firm


@dataclass(frozen=True, slots=True)
class Place:
    """A scored pair as one place of a list.

    `id` is the listing shown, `owner` the firm or town behind it, `offer` the id of the post
    that stands for it among its copies (itself when it has none), `tie` the hash of its text.
    """

    id: int
    owner: int
    offer: int
    value: float
    tie: str


def ordered(places: Iterable[Place]) -> list[Place]:
    """Return all places, best first."""
    return sorted(places, key=lambda place: (-place.value, place.tie))


def solutions_shown(places: Iterable[Place], limit: int | None = None) -> list[Place]:
    """Return the list for a call: above the cut, one place per offer and one per firm."""
    return _limited(_first(_above(places, CUT_SOLUTIONS), by_owner=True), limit)


def calls_shown(places: Iterable[Place], limit: int | None = None) -> list[Place]:
    """Return the list for a firm: above the cut, one place per call however often posted.

    A town may hold several places: its calls are different needs.
    """
    return _limited(_first(_above(places, CUT_CALLS), by_owner=False), limit)


def full_order(places: Iterable[Place], cut: float, *, by_owner: bool) -> list[int]:
    """Return every id once: first the list as shown, then what it folded or cut away.

    For evaluation, where a list of twenty is wanted whatever the values.
    """
    every = ordered(places)
    shown = [place.id for place in _first(_above(every, cut), by_owner=by_owner)]
    return shown + [place.id for place in every if place.id not in set(shown)]


def _above(places: Iterable[Place], cut: float) -> list[Place]:
    return [place for place in ordered(places) if place.value >= cut]


def _first(places: Iterable[Place], *, by_owner: bool) -> Iterator[Place]:
    """Yield canonical posts only; with `by_owner` only the first of every owner."""
    owners: set[int] = set()
    for place in places:
        if place.id != place.offer or (by_owner and place.owner in owners):
            continue
        owners.add(place.owner)
        yield place


def _limited(places: Iterator[Place], limit: int | None) -> list[Place]:
    return list(islice(places, limit))
