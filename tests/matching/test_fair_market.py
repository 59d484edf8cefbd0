"""A small market of benchmarks.fairness: the promises hold where thousands compete, too."""

import pytest

from benchmarks.fairmarket import Market, market
from benchmarks.fairness import (
    COLLAPSE,
    OURS,
    RELEVANCE,
    Size,
    attacks,
    batch,
    firms_side,
    policies,
)
from benchmarks.weeks import weeks

SMALL = Size(calls=500, solutions=5_000, firms=1_250, weeks=8, weekly_calls=40)


@pytest.fixture(scope="module")
def drawn() -> Market:
    return market(SMALL.calls, SMALL.solutions, SMALL.firms, polish=0.02, seed=1)


def test_everybody_suitable_is_shown_and_lists_lose_little(drawn: Market) -> None:
    ours = batch(drawn, policies()[OURS])
    plain = batch(drawn, policies()[RELEVANCE])
    assert ours["firms_shown"] >= max(ours["firms_servable"], 0.995)
    assert plain["firms_shown"] < 0.9
    assert ours["loss_p95"] <= 0.03
    assert ours["loss_max"] <= 0.05
    assert ours["gini"] < plain["gini"]
    assert ours["ndcg"] > plain["ndcg"]


def test_no_copy_wins_anything() -> None:
    for attack, factors in attacks(SMALL, seed=1).items():
        if "cop" in attack:
            assert factors[OURS] == factors[COLLAPSE] == 1
            assert factors[RELEVANCE] > 1.5


def test_calls_reach_their_floor_and_towns_stay_within_their_capacity(drawn: Market) -> None:
    sides = firms_side(drawn)
    assert sides[OURS]["few"] == 0
    assert sides[OURS]["busiest_town"] <= 100
    assert sides[RELEVANCE]["few"] > 0


def test_newcomers_are_shown_soon() -> None:
    rolling = market(*SMALL.rolling, polish=0.02, seed=1)
    found = weeks(rolling, SMALL.weeks, SMALL.weekly_calls, seed=1)
    assert found.never_shown <= 0.005
    assert found.p95_wait <= 2
    assert found.two_weeks >= 0.95
