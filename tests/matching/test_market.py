"""Candidates: one change at a time or all at once, the same."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.matching.samples import CALLS, SOLUTIONS, epoch_of, listings, market_of
from workers.matching import epoch as epochs
from workers.matching import market as markets
from workers.matching import nearest, segment, sweep
from workers.matching.listing import Listing, Meaning
from workers.matching.market import Change, Market

LEFT, RIGHT = listings(CALLS), listings(SOLUTIONS)
EPOCH = epoch_of(CALLS, SOLUTIONS)
FULL = Market.build(EPOCH, LEFT, RIGHT)
Event = tuple[str, str, int]  # act, side, id
Pairs = set[tuple[int, int]]


def meaning_of(number: int) -> Meaning:
    chance = np.random.default_rng(number)
    rows = chance.normal(size=(1 + number % 4, 16)) + np.eye(16)[number % 3] * 3
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float16)


def variants() -> tuple[list[Listing], list[Listing]]:
    """Return calls and solutions with near copies and later twins, two in three with a meaning."""
    near = [
        replace(call, id=call.id + 30, problem=call.problem.replace("。", "！")) for call in CALLS
    ]
    calls = [*CALLS, *(replace(call, id=call.id + 60) for call in CALLS[:2]), *near]
    changed = [replace(s, id=s.id + 100, brings=s.brings + "費用は要りません。") for s in SOLUTIONS]
    twins = [replace(s, id=s.id + 200, firm=900 + s.id) for s in SOLUTIONS[:4]]
    solutions = [*SOLUTIONS, *changed, *twins]
    sides = []
    for facts in (calls, solutions):
        ages = [(7 * i) % 11 for i in range(len(facts))]
        posts = listings(facts, ages)
        sides.append([replace(p, meaning=meaning_of(p.id) if p.id % 3 else None) for p in posts])
    return sides[0], sides[1]


POSTS = {
    kind: {post.id: post for post in own}
    for kind, own in zip(("call", "solution"), variants(), strict=True)
}


FRAMED = epochs.build([*POSTS["call"].values()], [*POSTS["solution"].values()], "a model")


def edges_by_solution(graph: dict[int, list[int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {post.id: [] for post in RIGHT}
    for call, own in graph.items():
        for solution in own:
            found[solution].append(call)
    return found


def pairs_of(market: Market) -> Pairs:
    return {(call, solution) for call, own in market.graph().items() for solution in own}


def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (
        ("SOLUTIONS_PER_CALL", 3),
        ("CALLS_PER_SOLUTION", 1),
        ("BY_THEME", 1),
        ("SOLUTIONS_BY_MEANING", 2),
        ("CALLS_BY_MEANING", 1),
    ):
        monkeypatch.setattr(markets, name, count)


def crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search without what a fifth of the listings say, in pieces so small that all have several."""
    narrow(monkeypatch)
    for module, name, value in (
        (segment, "_CROWD_SHARE", 0.2),
        (segment, "_CROWD", 1),
        (segment, "_BATCH", 3),
        (sweep, "_ROWS", 2),
        (sweep, "_CELLS", 30),
        (sweep, "_SAMPLED", 2),
        (sweep, "_MARGIN", 0),
        (nearest, "_FEW", 1),
    ):
        monkeypatch.setattr(module, name, value)


def test_a_candidate_graph_holds_the_fitting_pairs() -> None:
    graph = FULL.graph()
    assert sorted(graph) == [call.id for call in CALLS]
    for call, solution in ((1, 11), (2, 13), (3, 14), (4, 15), (5, 16)):
        assert solution in graph[call]


@st.composite
def histories(draw: st.DrawFn) -> list[list[Event]]:
    """Draw batches of events: listings put, put again, withdrawn."""
    posts = [(kind, id_) for kind, own in POSTS.items() for id_ in own]
    acts = st.tuples(st.sampled_from(["put", "put", "drop"]), st.sampled_from(posts))
    start = [("put", *post) for post in draw(st.permutations(posts))]
    events = [*start, *((act, *post) for act, post in draw(st.lists(acts, max_size=25)))]
    step = draw(st.integers(1, 9))
    return [events[i : i + step] for i in range(0, len(events), step)]


def play(market: Market, batch: list[Event]) -> Change:
    """Let a batch of events happen at once; the last one of a listing counts."""
    last = {(kind, id_): act for act, kind, id_ in batch}

    def ids(wanted: str, side: str) -> list[int]:
        return [id_ for (kind, id_), act in last.items() if (act, kind) == (wanted, side)]

    return market.update(
        calls=[POSTS["call"][id_] for id_ in ids("put", "call")],
        solutions=[POSTS["solution"][id_] for id_ in ids("put", "solution")],
        gone_calls=ids("drop", "call"),
        gone_solutions=ids("drop", "solution"),
    )


@pytest.mark.parametrize("shape", [None, narrow, crowd])
@settings(max_examples=25)
@given(history=histories())
def test_any_history_gives_the_market_of_a_full_run(
    shape: Callable[[pytest.MonkeyPatch], None] | None,
    monkeypatch: pytest.MonkeyPatch,
    history: list[list[Event]],
) -> None:
    if shape is not None:
        shape(monkeypatch)
    market, stored = Market.empty(FRAMED), set[tuple[int, int]]()
    for batch in history:
        change = play(market, batch)
        touched = {p for p in stored if p[0] in change.calls or p[1] in change.solutions}
        assert change.left <= stored
        stored = (stored - touched - change.left) | market.pairs(
            calls=change.calls, solutions=change.solutions
        )
        assert not change.entered & stored
        stored |= change.entered
    full = market.renewed()
    assert full.calls.heads == market.calls.heads
    assert full.solutions.heads == market.solutions.heads
    assert pairs_of(full) == pairs_of(market) == stored


@settings(max_examples=25)
@given(order=st.permutations([*LEFT, *RIGHT]))
def test_one_at_a_time_gives_the_pairs_of_a_full_run(order: list[Listing]) -> None:
    market = Market.empty(EPOCH)
    for post in order:
        if post in LEFT:
            market.update(calls=[post])
        else:
            market.update(solutions=[post])
    graph = FULL.graph()
    assert {post.id: market.solutions_for(post) for post in LEFT} == graph
    assert {post.id: market.calls_for(post) for post in RIGHT} == edges_by_solution(graph)
    assert market.graph() == graph


@pytest.mark.parametrize("step", [1, 3, 30])
def test_listings_put_together_or_one_by_one_know_their_copies(step: int) -> None:
    copies = [replace(s, id=s.id + 100 * n) for n in (1, 2, 3) for s in SOLUTIONS]
    posts = [*RIGHT, *listings(copies, [2000] * len(copies))]
    market = Market.empty(EPOCH)
    for start in range(0, len(posts), step):
        market.update(solutions=posts[start : start + step])
    assert market.solutions.heads == {post.id: post.id % 100 for post in posts}


def test_a_changed_listing_replaces_its_old_text(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch)
    market = market_of(CALLS, SOLUTIONS)
    changed = replace(
        SOLUTIONS[0], title="助産師の夜間相談", solves="産後の不安", brings="授乳の助言"
    )
    before = market.solutions_for(LEFT[4])
    market.update(solutions=listings([replace(changed, themes=())]))
    assert 11 in market.solutions_for(LEFT[4])
    assert 11 not in before
    market.update(gone_solutions=[11])
    assert 11 not in market.solutions_for(LEFT[4])
    assert 11 not in market.graph()[1]


def test_a_listing_outside_the_market_finds_its_candidates_too() -> None:
    market = market_of(CALLS[1:], SOLUTIONS)
    assert market.solutions_for(LEFT[0]) == FULL.graph()[1]
    market = market_of(CALLS, SOLUTIONS[1:])
    assert market.calls_for(RIGHT[0]) == edges_by_solution(FULL.graph())[11]


@pytest.mark.parametrize("act", [lambda m: None, lambda m: m.update(calls=[LEFT[2]])])
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
    narrow(monkeypatch)
    market = market_of(CALLS, SOLUTIONS)
    graph = market.graph()
    assert all(
        any(solution in own for own in graph.values()) for solution in (11, 12, 13, 14, 15, 16)
    )
    assert max(map(len, graph.values())) <= 3 + 1 + len(SOLUTIONS) // 2
    for call in LEFT:
        others = Market.build(EPOCH, [post for post in LEFT if post is not call], RIGHT)
        outside = others.solutions_for(call)
        others.update(calls=[call])
        assert outside == others.solutions_for(call) == graph[call.id]


def test_ids_do_not_decide_between_equal_texts() -> None:
    ids = list(range(100, 100 + len(SOLUTIONS)))
    random.Random(4).shuffle(ids)
    renamed = [replace(s, id=new) for s, new in zip(SOLUTIONS, ids, strict=True)]
    names = {new: s.id for s, new in zip(SOLUTIONS, ids, strict=True)}
    graph = market_of(CALLS, renamed).graph()
    assert {c: sorted(names[i] for i in own) for c, own in graph.items()} == FULL.graph()
