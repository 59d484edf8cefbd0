"""Candidates: one change at a time or all at once, the same."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.matching.samples import CALLS, SOLUTIONS, epoch_of, listings, market_of
from workers.matching import market as markets
from workers.matching.epoch import Epoch
from workers.matching.listing import Listing
from workers.matching.market import Market
from workers.matching.side import Side

LEFT, RIGHT = listings(CALLS), listings(SOLUTIONS)
EPOCH = epoch_of(CALLS, SOLUTIONS)
FULL = Market.build(EPOCH, LEFT, RIGHT)
Event = tuple[str, Listing]


def empty(epoch: Epoch = EPOCH) -> Market:
    return Market(epoch, Side(epoch, ()), Side(epoch, ()))


def edges_by_solution(graph: dict[int, list[int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {post.id: [] for post in RIGHT}
    for call, own in graph.items():
        for solution in own:
            found[solution].append(call)
    return found


def test_a_candidate_graph_holds_the_fitting_pairs() -> None:
    graph = FULL.graph()
    assert sorted(graph) == [call.id for call in CALLS]
    for call, solution in ((1, 11), (2, 13), (3, 14), (4, 15), (5, 16)):
        assert solution in graph[call]


@settings(max_examples=25)
@given(
    order=st.permutations(
        [("call", post) for post in LEFT] + [("solution", post) for post in RIGHT]
    ),
    again=st.lists(st.integers(0, len(RIGHT) - 1), max_size=4),
)
def test_any_order_of_events_gives_the_market_of_a_full_run(
    order: list[Event], again: list[int]
) -> None:
    market = empty()
    for kind, post in order:
        (market.calls if kind == "call" else market.solutions).put(post)
    for row in again:  # withdrawn, published again, then put a second time
        market.solutions.drop(RIGHT[row].id)
        market.solutions.put(RIGHT[row])
        market.solutions.put(RIGHT[row])
    graph = FULL.graph()
    assert {post.id: market.solutions_for(post) for post in LEFT} == graph
    assert {post.id: market.calls_for(post) for post in RIGHT} == edges_by_solution(graph)
    assert market.graph() == graph


@pytest.mark.parametrize("step", [1, 3, 30])
def test_listings_put_together_or_one_by_one_know_their_copies(step: int) -> None:
    copies = [replace(s, id=s.id + 100 * n) for n in (1, 2, 3) for s in SOLUTIONS]
    posts = [*RIGHT, *listings(copies, [2000] * len(copies))]
    market = empty()
    for start in range(0, len(posts), step):
        market.solutions.put(*posts[start : start + step])
    assert market.solutions.heads == {post.id: post.id % 100 for post in posts}


def test_a_changed_listing_replaces_its_old_text() -> None:
    market = market_of(CALLS, SOLUTIONS)
    changed = replace(
        SOLUTIONS[0], title="助産師の夜間相談", solves="産後の不安", brings="授乳の助言"
    )
    market.solutions.put(*listings([replace(changed, themes=())]))
    nearest = market.solutions.nearest(EPOCH.vector(LEFT[4].profile), 2)
    assert 11 in nearest
    market.solutions.drop(11)
    assert 11 not in market.solutions_for(LEFT[4])
    assert 11 not in market.graph()[1]


def test_a_listing_outside_the_market_finds_its_candidates_too() -> None:
    market = market_of(CALLS[1:], SOLUTIONS)
    assert market.solutions_for(LEFT[0]) == FULL.graph()[1]


@pytest.mark.parametrize("act", [lambda m: None, lambda m: m.calls.put(LEFT[2])])
def test_a_saved_market_is_read_back_whole(tmp_path: Path, act: Callable[[Market], None]) -> None:
    market = market_of(CALLS, SOLUTIONS)
    market.save(tmp_path / "market")
    market.save(tmp_path / "market")
    found = Market.load(tmp_path / "market", EPOCH)
    assert found is not None
    act(found)
    assert found.graph() == FULL.graph()
    assert {p.id: found.solutions_for(p) for p in LEFT} == FULL.graph()
    assert [path.name for path in tmp_path.iterdir()] == ["market"]


def test_a_market_of_another_epoch_or_a_broken_one_is_not_used(tmp_path: Path) -> None:
    assert Market.load(tmp_path / "none", EPOCH) is None
    FULL.save(tmp_path / "market")
    assert Market.load(tmp_path / "market", epoch_of(CALLS[:1], SOLUTIONS)) is None
    (tmp_path / "market" / "calls.json").unlink()
    assert Market.load(tmp_path / "market", EPOCH) is None


def test_a_theme_and_a_place_join_texts_that_share_no_word() -> None:
    call = replace(CALLS[3], id=50, title="港", problem="", wanted="", themes=("energy",))
    near = replace(SOLUTIONS[6], id=60, title="塔", solves="", brings="", themes=("energy",))
    far = replace(near, id=61, title="丘", areas=("47",))
    market = market_of((*CALLS, call), (*SOLUTIONS, near, far))
    assert 60 in market.graph()[50]
    assert 61 not in market.graph()[50]
    assert 50 in market.calls_for(listings([near])[0])
    assert 50 not in market.calls_for(listings([far])[0])


def test_large_markets_keep_to_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markets, "SOLUTIONS_PER_CALL", 2)
    monkeypatch.setattr(markets, "CALLS_PER_SOLUTION", 1)
    monkeypatch.setattr(markets, "BY_THEME", 1)
    market = market_of(CALLS, SOLUTIONS)
    graph = market.graph()
    assert all(
        any(solution in own for own in graph.values()) for solution in (11, 12, 13, 14, 15, 16)
    )
    assert max(map(len, graph.values())) <= 2 + 1 + len(SOLUTIONS) // 2
    fresh = {post.id: market.solutions_for(post) for post in LEFT}
    assert fresh == graph
    assert {p.id: market.calls_for(p) for p in RIGHT} == edges_by_solution(graph)


def test_ids_do_not_decide_between_equal_texts() -> None:
    ids = list(range(100, 100 + len(SOLUTIONS)))
    random.Random(4).shuffle(ids)
    renamed = [replace(s, id=new) for s, new in zip(SOLUTIONS, ids, strict=True)]
    names = {new: s.id for s, new in zip(SOLUTIONS, ids, strict=True)}
    graph = market_of(CALLS, renamed).graph()
    assert {c: sorted(names[i] for i in own) for c, own in graph.items()} == FULL.graph()
