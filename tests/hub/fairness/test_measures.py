"""The measures of the audit, computed by hand and on wild input."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.fairness import measures
from hub.domain.fairness.dial import MOST, Balance, next_dial
from hub.domain.fairness.groups import area_path, calls_class, gathered, size_class
from hub.domain.fairness.measures import Fit, Ratio, Shown, Span

WEEK = Span(0.0, 700.0)
OPEN = {1: WEEK, 2: Span(350.0, 900.0)}  # call 2 opens in the middle of the week


def shown(call: int, firm: int, rank: int, held: Span = WEEK, how: str = "merit") -> Shown:
    return Shown(call, rank, call, 10 * firm, firm, 100 + call, how, held)


def fit(owner: int, call: int, value: float, since: float = -50.0) -> Fit:
    return Fit(owner, call, call, value, since)


# --- Exposure and merit -------------------------------------------------------------------------


def test_attention_falls_with_the_rank() -> None:
    assert measures.attention(1) == 1
    assert measures.attention(3) == 0.5
    assert measures.attention(7) == pytest.approx(1 / 3)


def test_exposure_counts_the_part_of_the_week_that_a_place_was_open() -> None:
    places = [
        shown(1, 1, 1),  # the whole week
        shown(1, 2, 3, Span(-100.0, 70.0)),  # a tenth of it
        shown(2, 1, 3),  # its call is open for half of it
        shown(2, 2, 1, Span(0.0, 350.0)),  # gone before its call opened
        shown(3, 2, 1),  # a call that was never open
        shown(1, 3, 7, Span(630.0, math.inf)),  # still there
    ]
    found = measures.exposure(places, WEEK, OPEN)
    assert found == {
        1: pytest.approx(1 + 0.5 * 0.5),
        2: pytest.approx(0.1 * 0.5),
        3: pytest.approx(0.1 / 3),
    }
    towns = measures.exposure(places, WEEK, OPEN, by="town")
    assert towns == {101: pytest.approx(1 + 0.05 + 0.1 / 3), 102: pytest.approx(0.25)}


def test_a_changed_rank_counts_each_for_its_time() -> None:
    places = [shown(1, 1, 1, Span(0.0, 350.0)), shown(1, 1, 3, Span(350.0, math.inf))]
    assert measures.exposure(places, WEEK, OPEN) == {1: pytest.approx(0.75)}


def test_merit_is_the_best_pair_for_each_call_above_the_gate() -> None:
    fits = [fit(1, 1, 0.9), fit(1, 1, 0.7), fit(1, 2, 0.73), fit(2, 1, 0.53), fit(3, 1, 0.63, 350)]
    found = measures.merit(fits, WEEK, OPEN, 0.53)
    assert found == {
        1: pytest.approx(0.37 + 0.5 * 0.2),
        3: pytest.approx(0.5 * 0.1),  # it came in the middle of the week
    }


def test_posting_more_often_earns_no_merit() -> None:
    once = [fit(1, 1, 0.9)]
    assert measures.merit(once * 100, WEEK, OPEN, 0.53) == measures.merit(once, WEEK, OPEN, 0.53)


# --- Classes ------------------------------------------------------------------------------------


def test_a_class_is_its_exposure_over_its_merit() -> None:
    found = measures.group("micro", [1.0, 2.0, 0.0], [0.5, 0.5, 0.5], seed="2026-W48")
    assert (found.members, found.value) == (3, 2.0)
    assert found.drawn.min() >= 0
    assert found.drawn.max() <= 4
    assert found.drawn.mean() == pytest.approx(2.0, abs=0.1)


def test_the_same_seed_draws_the_same_forever() -> None:
    shares = [0.1, 0.7, 0.3, 0.9]
    one, two, other = (
        measures.group("micro", shares, [1.0] * 4, seed=seed) for seed in ("a", "a", "b")
    )
    assert (one.drawn == two.drawn).all()
    assert (one.drawn != other.drawn).any()
    assert one.drawn[:4].tolist() == pytest.approx([0.3, 0.55, 0.4, 0.85])


def test_a_ratio_has_an_interval_around_it() -> None:
    small = measures.group("small", [0.5, 0.7] * 50, [1.0] * 100, seed="x")
    large = measures.group("large", [0.9, 1.1] * 50, [1.0] * 100, seed="x")
    found = measures.against(small, large)
    assert found is not None
    assert found.value == pytest.approx(0.6)
    assert 0.55 < found.low < 0.6 < found.high < 0.65
    assert measures.against(large, large) == Ratio(1.0, 1.0, 1.0)


def test_against_a_class_that_was_shown_nothing_there_is_no_ratio() -> None:
    nothing = measures.group("large", [0.0] * 5, [1.0] * 5, seed="x")
    some = measures.group("small", [1.0] * 5, [1.0] * 5, seed="x")
    assert measures.against(some, nothing) is None
    assert measures.against(nothing, some) == Ratio(0.0, 0.0, 0.0)


def test_an_interval_over_a_class_shown_almost_nothing_has_no_upper_end() -> None:
    rare = measures.group("large", [0.0] * 9 + [1.0], [1.0] * 10, seed="x")
    some = measures.group("small", [1.0] * 10, [1.0] * 10, seed="x")
    found = measures.against(some, rare)
    assert found is not None
    assert found.value == pytest.approx(10.0)
    assert found.high == math.inf


@pytest.mark.parametrize(
    ("employees", "capital", "wanted"),
    [
        (0, None, "micro"),
        (5, 10**12, "micro"),
        (6, None, "small"),
        (20, None, "small"),
        (21, None, "medium"),
        (300, None, "medium"),
        (301, 1, "large"),
        (None, 3_000_000, "micro"),
        (None, 10_000_000, "small"),
        (None, 300_000_000, "medium"),
        (None, 300_000_001, "large"),
        (None, None, "unknown"),
    ],
)
def test_size_goes_by_employees_else_by_capital(
    employees: int | None, capital: int | None, wanted: str
) -> None:
    assert size_class(employees, capital) == wanted


def test_towns_go_by_their_calls() -> None:
    assert [calls_class(n) for n in (1, 2, 4, 5, 60)] == ["1", "2-4", "2-4", "5+", "5+"]


def test_small_places_are_merged_into_greater_ones() -> None:
    tokyo, chiba = area_path("13", "kanto"), area_path("12", "kanto")
    tottori, nowhere = area_path("31", "chugoku"), area_path(None, None)
    assert gathered([tokyo] * 5 + [chiba] * 4) == ["13"] * 5 + ["other"] * 4
    paths = [*[tokyo] * 3, *[chiba] * 2, tottori, nowhere]
    assert gathered(paths) == [*["kanto+"] * 5, "other", "other"]


AREAS = st.lists(
    st.sampled_from([("13", "kanto"), ("12", "kanto"), ("31", "chugoku"), (None, None)]),
    max_size=30,
)


@given(AREAS)
def test_only_the_rest_can_be_small(places: list[tuple[str | None, str | None]]) -> None:
    keys = gathered([area_path(*place) for place in places])
    assert len(keys) == len(places)
    for key in set(keys) - {"other"}:
        assert keys.count(key) >= 5


# --- One distribution ---------------------------------------------------------------------------

SHARES = st.lists(st.floats(0, 1e6).map(lambda v: round(v, 3)), min_size=1, max_size=50)


def test_gini_of_known_cases() -> None:
    assert measures.gini([1, 1, 1, 1]) == 0
    assert measures.gini([0, 0, 0, 1]) == 0.75
    assert measures.gini([1, 3]) == 0.25
    assert measures.gini([0, 0]) is None
    assert measures.gini([]) is None


def test_lorenz_of_known_cases() -> None:
    assert measures.lorenz([1, 1], 2) == [0, 0.5, 1]
    assert measures.lorenz([0, 0, 0, 4], 4) == [0, 0, 0, 0, 1]
    assert measures.lorenz([3, 1], 4) == [0, 0.125, 0.25, 0.625, 1]
    assert measures.lorenz([]) == []


def test_the_ends_of_a_distribution() -> None:
    values = [float(n) for n in range(1, 201)]  # sum 20,100
    assert measures.top_share(values) == pytest.approx((199 + 200) / 20_100)
    assert measures.worst_decile(values) == pytest.approx(10.5 / 100.5)
    assert measures.top_share([1.0, 3.0]) == 0.75
    assert measures.worst_decile([1.0, 3.0]) == 0.5
    assert measures.top_share([]) is None
    assert measures.worst_decile([0.0]) is None


def test_quantiles_are_values_that_were_observed() -> None:
    values = [0.0] * 94 + [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert measures.quantile(values, 0.5) == 0
    assert measures.quantile(values, 0.95) == 0.1
    assert measures.quantile(values, 1) == 0.6
    assert measures.worst_mean(values) == pytest.approx(0.4)
    assert measures.worst_mean([0.2]) == 0.2


@given(SHARES)
def test_measures_stay_in_their_ranges(values: list[float]) -> None:
    curve = measures.lorenz(values)
    if not sum(values):
        assert curve == []
        return
    found = measures.gini(values)
    top, worst = measures.top_share(values), measures.worst_decile(values)
    assert found is not None
    assert top is not None
    assert worst is not None
    assert 0 <= found <= 1 - 1 / len(values) + 1e-9
    assert 0 < top <= 1
    assert 0 <= worst <= 1 + 1e-9
    assert (curve[0], curve[-1]) == (0, 1)
    assert all(a <= b + 1e-9 for a, b in pairwise(curve))
    assert all(v <= i / 20 + 1e-9 for i, v in enumerate(curve))


@given(SHARES, st.randoms(use_true_random=False), st.sampled_from([0.5, 2.0, 8.0]))
def test_neither_order_nor_scale_matters(values: list[float], random: object, scale: float) -> None:
    mixed = [value * scale for value in values]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert measures.gini(mixed) == pytest.approx(measures.gini(values))
    assert measures.lorenz(mixed) == pytest.approx(measures.lorenz(values))


@given(SHARES)
def test_copying_everybody_changes_nothing(values: list[float]) -> None:
    assert measures.gini(values * 3) == pytest.approx(measures.gini(values))


# --- Places -------------------------------------------------------------------------------------


def test_how_places_were_won() -> None:
    places = [
        shown(1, 1, 1),
        shown(1, 2, 3, how="reserve"),
        shown(1, 3, 3, Span(-9.0, 0.0), how="turn"),  # before the week
        shown(2, 2, 1, Span(350.0, 500.0), how="merit"),
        shown(2, 2, 3, Span(500.0, 700.0), how="merit"),  # the same pair at another rank
    ]
    found = measures.won(places, WEEK, OPEN)
    assert found == {
        "merit": (2, pytest.approx(1 + 150 / 700 + 200 / 1400)),
        "reserve": (1, pytest.approx(0.5)),
    }


def test_places_kept_from_day_to_day() -> None:
    places = [
        shown(1, 1, 1),  # kept both days
        shown(1, 2, 2, Span(0.0, 150.0)),  # first day only
        shown(1, 2, 3, Span(150.0, math.inf)),  # but the same pair: kept
        shown(1, 3, 4, Span(0.0, 50.0)),  # lost on the first day
        shown(2, 3, 1, Span(0.0, 50.0)),  # of a call that is not open
    ]
    found = measures.kept(places, [0.0, 100.0, 200.0], OPEN)
    assert found == {1: (2, 2), 2: (2, 2), 3: (1, 0)}


def test_seen_is_what_stood_in_a_list_for_a_moment() -> None:
    places = [shown(1, 1, 1), shown(1, 2, 1, Span(800.0, 900.0)), shown(1, 3, 1, Span(5.0, 5.0))]
    assert measures.seen(places, WEEK) == {10}


# --- The dial -----------------------------------------------------------------------------------

EVEN = Balance("micro", "large", 1.0, 0.9, 1.1)
LOW = replace(EVEN, ratio=0.6, low=0.5, high=0.75)
UNSURE = replace(EVEN, ratio=0.6, low=0.3, high=0.9)
HIGH = replace(EVEN, ratio=1.3, low=0.9, high=1.8)


@pytest.mark.parametrize(
    ("dial", "week", "before", "wanted"),
    [
        (0.0, LOW, LOW, 0.01),
        (0.01, LOW, LOW, 0.02),
        (MOST, LOW, LOW, MOST),
        (0.0, LOW, EVEN, 0.0),
        (0.0, LOW, None, 0.0),
        (0.0, EVEN, LOW, 0.0),
        (0.0, LOW, UNSURE, 0.0),
        (0.0, UNSURE, LOW, 0.0),
        (0.03, HIGH, LOW, 0.02),
        (0.01, HIGH, HIGH, 0.0),
        (0.0, HIGH, HIGH, 0.0),
        (0.03, None, LOW, 0.03),
        (0.03, replace(EVEN, ratio=1.25, high=2.0), LOW, 0.03),
        (0.03, replace(LOW, high=0.8), LOW, 0.03),
    ],
)
def test_the_dial_turns_by_the_rule(
    dial: float, week: Balance | None, before: Balance | None, wanted: float
) -> None:
    assert next_dial(dial, week, before) == wanted


BALANCES = st.none() | st.builds(
    Balance,
    st.just("micro"),
    st.just("large"),
    ratio=st.floats(0, 99),
    low=st.floats(0, 99),
    high=st.floats(0, 99),
)


@given(st.lists(BALANCES, max_size=40))
def test_the_dial_stays_within_its_ends_and_turns_by_single_steps(
    weeks: list[Balance | None],
) -> None:
    dial, before = 0.0, None
    for week in weeks:
        turned = next_dial(dial, week, before)
        assert 0 <= turned <= MOST
        assert abs(turned - dial) <= 0.01 + 1e-9
        assert round(turned, 2) == turned
        dial, before = turned, week
