"""The promises of dealing the lists of calls, on wild markets."""

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from tests.matching.markets import (
    DIAL,
    RULES,
    VALUES,
    Row,
    by_list,
    joined,
    ladder,
    markets,
    pairs_of,
)
from workers.matching.exposure import Pairs, Placed, Rules, deal_calls, entitled, loss

shifts = st.dictionaries(st.integers(1, 8), st.floats(-0.04, 0.04))
debts = st.dictionaries(
    st.sampled_from([*range(1, 9), 50, 51]), st.sampled_from([0.0, 0.5, 1.0, 9.0])
)


def calls_of(pairs: Pairs) -> set[int]:
    return set(pairs.call.tolist())


def dealt(pairs: Pairs, **more: object) -> list[Placed]:
    """Return the lists of all calls."""
    given_: dict[str, object] = {"lists": calls_of(pairs), "rules": RULES} | more
    return deal_calls(pairs, **given_)  # type: ignore[arg-type]


def gate(pairs: Pairs, ladder: list[int]) -> float:
    rows = ladder[: RULES.k - RULES.q]
    return max(RULES.t, RULES.rho * min(pairs.value[rows], default=0.0))


@given(markets(), shifts, debts)
def test_gate(pairs: Pairs, shift: dict[int, float], debt: dict[int, float]) -> None:
    """No reserve place below the gate nor for an unverified firm; nothing at all below the cut."""
    verified = set(pairs.firm[pairs.entitled].tolist())
    for place in dealt(pairs, shift=shift, debt=debt, offers={}):
        assert place.value >= RULES.cut_call
        if place.how == "reserve":
            assert place.value >= gate(pairs, ladder(pairs, place.call, shift, debt, RULES))
            assert place.firm in verified


def waiting_edges(
    pairs: Pairs, shift: Mapping[int, float], debt: Mapping[int, float]
) -> dict[tuple[int, int], float]:
    """Return (firm, call) -> value: the reserve places within reach of firms that wait."""
    ladders = {call: ladder(pairs, call, shift, debt, RULES) for call in calls_of(pairs)}
    merit = [row for rows in ladders.values() for row in rows[: RULES.k - RULES.q]]
    shown = set(pairs.firm[merit].tolist())
    return {
        (int(pairs.firm[row]), call): float(pairs.value[row])
        for call, rows in ladders.items()
        for row in rows
        if pairs.entitled[row]
        and pairs.firm[row] not in shown
        and pairs.value[row] >= gate(pairs, rows)
    }


@given(markets(), shifts, debts)
def test_floor(pairs: Pairs, shift: dict[int, float], debt: dict[int, float]) -> None:
    """As many waiting firms as possible are served, those owed most first, then at greatest value."""
    edges = waiting_edges(pairs, shift, debt)
    places = dealt(pairs, shift=shift, debt=debt)
    served = {place.firm: place.value for place in places if place.how == "reserve"}
    firms, calls = sorted({f for f, _ in edges}), sorted({c for _, c in edges})
    seats = [(call, n) for call in calls for n in range(RULES.q)]
    reach = np.array([[(f, c) in edges for c, _ in seats] for f in firms], int)
    if not firms:
        assert not served
        return
    most = maximum_bipartite_matching(csr_matrix(reach), perm_type="column")
    assert len(served) == (most >= 0).sum()
    owed = {firm: debt.get(firm, RULES.start) for firm in firms}
    out = np.diag([1_000 + 100 * owed[firm] for firm in firms]) + 1e6 * (1 - np.eye(len(firms)))
    costs = np.array([[2 - edges.get((f, c), -1e6) for c, _ in seats] for f in firms])
    whole = np.hstack([costs, out])
    least = whole[linear_sum_assignment(whole)].sum()
    missed = sum(1_000 + 100 * owed[firm] for firm in firms if firm not in served)
    assert sum(2 - value for value in served.values()) + missed == pytest.approx(least, abs=1e-4)


@given(markets())
def test_everybody_entitled_is_shown_where_the_reserve_has_room(pairs: Pairs) -> None:
    roomy = replace(RULES, k=20, q=16, rho=0.0)
    places = dealt(pairs, rules=roomy)
    assert entitled(pairs) <= {place.firm for place in places}


@given(markets(), shifts, debts)
def test_one_place_per_firm_and_per_offer(
    pairs: Pairs, shift: dict[int, float], debt: dict[int, float]
) -> None:
    canonical = set(pairs.solution[pairs.solution == pairs.offer].tolist())
    for places in by_list(dealt(pairs, shift=shift, debt=debt, offers={})).values():
        assert [place.rank for place in places] == list(range(1, len(places) + 1))
        assert len(places) <= RULES.k
        for column in ("firm", "solution"):
            values = [getattr(place, column) for place in places]
            assert len(set(values)) == len(values)
        assert {place.solution for place in places} <= canonical


@given(markets(copies=False), shifts, st.data())
def test_copies(pairs: Pairs, shift: dict[int, float], data: st.DataObject) -> None:
    """Posting again, however often and under whatever name, changes no list at all."""
    if not len(pairs):
        return
    times = data.draw(st.integers(1, 4))
    clones = []
    for n in range(times):
        rows = np.array(data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1)))
        clone = pairs.take(np.unique(rows))
        values = data.draw(st.sampled_from(VALUES))
        owner = data.draw(st.integers(1, 12))  # another firm: a company split in two
        clones.append(
            replace(
                clone,
                solution=clone.solution + 1_000 * (n + 1),
                firm=np.full(len(clone), owner),
                value=np.full(len(clone), values),
                tie=clone.tie + np.uint64(1),
            )
        )
    more = joined(pairs, *clones)
    assert dealt(more, shift=shift, offers={}) == dealt(pairs, shift=shift, offers={})
    assert entitled(more, RULES) == entitled(pairs, RULES)


@given(markets(), shifts, debts)
def test_order_and_bounded_loss(
    pairs: Pairs, shift: dict[int, float], debt: dict[int, float]
) -> None:
    """In the merit part nobody stands above who is better by more than 2 delta; loss is bounded."""
    reach = 2 * DIAL.delta + 1e-9
    moved = by_list(dealt(pairs, shift=shift, debt=debt, offers={}, rules=DIAL))
    merit = by_list(dealt(pairs, rules=replace(RULES, q=0)))
    assert moved.keys() == merit.keys()
    for call, places in moved.items():
        values = [place.value for place in places]
        best = [place.value for place in merit[call]]
        assert len(values) == len(best)
        first = RULES.k - RULES.q
        for above, value in enumerate(values[:first]):
            assert all(below <= value + reach for below in values[above:])
        attention = [1 / math.log2(2 + rank) for rank in range(len(best))]
        bound = sum(weight * reach for weight in attention)
        last = zip(attention[first:], best[first:], strict=True)
        bound += sum(weight * (1 - RULES.rho) * value for weight, value in last)
        lost = sum(w * (b - v) for w, b, v in zip(attention, best, values, strict=True))
        assert lost <= bound
        whole = sum(w * b for w, b in zip(attention, best, strict=True))
        assert loss(values, best) == pytest.approx(lost / whole)


@given(markets(), st.data())
def test_blindness(pairs: Pairs, data: st.DataObject) -> None:
    """New numbers for everything and rows in another order: the same lists, renamed."""
    rename = {
        name: dict(zip(range(1, 201), data.draw(st.permutations(range(1, 201))), strict=True))
        for name in ("call", "solution", "firm", "town")
    }
    rename |= {"offer": rename["solution"], "original": rename["call"]}
    order = np.array(data.draw(st.permutations(range(len(pairs)))), int)
    new = {
        name: np.array([names[id_] for id_ in getattr(pairs, name).tolist()], np.int64)
        for name, names in rename.items()
    }
    other = replace(pairs, **new).take(order)
    expected = {
        (
            rename["call"][p.call],
            p.rank,
            rename["solution"][p.solution],
            rename["firm"][p.firm],
            p.how,
        )
        for p in dealt(pairs, offers={})
    }
    assert {
        (p.call, p.rank, p.solution, p.firm, p.how) for p in dealt(other, offers={})
    } == expected


@given(markets(), st.integers(1, 8), st.integers(1, 8))
def test_two_firms_that_swap_their_posts_swap_their_places(pairs: Pairs, a: int, b: int) -> None:
    """Whatever else is known of a firm, its name and size go with its number and decide nothing."""
    swap = {a: b, b: a}
    firm = np.array([swap.get(id_, id_) for id_ in pairs.firm.tolist()], np.int64)
    expected = [replace(p, firm=swap.get(p.firm, p.firm)) for p in dealt(pairs, offers={})]
    assert dealt(replace(pairs, firm=firm), offers={}) == expected


@given(markets(), shifts, debts, st.sets(st.integers(1, 7)))
def test_stability(
    pairs: Pairs, shift: dict[int, float], debt: dict[int, float], some: set[int]
) -> None:
    """Dealing some lists again within the week changes nothing when nothing has changed."""
    week = dealt(pairs, shift=shift, debt=debt, offers={})
    again = deal_calls(
        pairs,
        lists=some,
        shift=shift,
        debt=debt,
        held=[(p.call, p.solution) for p in week if p.how == "reserve" and p.list in some],
        placed_firms={p.firm for p in week if p.list not in some},
        rules=RULES,
    )
    assert again == [place for place in week if place.list in some]


@given(markets(), shifts, debts, st.sets(st.integers(1, 7)))
def test_the_merit_part_does_not_depend_on_which_lists_are_dealt(
    pairs: Pairs, shift: dict[int, float], debt: dict[int, float], some: set[int]
) -> None:
    first = RULES.k - RULES.q
    whole = dealt(pairs, shift=shift, debt=debt)
    part = deal_calls(pairs, lists=some, shift=shift, debt=debt, rules=RULES)
    kept = [place for place in part if place.rank <= first]
    assert kept == [p for p in whole if p.rank <= first and p.list in some]
    assert {place.list for place in part} <= some


@given(markets(), shifts, debts, st.integers(0, 59), st.sampled_from(VALUES))
def test_monotony(
    pairs: Pairs, shift: dict[int, float], debt: dict[int, float], row: int, value: float
) -> None:
    """A greater value lowers no place of its firm in this list, but for one that merely filled."""
    if row >= len(pairs) or value <= pairs.value[row]:
        return
    values = pairs.value.copy()
    values[row] = value
    call, firm = pairs.call[row], pairs.firm[row]

    def place(places: list[Placed]) -> Placed | None:
        return next((p for p in places if p.call == call and p.firm == firm), None)

    before = place(dealt(pairs, shift=shift, debt=debt))
    after = place(dealt(replace(pairs, value=values), shift=shift, debt=debt))
    if before and (before.rank <= RULES.k - RULES.q or before.how == "reserve"):
        assert after
        assert after.rank <= before.rank
    elif before and after:
        assert after.rank <= RULES.k


@given(markets(), st.lists(st.integers(1, 7)))
def test_determinism(pairs: Pairs, calls: list[int]) -> None:
    """Which collection names the lists, and in which order, is no matter; nothing is changed."""
    copy = pairs.take(np.arange(len(pairs)))
    expected = deal_calls(pairs, lists=set(calls), offers={}, rules=RULES)
    again = deal_calls(copy, lists=np.array(calls, np.int64), offers={}, rules=RULES)
    assert again == expected
    assert all(
        np.array_equal(getattr(copy, name), getattr(pairs, name)) for name in Pairs.__slots__
    )


def test_equal_values_and_debts_go_by_text_whatever_the_numbers() -> None:
    texts = ("a", "b", "c", "d", "e")
    rows = [Row(1, n, n, 0.6, text=text) for n, text in enumerate(texts, 1)]
    turned = [Row(1, n, n, 0.6, text=text) for n, text in enumerate(reversed(texts), 1)]
    first = [texts[p.solution - 1] for p in dealt(pairs_of(rows))]
    assert [texts[-p.solution] for p in dealt(pairs_of(turned))] == first


def test_equal_values_go_to_whom_most_is_owed_then_by_text() -> None:
    pairs = pairs_of(Row(1, firm + 100, firm, 0.6) for firm in (1, 2, 3))
    by_text = [place.firm for place in dealt(pairs, debt={1: 0.0, 2: 0.0, 3: 0.0})]
    assert sorted(by_text) == [1, 2, 3]
    for most in (1, 2, 3):
        owed = dict.fromkeys((1, 2, 3), 0.0) | {most: 0.5}
        assert dealt(pairs, debt=owed)[0].firm == most
    newcomer = dict.fromkeys({1, 2, 3} - {by_text[-1]}, 0.5)
    assert dealt(pairs, debt=newcomer)[0].firm == by_text[-1]


@pytest.mark.parametrize(("value", "served"), [(0.58, False), (0.69, False), (0.7, True)])
def test_what_is_suitable_elsewhere_may_be_too_weak_for_a_strong_list(
    value: float, served: bool
) -> None:
    strong = [Row(1, 101 + firm, firm, 1.0) for firm in range(1, 5)]
    others = [Row(2, 101 + firm, firm, 0.6) for firm in range(1, 5)]
    places = dealt(pairs_of([*strong, *others, Row(1, 109, 9, value)]))
    assert (9 in {p.firm for p in places}) == served


@pytest.mark.parametrize(("value", "served"), [(0.52, False), (0.53, True)])
def test_no_weak_list_makes_a_pair_suitable(value: float, served: bool) -> None:
    rows = [Row(1, 101 + firm, firm, 0.55) for firm in range(1, 5)]
    rows += [Row(2, 101 + firm, firm, 0.5) for firm in (1, 2)]
    rows += [Row(3, 101 + firm, firm, 0.5) for firm in (3, 4)]
    places = dealt(pairs_of([*rows, Row(1, 109, 9, value)]))
    assert (9 in {p.firm for p in places}) == served


# Two firms that win every list by merit, so that reserve places are what is left.
STARS = [Row(call, 150 + star, 50 + star, 0.8) for call in range(1, 5) for star in (1, 2)]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_who_is_owed_most_goes_first_though_others_are_better(most: int) -> None:
    rows = [Row(1, 100 + firm, firm, 0.6 + (firm != most) / 10) for firm in (1, 2, 3)]
    debt = dict.fromkeys((1, 2, 3), 0.0) | {most: 0.5}
    places = dealt(pairs_of([*STARS[:2], *rows]), debt=debt)
    assert {p.firm for p in places if p.how == "reserve"} > {most}


def test_reserve_places_of_the_week_stay_for_better_ones_that_come_later() -> None:
    old = [Row(1, 100 + firm, firm, 0.6) for firm in (1, 2)]
    new = [Row(1, 103, 3, 0.7)]
    pairs = pairs_of([*STARS[:2], *old, *new])
    held = [(1, 101), (1, 102)]
    assert {p.firm for p in dealt(pairs, held=held)} == {51, 52, 1, 2}
    assert {p.firm for p in dealt(pairs, held=held[:1])} == {51, 52, 1, 3}
    assert {p.firm for p in dealt(pairs, held=[(1, 999)], debt={3: 0.0})} == {51, 52, 1, 2}
    weaker = pairs_of([*STARS[:2], Row(1, 101, 1, 0.5), *old[1:], *new])
    assert {p.firm for p in dealt(weaker, held=held)} == {51, 52, 2, 3}


def test_unseen_offers_use_one_reserve_place_of_a_list_and_seen_ones_none() -> None:
    seen = [Row(2, 100 + firm, firm, 0.9) for firm in (1, 2)]
    fresh = [Row(1, 200 + firm, firm, 0.6) for firm in (1, 2)]
    week = dealt(pairs_of([*STARS[:2], *seen, *fresh]), offers={})
    assert [p.how for p in week if p.list == 1].count("reserve") == 1
    known = [Row(1, 100 + firm, firm, 0.6) for firm in (1, 2)]
    week = dealt(pairs_of([*STARS[:2], *seen, *known]), offers={})
    assert "reserve" not in [p.how for p in week]
    owed = pairs_of([*STARS[:2], *seen, *fresh, Row(1, 299, 1, 0.57)])
    week = dealt(owed, offers={201: 0.0, 202: 0.0, 299: 2.0})
    assert [p.solution for p in week if p.how == "reserve"] == [299]


def test_a_seen_offer_stands_behind_every_unseen_one() -> None:
    """Firm 1 is owed for an unseen offer elsewhere; that is no reason to show again what was seen."""
    merit = [Row(3, 310 + firm, firm, 0.9) for firm in (1, 2)]
    seen = [Row(1, 101, 1, 0.7), Row(2, 101, 1, 0.7)]
    fresh = [Row(1, 102, 1, 0.6), Row(2, 202, 2, 0.6), Row(1, 203, 2, 0.57)]
    week = dealt(pairs_of([*merit, *STARS[:4], *seen, *fresh]), offers={101: 0.0})
    assert {p.solution for p in week if p.how == "reserve"} == {102, 202}
    week = dealt(pairs_of([*merit, *STARS[:4], *seen, *fresh[1:]]), offers={101: 0.0})
    assert {p.solution for p in week if p.how == "reserve"} == {202, 203}
    week = dealt(pairs_of([*merit, *STARS[:4], *seen]), offers={101: 0.0})
    assert {p.solution for p in week if p.how == "reserve"} == {101}


def test_a_waiting_firm_takes_a_reserve_place_from_the_next_in_merit() -> None:
    rows = [Row(1, 101 + firm, firm, 0.9 - firm / 100) for firm in range(1, 5)]
    rows += [Row(2, 101 + firm, firm, 0.9 - firm / 100) for firm in range(1, 5)]
    rows += [Row(1, 109, 9, 0.65)]
    places = by_list(dealt(pairs_of(rows)))
    assert [(p.firm, p.how) for p in places[1]][:2] == [(1, "merit"), (2, "merit")]
    assert places[1][-1].firm == 9
    assert places[1][-1].how == "reserve"
    assert {p.firm for p in dealt(pairs_of(rows))} == {1, 2, 3, 4, 9}


def test_a_place_won_by_the_dial_says_so() -> None:
    pairs = pairs_of([Row(1, 101, 1, 0.6), Row(1, 102, 2, 0.59)])
    places = dealt(pairs, shift={1: -0.01, 2: 0.01}, rules=DIAL)
    assert [(p.firm, p.how) for p in places] == [(2, "turn"), (1, "merit")]


def test_unseen_offers_wait_for_all_firms_and_come_in_turns() -> None:
    """Three distinct posts of firm 1, each suitable for its own call; firm 9 was never shown."""
    rules = Rules(k=2, q=1, turns=3)
    rows = [Row(call, 100 + call, 1, 0.9) for call in (1, 2, 3)]
    rows += [Row(call, 110, 2, 0.95) for call in (1, 2, 3)]
    rows += [Row(call, 120 + call, 2, 0.7) for call in (1, 2, 3)]
    week = dealt(pairs_of(rows), rules=rules, offers={})
    assert {p.solution for p in week if p.rank == 1} == {110}
    assert {p.solution for p in week if p.rank == 2} == {101, 102, 103}
    one = dealt(pairs_of([*rows, Row(1, 130, 9, 0.75)]), rules=rules, offers={})
    assert (1, 130, "reserve") in {(p.call, p.solution, p.how) for p in one}
    between = dealt(pairs_of(rows), rules=rules)
    assert [p.how for p in between if p.rank == 2].count("reserve") == 1


def test_many_rewrites_of_one_firm_win_no_more_than_its_turns() -> None:
    rules = Rules(k=2, q=1, turns=2)
    rows = [Row(call, 500, 2, 0.95) for call in range(1, 9)]
    rows += [Row(call, 100 * call + n, 1, 0.9) for call in range(1, 9) for n in range(6)]
    week = dealt(pairs_of(rows), rules=rules, offers={})
    assert sum(p.how == "reserve" for p in week) == 1 + rules.turns


def test_the_correction_for_luck_lowers_firms_with_many_near_equal_posts() -> None:
    rows = [Row(1, 100 + n, 1, 0.70 + n / 1_000) for n in range(10)] + [Row(1, 200, 2, 0.69)]
    assert [p.firm for p in dealt(pairs_of(rows))] == [1, 2]
    assert [p.firm for p in dealt(pairs_of(rows), rules=replace(RULES, luck=0.04))] == [2, 1]


def test_no_pairs_no_lists_and_rules_that_leave_no_merit_are_refused() -> None:
    assert dealt(pairs_of([])) == []
    assert deal_calls(pairs_of([Row(1, 101, 1, 0.9)]), lists=[], rules=RULES) == []
    with pytest.raises(ValueError, match="merit"):
        Rules(k=2, q=2)


@example([0.9, 0.5])
@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=10))
def test_a_list_loses_nothing_against_itself(values: list[float]) -> None:
    assert loss(values, values) == 0
    assert loss([], []) == 0
    assert loss(sorted(values), sorted(values, reverse=True)) >= 0
    for worse, better in pairwise(sorted(values)):
        assert loss([worse], [better]) == pytest.approx(1 - worse / better)
