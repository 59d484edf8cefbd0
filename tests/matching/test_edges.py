"""Many pairs at once score as one does, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.matching.samples import CALLS, SOLUTIONS, profile
from tests.matching.test_market import POSTS, Event, histories, pairs_of, play
from workers.matching import epoch as epochs
from workers.matching.edges import Edges, rescore, score_pairs, shards
from workers.matching.market import Market
from workers.matching.places import excluded
from workers.matching.score import score
from workers.matching.subject import subject

EPOCH = epochs.build([*POSTS["call"].values()], [*POSTS["solution"].values()], "a model")
FULL = Market.build(EPOCH, POSTS["call"].values(), POSTS["solution"].values())


def rows_of(edges: Edges) -> dict[tuple[int, int], dict[str, object]]:
    return {(row["call"], row["solution"]): row for row in edges.rows()}


def rescored(market: Market, count: int) -> dict[tuple[int, int], dict[str, object]]:
    found: dict[tuple[int, int], dict[str, object]] = {}
    for shard in shards(market, count):
        rows = rows_of(rescore(market, shard))
        assert not rows.keys() & found.keys()
        found |= rows
    return found


def test_a_pair_scores_as_alone() -> None:
    rows = rescored(FULL, 1)
    assert len(rows) > 50
    for call in CALLS:
        for solution in SOLUTIONS:
            if (call.id, solution.id) not in rows:
                continue
            row = rows[call.id, solution.id]
            sides = (
                subject(facts, profile(facts), EPOCH, POSTS[kind][facts.id].meaning)
                for kind, facts in (("call", call), ("solution", solution))
            )
            alone = score(*sides, EPOCH)
            assert row["value"] == pytest.approx(alone.value, abs=1e-9)
            assert row["raw"] == pytest.approx(alone.raw, abs=1e-9)
            assert row["parts"] == pytest.approx(
                {part.code: part.value for part in alone.parts}, abs=1e-9
            )
            assert (row["town"], row["firm"]) == (call.town, solution.firm)


def test_shut_gates_leave_a_pair_out() -> None:
    rows = rescored(FULL, 1)
    missing = pairs_of(FULL) - rows.keys()
    assert rows.keys() == pairs_of(FULL) - missing
    for call, solution in pairs_of(FULL):
        place, areas = (POSTS["call"][call].places[0], POSTS["solution"][solution].places)
        assert ((call, solution) in missing) == excluded(place, areas)


def test_copies_of_a_call_name_the_one_that_stands_for_them() -> None:
    heads = FULL.calls.heads
    assert {(row["call"], row["original"]) for row in rescored(FULL, 1).values()} <= set(
        heads.items()
    )


@pytest.mark.parametrize("count", [2, 3, 50])
def test_shards_together_are_the_whole(count: int) -> None:
    assert rescored(FULL, count) == rescored(FULL, 1)


def test_listings_that_are_not_there_are_left_out() -> None:
    assert len(score_pairs(FULL, [(1, 4711), (4711, 11)])) == 0
    assert rows_of(score_pairs(FULL, [(1, 11), (1, 4711)])).keys() == {(1, 11)}


@given(st.data())
def test_a_value_does_not_depend_on_what_else_is_scored(data: st.DataObject) -> None:
    every = sorted(pairs_of(FULL))
    some = data.draw(st.lists(st.sampled_from(every), unique=True))
    rows, whole = rows_of(score_pairs(FULL, some)), rescored(FULL, 1)
    assert rows == {pair: whole[pair] for pair in some if pair in whole}


@settings(max_examples=20)
@given(history=histories())
def test_any_history_gives_the_values_of_a_full_run(history: list[list[Event]]) -> None:
    market = Market.empty(EPOCH)
    for batch in history:
        play(market, batch)
    assert rescored(market, 2) == rescored(market.renewed(), 1)


def test_ties_differ_by_pair_and_not_by_run() -> None:
    ties = [row["tie"] for row in rescored(FULL, 1).values()]
    again = Market.build(EPOCH, POSTS["call"].values(), POSTS["solution"].values())
    assert ties == [row["tie"] for row in rescored(again, 1).values()]
    assert len(set(np.array(ties))) > len(ties) / 3
