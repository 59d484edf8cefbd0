"""Shifts from night to night, debts from week to week."""

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.matching.markets import DIAL, RULES, Row, joined, markets, pairs_of
from workers.matching.exposure import Pairs, deal_calls, new_debt, steer

previous = st.dictionaries(st.integers(1, 8), st.floats(-0.04, 0.04))


@given(markets(), previous)
def test_a_night_moves_a_shift_by_a_quarter_of_the_dial(
    pairs: Pairs, before: dict[int, float]
) -> None:
    found = steer(pairs, before, DIAL)
    for firm, shift in found.items():
        assert abs(shift) <= DIAL.delta
        assert abs(shift - before.get(firm, 0.0)) <= DIAL.delta / 4 + 1e-12
    assert steer(pairs, before, RULES) == {}


@given(markets(copies=False), st.integers(1, 3))
def test_posts_that_are_copies_and_the_order_of_rows_steer_nothing(
    pairs: Pairs, times: int
) -> None:
    clones = [
        replace(pairs, solution=pairs.solution + 1_000 * n, firm=pairs.firm + 20 * n)
        for n in range(1, times + 1)
    ]
    expected = steer(pairs, {}, DIAL)
    assert steer(joined(*clones, pairs), {}, DIAL) == expected
    assert steer(pairs.take(np.arange(len(pairs))[::-1]), {}, DIAL) == expected


def test_the_dial_levels_a_small_head_start_night_by_night() -> None:
    """Ten firms compete for four places of every call; firm 0 writes a little better."""
    chance = np.random.default_rng(4).uniform(0, 0.06, (40, 10))
    chance[:, 0] += 0.02
    rows = [
        Row(call + 1, 100 + firm, firm, 0.6 + chance[call, firm])
        for call in range(40)
        for firm in range(10)
    ]
    pairs = pairs_of(rows)
    shift: dict[int, float] = {}
    for _ in range(12):
        shift = steer(pairs, shift, DIAL)
    assert shift[0] < min(shift[firm] for firm in range(1, 10))
    lists = set(range(1, 41))
    plain = Counter(p.firm for p in deal_calls(pairs, lists=lists, rules=RULES))
    moved = Counter(p.firm for p in deal_calls(pairs, lists=lists, shift=shift, rules=DIAL))
    assert max(moved.values()) - min(moved.values()) < max(plain.values()) - min(plain.values())


def test_debts_grow_by_half_a_week_and_fall_by_one_a_list() -> None:
    debt = new_debt({1: 2.0, 2: 0.5, 3: 8.9, 4: 3.0}, {1, 2, 3, 5}, {2: 4, 4: 1, 6: 1})
    assert debt == {1: 2.5, 2: 0.0, 3: 9.0, 4: 2.0, 5: 1.5, 6: 0.0}


@given(
    st.dictionaries(st.integers(1, 5), st.floats(0, 9)),
    st.sets(st.integers(1, 5)),
    st.dictionaries(st.integers(1, 5), st.integers(0, 30)),
)
def test_debts_stay_within_bounds(
    debt: dict[int, float], entitled: set[int], lists: dict[int, int]
) -> None:
    found = new_debt(debt, entitled, lists)
    assert all(0 <= owed <= 9 for owed in found.values())
    assert found.keys() == {*debt, *entitled, *lists}
