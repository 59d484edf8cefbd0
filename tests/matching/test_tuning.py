"""Refitting the weights: bounded, on the printed grid, and only for good reason."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.matching.score import CODES, WEIGHTS
from workers.matching.tuning import MOST_CHANGE, Answer, Refit, refit


def answers(count: int, telling: str, seed: int = 1, misleading: str = "") -> list[Answer]:
    """Lists of one good and three bad pairs, told apart by one part alone."""
    numbers = random.Random(seed)
    found = []
    for number in range(count):
        for place in range(1, 5):
            good = place == 4
            parts: dict[str, float | None] = {code: numbers.uniform(0.3, 0.7) for code in CODES}
            parts[telling] = 0.9 if good else 0.3
            if misleading:
                parts[misleading] = 0.3 if good else 0.9
            found.append(Answer(f"call-{number}", number, place, good, parts))
    return found


def changes(found: Refit) -> dict[str, float]:
    return {
        now.code: round(max(then.town, then.firm) - max(now.town, now.firm), 2)
        for now, then in zip(found.before, found.after, strict=True)
    }


def test_a_telling_part_gains_and_a_misleading_one_loses() -> None:
    found = refit(answers(60, "themes", misleading="text"))
    assert changes(found)["themes"] > 0 or changes(found)["text"] < 0
    assert all(change >= 0 for code, change in changes(found).items() if code != "text")
    assert found.fit_after.loss < found.fit_before.loss
    assert found.fit_after.right >= found.fit_before.right
    assert found.comparisons == 180


def test_too_few_answers_change_nothing() -> None:
    found = refit(answers(9, "themes", misleading="text"))
    assert found.comparisons == 27
    assert found.after == found.before == WEIGHTS
    assert found.fit_after == found.fit_before


def of_one(found: list[Answer], voice: int = 999) -> list[Answer]:
    return [replace(answer, voice=voice, list=f"{answer.list} of {voice}") for answer in found]


def test_one_organisation_alone_changes_nothing_however_much_it_answers() -> None:
    found = refit(of_one(answers(60, "themes", misleading="text")))
    assert (found.comparisons, found.counted, found.voices) == (180, 5, 1)
    assert found.after == WEIGHTS


def test_a_loud_organisation_does_not_outvote_the_others() -> None:
    many = answers(60, "themes", misleading="text")
    loud = of_one(answers(200, "text", seed=2, misleading="themes"))
    alone, together = refit(many), refit([*many, *loud])
    assert together.after == alone.after
    assert together.comparisons == alone.comparisons + 600
    assert together.counted == alone.counted + 5


def test_no_answers_at_all_are_fine() -> None:
    found = refit([])
    assert (found.after, found.comparisons) == (WEIGHTS, 0)


def test_answers_of_different_lists_are_not_compared() -> None:
    some = [Answer(f"firm-{i}", i, 1, i % 2 == 0, dict.fromkeys(CODES, 0.5)) for i in range(100)]
    assert refit(some).comparisons == 0


def test_answers_far_down_count_more_but_no_more_than_four() -> None:
    def loss(place: int) -> float:
        near = [Answer("a", 1, 1, True, {"text": 0.9}), Answer("a", 1, 1, False, {"text": 0.2})]
        far = [
            Answer("b", 2, place, True, {"text": 0.2}),
            Answer("b", 2, place, False, {"text": 0.9}),
        ]
        return refit([*near, *far]).fit_before.loss

    assert loss(1) < loss(3) < loss(15)
    assert loss(15) == pytest.approx(loss(400))


@settings(max_examples=15)
@given(
    seed=st.integers(0, 1000),
    telling=st.sampled_from(CODES),
    misleading=st.sampled_from(("", *CODES)),
)
def test_weights_stay_on_the_grid_within_reach_and_above_zero(
    seed: int, telling: str, misleading: str
) -> None:
    found = refit(answers(20, telling, seed, "" if misleading == telling else misleading))
    for side in ("town", "firm"):
        change = 0.0
        for now, then in zip(found.before, found.after, strict=True):
            old, new = getattr(now, side), getattr(then, side)
            change += abs(new - old)
            assert new >= 0
            assert (old == 0) <= (new == 0)
            assert round(20 * new) == pytest.approx(20 * new)
        assert change <= MOST_CHANGE + 1e-9
    assert [w.code for w in found.after] == list(CODES)
    assert found.fit_after.loss <= found.fit_before.loss + 1e-12
    assert not math.isnan(found.fit_after.right)
