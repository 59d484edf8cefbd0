"""The score: parts that add up, gates, and what is never read as zero."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.matching.samples import (
    BOILERPLATE_AFTER,
    BOILERPLATE_BEFORE,
    CALLS,
    SOLUTIONS,
    epoch_of,
    ranking,
    score_of,
)
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.listing import traits
from workers.matching.places import REGION_OF, masks, numbers, place_fit, place_fits
from workers.matching.score import (
    CALIBRATION,
    CODES,
    STAGE_FIT,
    WEIGHTS,
    Scores,
    calibrate,
    calibrated,
    closed_gates,
    combine,
    shut,
    soft,
    structured,
)

EPOCH = epoch_of(CALLS, SOLUTIONS)
CALL, SOLUTION = CALLS[0], SOLUTIONS[0]
KINDS = ("pilot", "accelerator", "proposal", "collaboration")
OFFERS = ("field", "data", "subsidy", "staff")


@st.composite
def calls(draw: st.DrawFn) -> CallFacts:
    return replace(
        draw(st.sampled_from(CALLS)),
        kind=draw(st.sampled_from((*KINDS, "consultation"))),
        problem=draw(st.sampled_from(("", "除雪の電話が鳴り続けます。"))),
        wanted=draw(st.sampled_from(("", "地図で知らせたい。"))),
        themes=draw(st.sampled_from(((), ("snow",), ("other",), ("health", "snow")))),
        offers=tuple(draw(st.sets(st.sampled_from(OFFERS)))),
        prefecture=draw(st.sampled_from((None, "06", "47"))),
    )


@st.composite
def solutions(draw: st.DrawFn) -> SolutionFacts:
    return replace(
        draw(st.sampled_from(SOLUTIONS)),
        solves=draw(st.sampled_from(("", "除雪の問い合わせを減らします。"))),
        themes=draw(st.sampled_from(((), ("snow",), ("health",)))),
        asks=tuple(draw(st.sets(st.sampled_from(OFFERS)))),
        kinds=tuple(draw(st.sets(st.sampled_from(KINDS)))),
        stage=draw(st.sampled_from((None, "concept", "proven"))),
        areas=draw(st.sampled_from(((), ("00",), ("06",), ("05",), ("47", "46")))),
    )


@given(call=calls(), solution=solutions())
def test_parts_add_up_and_stay_in_bounds(call: CallFacts, solution: SolutionFacts) -> None:
    found = score_of(call, solution, EPOCH)
    assert math.fsum(part.contribution for part in found.parts) == pytest.approx(
        found.raw, abs=1e-9
    )
    assert [part.code for part in found.parts] == [weight.code for weight in WEIGHTS]
    for part in found.parts:
        assert part.contribution >= 0
        assert part.value is None or 0 <= part.value <= 1
        if part.value is None:
            assert part.contribution == 0
    if not found.closed:
        mean = 2 * found.town * found.firm / (found.town + found.firm) if found.raw else 0.0
        assert found.raw == pytest.approx(found.prose * mean, abs=1e-9)
    assert 0 <= found.value <= 1


def facts_in_batch(
    some_calls: list[CallFacts], some_solutions: list[SolutionFacts]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the parts that compare facts and the gates, for every call with every solution."""
    left, right = [traits(call) for call in some_calls], [traits(s) for s in some_solutions]
    rows, cols = (grid.ravel() for grid in np.indices((len(left), len(right))))
    return (
        structured(left, right, rows, cols, EPOCH),  # type: ignore[arg-type]
        shut(left, right, rows, cols),  # type: ignore[arg-type]
    )


@given(
    some_calls=st.lists(calls(), min_size=1, max_size=4),
    some_solutions=st.lists(solutions(), min_size=1, max_size=9),
    numbers=st.randoms(use_true_random=False),
)
def test_a_pair_has_one_value_whatever_it_is_scored_with(
    some_calls: list[CallFacts], some_solutions: list[SolutionFacts], numbers: random.Random
) -> None:
    values, closed = facts_in_batch(some_calls, some_solutions)
    count = len(some_calls) * len(some_solutions)
    for code in ("text", "meaning", "need", "wanted"):
        own = [numbers.choice((numbers.random(), float("nan"))) for _ in range(count)]
        values[code] = np.array(own)
    prose = np.array([numbers.random() for _ in range(count)])
    together = combine(values, prose, closed)
    pairs = [(call, solution) for call in some_calls for solution in some_solutions]
    for i, (call, solution) in enumerate(pairs):
        alone_values, alone_closed = facts_in_batch([call], [solution])
        alone_values |= {code: values[code][i : i + 1] for code in values.keys() - alone_values}
        alone = combine(alone_values, prose[i : i + 1], alone_closed)
        for name in ("value", "raw", "town", "firm"):
            assert getattr(alone, name)[0] == getattr(together, name)[i]
        assert all(alone.contributions[c][0] == together.contributions[c][i] for c in CODES)
        assert closed[i] == bool(closed_gates(call, solution))
        fit = place_fit(call.prefecture, solution.areas)
        assert values["place"][i] == fit or (fit is None and np.isnan(values["place"][i]))


def test_contributions_add_up_for_many_pairs_at_once() -> None:
    numbers = np.random.default_rng(1)
    values = {code: numbers.random(500) for code in CODES}
    for column in values.values():
        column[numbers.random(500) < 0.3] = np.nan
    found: Scores = combine(values, numbers.random(500), numbers.random(500) < 0.1)
    assert sum(found.contributions.values()) == pytest.approx(found.raw, abs=1e-9)
    assert (np.sort(found.value) == found.value[np.argsort(found.raw)]).all()


def test_a_pair_that_states_nothing_scores_nothing() -> None:
    found = combine({}, np.ones(1), np.zeros(1, bool))
    assert (found.value[0], found.raw[0]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("part", "call", "solution"),
    [
        ("themes", {"themes": ()}, {}),
        ("themes", {}, {"themes": ("other",)}),
        ("need", {"problem": ""}, {}),
        ("need", {}, {"solves": ""}),
        ("wanted", {"wanted": ""}, {}),
        ("wanted", {}, {"brings": ""}),
        ("stage", {}, {"stage": None}),
        ("place", {"prefecture": None}, {}),
        ("place", {}, {"areas": ()}),
        ("kind", {}, {"kinds": ()}),
        ("asks", {"offers": ()}, {}),
        ("asks", {}, {"asks": ()}),
    ],
)
def test_what_is_not_stated_drops_out_instead_of_counting_as_zero(
    part: str, call: dict[str, object], solution: dict[str, object]
) -> None:
    full = replace(SOLUTION, kinds=("pilot",))
    found = score_of(replace(CALL, **call), replace(full, **solution), EPOCH)
    stated = score_of(CALL, full, EPOCH)
    assert {p.code: p.value for p in found.parts}[part] is None
    assert {p.code: p.value for p in stated.parts}[part] is not None
    assert found.value > 0.8


@pytest.mark.parametrize(
    ("call", "solution", "gate"),
    [
        ({}, {"published": False}, "unpublished"),
        ({"published": False}, {}, "unpublished"),
        ({"eligibility": ("juridical_person",)}, {"juridical": False}, "juridical_person"),
        ({}, {"areas": ("47",)}, "area"),
    ],
)
def test_a_shut_gate_leaves_nothing(
    call: dict[str, object], solution: dict[str, object], gate: str
) -> None:
    found = score_of(replace(CALL, **call), replace(SOLUTION, **solution), EPOCH)
    assert (found.value, found.raw, found.closed) == (0.0, 0.0, (gate,))
    assert all(part.contribution == 0 for part in found.parts)


@pytest.mark.parametrize(
    ("call", "solution"),
    [
        ({"eligibility": ("juridical_person",)}, {"juridical": True}),
        ({"eligibility": ("juridical_person",)}, {"juridical": None}),
        ({"eligibility": ("sole_proprietor_ok",)}, {"juridical": False}),
        ({}, {"areas": ("05",)}),
        ({}, {"areas": ()}),
        ({"prefecture": None}, {"areas": ("47",)}),
    ],
)
def test_doubt_keeps_a_gate_open(call: dict[str, object], solution: dict[str, object]) -> None:
    assert score_of(replace(CALL, **call), replace(SOLUTION, **solution), EPOCH).closed == ()


def test_ids_owners_and_dates_move_no_score() -> None:
    other = replace(CALL, id=77, town=1, opens_at=5, closes_at=9)
    moved = replace(SOLUTION, id=88, firm=1)
    assert score_of(other, moved, EPOCH) == score_of(CALL, SOLUTION, EPOCH)


def test_place_prefers_the_declared_prefecture() -> None:
    values = [
        score_of(CALL, replace(SOLUTION, areas=areas), EPOCH).value
        for areas in (("06",), ("00",), ("05",))
    ]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 3


def test_offers_that_meet_what_is_asked_raise_the_firms_view_alone() -> None:
    met = score_of(CALL, replace(SOLUTION, asks=("field", "data")), EPOCH)
    half = score_of(CALL, replace(SOLUTION, asks=("field", "subsidy")), EPOCH)
    assert met.firm > half.firm
    assert met.town == half.town
    assert met.value > half.value


def test_the_table_of_weights_is_whole() -> None:
    assert len(WEIGHTS) <= 12
    assert math.fsum(weight.town for weight in WEIGHTS) == pytest.approx(1.0)
    assert math.fsum(weight.firm for weight in WEIGHTS) == pytest.approx(1.0)
    assert all(
        round(20 * side) == pytest.approx(20 * side) for w in WEIGHTS for side in (w.town, w.firm)
    )
    assert all(0 < fit <= 1 for row in STAGE_FIT.values() for fit in row.values())


def test_calibration_and_knee_never_change_an_order() -> None:
    grid = [i / 1000 for i in range(1001)]
    for mapping in (calibrate, soft):
        assert (np.diff(mapping(np.array(grid))) > 0).all()
    assert (calibrated(0.0), calibrated(1.0)) == (0.0, 1.0)
    assert [calibrated(x) for x, _ in CALIBRATION] == pytest.approx([y for _, y in CALIBRATION])
    assert soft(np.array([50.0]))[0] <= 1.0


@pytest.mark.parametrize(("call", "expected"), list(zip(CALLS, (11, 13, 14, 15, 16), strict=True)))
def test_the_fitting_solution_comes_first_even_in_boilerplate(
    call: CallFacts, expected: int
) -> None:
    wrapped = replace(call, problem=f"{BOILERPLATE_BEFORE}{call.problem}{BOILERPLATE_AFTER}")
    calls = [wrapped if other.id == call.id else other for other in CALLS]
    assert ranking(call, SOLUTIONS, EPOCH)[0] == expected
    assert ranking(wrapped, SOLUTIONS, epoch_of(calls, SOLUTIONS))[0] == expected


def test_naming_everything_helps_nobody() -> None:
    stuffing = "除雪、鳥獣被害、漏水調査、検針、産後ケア、図書館、観光、防災、空き家、地域医療、交通、教育。"
    weak = SOLUTIONS[6]
    stuffed = replace(weak, brings=weak.brings + stuffing)
    for call in CALLS:
        honest = score_of(call, stuffed, EPOCH)
        assert honest.value < 0.35
        assert ranking(call, (*SOLUTIONS, replace(stuffed, id=99)), EPOCH)[0] != 99
    assert score_of(CALL, stuffed, EPOCH).prose < 0.6


def test_answering_the_need_helps() -> None:
    vague = replace(SOLUTION, solves="地域の困りごとを解決します。", brings="画面を提供します。")
    clear = replace(vague, solves=SOLUTION.solves)
    assert score_of(CALL, clear, EPOCH).value > score_of(CALL, vague, EPOCH).value


def test_a_wide_area_suits_a_call_no_better_than_all_of_japan() -> None:
    every = sorted(REGION_OF)
    areas = [("00",), *(tuple(every[-count:]) for count in (1, 9, 23, 24, 47))]
    fits = place_fits(numbers(["47"]).repeat(len(areas)), masks(areas))
    assert fits.tolist() == [place_fit("47", own) for own in areas]
    assert fits.tolist() == [0.8, 1.0, 1.0, 1.0, 0.8, 0.8]
