"""The lists as a whole: what must not move them, and that they are right."""

import random
from dataclasses import replace

import pytest

from tests.matching.samples import (
    CALLS,
    SOLUTIONS,
    epoch_of,
    listings,
    lists_for_calls,
    lists_for_firms,
    market_of,
    score_of,
)

LISTS = lists_for_calls(CALLS, SOLUTIONS, market_of(CALLS, SOLUTIONS))
CALL_LISTS = lists_for_firms(CALLS, SOLUTIONS, market_of(CALLS, SOLUTIONS))


def test_every_call_gets_what_answers_it_and_little_else() -> None:
    answers = dict(zip((call.title for call in CALLS), (11, 13, 14, 15, 16), strict=True))
    titles = {solution.id: solution.title for solution in SOLUTIONS}
    for call, shown in LISTS.items():
        assert shown[0] == titles[answers[call]]
        assert len(shown) <= 2


def test_who_answers_nothing_is_shown_nowhere_and_sees_nothing() -> None:
    for solution in (SOLUTIONS[6], SOLUTIONS[7]):
        assert CALL_LISTS[solution.title] == []
        assert not [call for call, shown in LISTS.items() if solution.title in shown]


@pytest.mark.parametrize("seed", range(3))
def test_row_order_ids_and_owners_do_not_matter(seed: int) -> None:
    shuffle = random.Random(seed)
    numbers = shuffle.sample(range(1, 10_000), 2 * (len(CALLS) + len(SOLUTIONS)))
    calls = [replace(c, id=numbers.pop(), town=numbers.pop()) for c in CALLS]
    solutions = [replace(s, id=numbers.pop(), firm=numbers.pop()) for s in SOLUTIONS]
    shuffle.shuffle(calls)
    shuffle.shuffle(solutions)
    market = market_of(calls, solutions)
    assert lists_for_calls(calls, solutions, market) == LISTS
    assert lists_for_firms(calls, solutions, market) == CALL_LISTS


@pytest.mark.parametrize("count", [1, 10, 100])
@pytest.mark.parametrize("firm", [203, 999])
def test_copies_of_a_post_change_no_list(count: int, firm: int) -> None:
    copies = [replace(SOLUTIONS[2], id=5000 + i, firm=firm) for i in range(count)]
    everyone = (*SOLUTIONS, *copies)
    since = [1000] * len(SOLUTIONS) + [2000] * count
    market = market_of(CALLS, everyone, since)
    assert lists_for_calls(CALLS, everyone, market) == LISTS
    firms = lists_for_firms(CALLS, SOLUTIONS, market)
    assert firms == CALL_LISTS


def test_copies_that_arrive_one_by_one_change_no_list() -> None:

    market = market_of(CALLS, SOLUTIONS)
    copies = [
        replace(SOLUTIONS[2], id=5000 + i, brings=SOLUTIONS[2].brings + "！" * i) for i in range(5)
    ]
    for i, copy in enumerate(copies):
        market.update(solutions=listings([copy], [2000 + i]))
    assert {market.solutions.heads[copy.id] for copy in copies} == {SOLUTIONS[2].id}
    assert lists_for_calls(CALLS, (*SOLUTIONS, *copies), market) == LISTS


def test_a_near_copy_by_another_firm_does_not_take_a_second_place() -> None:
    near = replace(
        SOLUTIONS[3], id=700, firm=701, brings=SOLUTIONS[3].brings.replace("一年", "二年")
    )
    market = market_of(CALLS, (*SOLUTIONS, near), [1000] * len(SOLUTIONS) + [2000])
    assert (
        lists_for_calls(CALLS, (*SOLUTIONS, near), market)[CALLS[2].title] == LISTS[CALLS[2].title]
    )


def test_a_firm_holds_one_place_however_many_answers_it_posts() -> None:
    second = replace(
        SOLUTIONS[3],
        id=701,
        title="イノシシの出没を予測する地図",
        solves="捕獲の担い手が足りず、畑の被害が増えています。",
        brings="目撃の記録から明日の出没を予測します。",
    )
    everyone = (*SOLUTIONS, second)
    shown = lists_for_calls(CALLS, everyone, market_of(CALLS, everyone))[CALLS[2].title]
    assert len([t for t in shown if t in (second.title, SOLUTIONS[3].title)]) == 1


def test_within_an_epoch_a_new_post_moves_no_other_score() -> None:

    epoch = epoch_of(CALLS, SOLUTIONS)
    before = {s.id: score_of(CALLS[0], s, epoch) for s in SOLUTIONS}
    market = market_of(CALLS, SOLUTIONS)
    market.update(gone_solutions=[12])
    assert market.epoch.name == epoch.name
    assert {s.id: score_of(CALLS[0], s, market.epoch) for s in SOLUTIONS} == before
