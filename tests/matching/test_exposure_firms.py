"""The promises of dealing the lists of firms, on wild markets."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from tests.matching.markets import RULES, Row, by_list, joined, markets, pairs_of
from workers.matching.exposure import Pairs, Placed, deal_firms

capacities = st.dictionaries(st.integers(1, 3), st.integers(0, 9))
WIDE = replace(RULES, capacity=1_000)


def dealt(pairs: Pairs, **more: object) -> list[Placed]:
    """Return the lists of all firms."""
    given_: dict[str, object] = {"lists": set(pairs.firm.tolist()), "rules": RULES} | more
    return deal_firms(pairs, **given_)  # type: ignore[arg-type]


def town_of(pairs: Pairs) -> dict[int, int]:
    return dict(zip(pairs.call.tolist(), pairs.town.tolist(), strict=True))


@given(markets(), capacities)
def test_lists_are_sound(pairs: Pairs, capacity: dict[int, int]) -> None:
    """A place per call and copied call, above the cut, with the firm's best canonical solution."""
    original = dict(zip(pairs.call.tolist(), pairs.original.tolist(), strict=True))
    canonical = set(pairs.solution[pairs.solution == pairs.offer].tolist())
    for firm, places in by_list(dealt(pairs, capacity=capacity)).items():
        assert [place.rank for place in places] == list(range(1, len(places) + 1))
        assert len(places) <= RULES.k
        assert len({original[place.call] for place in places}) == len(places)
        values = [place.value for place in places]
        assert values == sorted(values, reverse=True)
        assert min(values) >= RULES.cut_firm
        for place in places:
            assert place.firm == place.list == firm
            own = (pairs.firm == firm) & (pairs.call == place.call)
            own &= pairs.solution == pairs.offer
            if place.solution in canonical:
                assert place.value == pairs.value[own].max()


@given(markets(), capacities)
def test_capacity(pairs: Pairs, capacity: dict[int, int]) -> None:
    """No town is in more lists than it can take; a list without a call lacks it for a reason."""
    town = town_of(pairs)
    places = dealt(pairs, capacity=capacity)
    used = Counter(town[place.call] for place in places)
    for id_, lists in used.items():
        assert lists <= capacity.get(id_, RULES.capacity)
    assert not {town[p.call] for p in places} & {id_ for id_, left in capacity.items() if not left}


@given(markets(copies=False))
def test_an_unlimited_town_is_missing_only_where_better_calls_or_the_reserve_stand(
    pairs: Pairs,
) -> None:
    lists = by_list(dealt(pairs, rules=WIDE))
    for row in range(len(pairs)):
        if pairs.value[row] < RULES.cut_firm:
            continue
        places = lists[int(pairs.firm[row])]
        if pairs.call[row] not in [place.call for place in places]:
            merit = [place.value for place in places if place.how == "merit"]
            assert len(places) == RULES.k
            assert min(merit) >= pairs.value[row]


@given(markets(copies=False))
def test_the_lowest_values_give_way_first(pairs: Pairs) -> None:
    """With room for two lists a town keeps its two best of what all lists would take."""
    one = replace(pairs, town=np.ones(len(pairs), np.int64))
    rules = replace(RULES, floor=0, q=0)
    best = sorted((p.value for p in dealt(one, rules=replace(rules, capacity=99))), reverse=True)
    kept = sorted((p.value for p in dealt(one, rules=replace(rules, capacity=2))), reverse=True)
    assert kept == best[:2]


@given(markets(copies=False))
def test_floor(pairs: Pairs) -> None:
    """Of the calls that no list has by merit as many as possible win a reserve place."""
    rules = replace(WIDE, floor=1)
    ladders: dict[int, list[tuple[float, int, int]]] = {}
    entitled = set(pairs.firm[pairs.entitled].tolist())
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for row in range(len(pairs)):
        key = (int(pairs.firm[row]), int(pairs.call[row]))
        found = (-float(pairs.value[row]), int(pairs.tie[row]))
        if -found[0] >= rules.cut_firm and found < best.get(key, (0.0, 0)):
            best[key] = found
    for (firm, call), (value, tie) in best.items():
        ladders.setdefault(firm, []).append((value, tie, call))
    first = rules.k - rules.q
    merit = {c for f, rows in ladders.items() if f in entitled for *_, c in sorted(rows)[:first]}
    edges = {
        (call, firm)
        for firm, rows in ladders.items()
        for value, _, call in rows
        if firm in entitled
        and call not in merit
        and -value >= max(rules.t, rules.rho * -sorted(rows)[:first][-1][0])
    }
    served = {p.call for p in dealt(pairs, rules=rules) if p.how == "reserve"}
    calls, firms = sorted({c for c, _ in edges}), sorted({f for _, f in edges})
    assert served <= set(calls)
    if calls:
        seats = [firm for firm in firms for _ in range(rules.q)]
        reach = csr_matrix([[(call, firm) in edges for firm in seats] for call in calls])
        assert len(served) == (maximum_bipartite_matching(reach, perm_type="column") >= 0).sum()


def test_every_call_reaches_its_floor_where_there_is_room() -> None:
    popular = [Row(call, 100 + firm, firm, 0.8) for call in (1, 2) for firm in range(1, 9)]
    plain = [Row(call, 100 + firm, firm, 0.6) for call in (3, 4, 5) for firm in range(1, 9)]
    rules = replace(WIDE, k=3, q=1)
    count = Counter(p.call for p in dealt(pairs_of([*popular, *plain]), rules=rules))
    assert all(count[call] >= rules.floor for call in (1, 2, 3, 4, 5))
    # Calls that other lists have already leave the reserve to those that none has.
    reached = {3: 5, 4: 5}
    count = Counter(
        p.call
        for p in dealt(pairs_of([*popular, *plain]), rules=rules, reached=reached)
        if p.how == "reserve"
    )
    assert count == {5: rules.floor}


@pytest.mark.parametrize(
    ("value", "entitled", "served"),
    [(0.7, True, True), (0.69, True, False), (0.9, False, False)],
)
def test_the_reserve_of_a_firm_is_for_suitable_calls_and_for_verified_firms(
    value: float, entitled: bool, served: bool
) -> None:
    strong = [Row(call, 101, 1, 1.0, entitled=entitled) for call in (1, 2, 3, 4)]
    weak = Row(5, 101, 1, value, entitled=entitled)
    reached = dict.fromkeys((1, 2, 3, 4), 9)
    places = dealt(pairs_of([*strong, weak]), rules=WIDE, reached=reached)
    assert (5 in {p.call for p in places}) == served


def test_a_full_town_keeps_the_floor_of_each_call_before_more_of_a_popular_one() -> None:
    popular = [Row(1, 100 + firm, firm, 0.9, town=1) for firm in range(1, 9)]
    plain = [Row(2, 100 + firm, firm, 0.6, town=1) for firm in range(1, 9)]
    for capacity, expected in ((3, {1: 2, 2: 1}), (4, {1: 2, 2: 2}), (6, {1: 4, 2: 2})):
        found = dealt(pairs_of([*popular, *plain]), capacity={1: capacity})
        assert Counter(p.call for p in found) == expected


@given(markets(copies=False), st.data())
def test_copies(pairs: Pairs, data: st.DataObject) -> None:
    """A firm or a town that posts the same again changes no list."""
    if not len(pairs):
        return
    rows = np.array(data.draw(st.lists(st.integers(0, len(pairs) - 1), min_size=1)))
    again = pairs.take(np.unique(rows))
    louder = {"value": np.ones(len(again)), "tie": again.tie + np.uint64(1)}
    posts = replace(again, solution=again.solution + 1_000, **louder)
    calls = replace(again, call=again.call + 1_000, **louder)
    assert dealt(joined(pairs, posts, calls)) == dealt(pairs)


def test_a_firm_that_offers_what_another_posted_first_has_its_list() -> None:
    rows = [Row(1, 101, 1, 0.7), Row(1, 102, 2, 0.6, offer=101)]
    assert [(p.list, p.solution) for p in dealt(pairs_of(rows))] == [(1, 101), (2, 102)]


def test_a_copied_call_stands_for_an_original_that_is_not_among_the_pairs() -> None:
    rows = [Row(2, 101, 1, 0.7, original=1), Row(3, 101, 1, 0.6, original=1)]
    assert [p.call for p in dealt(pairs_of(rows))] == [2]


@given(markets(), capacities, st.data())
def test_blindness(pairs: Pairs, capacity: dict[int, int], data: st.DataObject) -> None:
    rename = {
        name: dict(zip(range(1, 201), data.draw(st.permutations(range(1, 201))), strict=True))
        for name in ("call", "solution", "firm", "town")
    }
    rename |= {"offer": rename["solution"], "original": rename["call"]}
    new = {
        name: np.array([names[id_] for id_ in getattr(pairs, name).tolist()], np.int64)
        for name, names in rename.items()
    }
    order = np.array(data.draw(st.permutations(range(len(pairs)))), int)
    renamed = {rename["town"][id_]: left for id_, left in capacity.items()}
    found = dealt(replace(pairs, **new).take(order), capacity=renamed)
    assert {(p.list, p.rank, p.call, p.solution, p.how) for p in found} == {
        (
            rename["firm"][p.list],
            p.rank,
            rename["call"][p.call],
            rename["solution"][p.solution],
            p.how,
        )
        for p in dealt(pairs, capacity=capacity)
    }


@given(markets(), st.sets(st.integers(1, 8)))
def test_the_merit_part_does_not_depend_on_which_lists_are_dealt(
    pairs: Pairs, some: set[int]
) -> None:
    """Where no town is at its capacity."""
    first = RULES.k - RULES.q
    part = deal_firms(pairs, lists=some, rules=WIDE)
    whole = [p for p in dealt(pairs, rules=WIDE) if p.list in some and p.rank <= first]
    assert [(p.list, p.rank, p.value) for p in part if p.rank <= first] == [
        (p.list, p.rank, p.value) for p in whole
    ]
    assert deal_firms(pairs, lists=set(pairs.firm.tolist()), rules=RULES) == dealt(pairs)


def test_of_equal_calls_the_one_that_fewer_firms_see_comes_first() -> None:
    rows = [Row(call, 101, 1, 0.6) for call in (1, 2, 3)]
    for least in (1, 2, 3):
        reached = dict.fromkeys((1, 2, 3), 9) | {least: 8}
        assert dealt(pairs_of(rows), reached=reached)[0].call == least


@pytest.mark.parametrize("calls", [0, 1])
def test_nothing_to_deal(calls: int) -> None:
    pairs = pairs_of([Row(1, 101, 1, 0.9, town=1)][:calls])
    assert deal_firms(pairs, lists=[], rules=RULES) == []
    assert dealt(pairs, capacity={1: 0}) == []
