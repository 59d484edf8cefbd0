"""Lists: best first, never padded, one place per firm and offer."""

import random

from hypothesis import given
from hypothesis import strategies as st

from workers.matching.rank import (
    CUT_CALLS,
    CUT_SOLUTIONS,
    Place,
    calls_shown,
    full_order,
    ordered,
    solutions_shown,
)


def place(id_: int, value: float, *, owner: int = 0, offer: int = 0, tie: str = "") -> Place:
    return Place(id_, owner or id_, offer or id_, value, tie or str(id_))


def ids(places: list[Place]) -> list[int]:
    return [found.id for found in places]


def test_best_first_and_equal_values_by_text() -> None:
    places = [place(1, 0.5, tie="b"), place(2, 0.9), place(3, 0.5, tie="a")]
    assert ids(ordered(places)) == [2, 3, 1]


def test_nothing_below_the_cut() -> None:
    places = [place(1, CUT_SOLUTIONS), place(2, CUT_SOLUTIONS - 1e-9), place(3, CUT_CALLS)]
    assert ids(solutions_shown(places)) == [1]
    assert ids(calls_shown(places)) == [1, 2, 3]
    assert solutions_shown([]) == []


def test_one_place_per_firm_but_not_per_town() -> None:
    places = [place(1, 0.9, owner=7), place(2, 0.8, owner=7), place(3, 0.7)]
    assert ids(solutions_shown(places)) == [1, 3]
    assert ids(calls_shown(places)) == [1, 2, 3]


def test_an_offer_has_its_canonical_post_alone() -> None:
    places = [place(1, 0.9, offer=2), place(2, 0.8), place(3, 0.7, offer=2)]
    assert ids(solutions_shown(places)) == [2]
    assert ids(calls_shown(places)) == [2]


def test_a_limit_cuts_after_folding() -> None:
    places = [place(1, 0.9, owner=7), place(2, 0.8, owner=7), place(3, 0.7), place(4, 0.6)]
    assert ids(solutions_shown(places, limit=2)) == [1, 3]


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([0.1, 0.4, 0.5, 0.9])), max_size=12),
    st.integers(),
)
def test_order_of_rows_does_not_matter_and_the_full_order_is_complete(
    rows: list[tuple[int, float]], seed: int
) -> None:
    places = [place(i + 1, value, owner=owner) for i, (owner, value) in enumerate(rows)]
    mixed = random.Random(seed).sample(places, len(places))
    assert solutions_shown(mixed) == solutions_shown(places)
    complete = full_order(mixed, CUT_SOLUTIONS, by_owner=True)
    assert sorted(complete) == sorted(ids(places))
    assert complete[: len(solutions_shown(places))] == ids(solutions_shown(places))
    assert complete == full_order(places, CUT_SOLUTIONS, by_owner=True)
