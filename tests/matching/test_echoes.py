"""A solution that repeats the call's own text is no better answer than one that gives its own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.matching.samples import CALLS, SOLUTIONS, listings, market_of, profile, ranking, score_of
from workers.matching import echoes
from workers.matching.edges import score_pairs
from workers.matching.exposure import RULES

PIECES = st.lists(st.integers(0, 300), max_size=150, unique=True).map(
    lambda numbers: np.array(sorted(numbers), np.uint32)
)
CALL, ANSWER = CALLS[0], SOLUTIONS[0]
PASTED = replace(ANSWER, id=91, firm=291, title=CALL.title, solves=CALL.problem, brings=CALL.wanted)
TAKEN_UP = replace(ANSWER, id=92, firm=292, solves=f"{ANSWER.solves}{CALL.wanted}")
MARKET = market_of(CALLS, (*SOLUTIONS, PASTED, TAKEN_UP))


def limit(one: np.ndarray, other: np.ndarray) -> float:
    """The rule once more, with sets."""
    a, b = set(one.tolist()), set(other.tolist())
    smaller = min(len(a), len(b))
    share = len(a & b) / smaller if smaller >= 60 else 0.0
    return 1.0 if share <= 0.2 else max(0.47, 1 - 0.53 * (share - 0.2) / 0.4)


@given(PIECES, st.lists(PIECES, max_size=4))
def test_limits_are_those_of_the_rule(one: np.ndarray, others: list[np.ndarray]) -> None:
    found = echoes.limits(one, *echoes.joined(others))
    assert found.tolist() == pytest.approx([limit(one, other) for other in others])


def test_pasting_a_call_does_not_beat_answering_it() -> None:
    order = ranking(CALL, (*SOLUTIONS, PASTED), MARKET.epoch)
    assert order.index(ANSWER.id) < order.index(PASTED.id)
    pasted = score_of(CALL, PASTED, MARKET.epoch)
    assert pasted.raw == pytest.approx(0.47)
    assert pasted.value < RULES.t
    assert pasted.echo < 1


def test_taking_up_a_sentence_of_the_call_lowers_nothing() -> None:
    answer, more = (score_of(CALL, own, MARKET.epoch) for own in (ANSWER, TAKEN_UP))
    assert more.value >= answer.value


def test_a_pasted_pair_scores_in_columns_as_alone() -> None:
    pairs = [(call.id, own.id) for call in CALLS for own in (PASTED, TAKEN_UP)]
    rows = {(row["call"], row["solution"]): row for row in score_pairs(MARKET, pairs).rows()}
    for call in CALLS:
        for own in (PASTED, TAKEN_UP):
            alone = score_of(call, own, MARKET.epoch)
            row = rows.get((call.id, own.id))
            if row:
                assert row["raw"] == pytest.approx(alone.raw, abs=1e-9)
                assert row["prose"] == pytest.approx(alone.prose * alone.echo, abs=1e-9)
    assert rows[CALL.id, PASTED.id]["prose"] < 1
    assert sum(part.contribution for part in score_of(CALL, PASTED, MARKET.epoch).parts) == (
        pytest.approx(0.47)
    )


def test_who_came_first_does_not_matter() -> None:
    left = listings([CALL])[0].profile.shingles
    right = profile(PASTED).shingles
    assert echoes.limits(left, *echoes.joined([right])) == echoes.limits(
        right, *echoes.joined([left])
    )
