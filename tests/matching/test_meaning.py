"""Meanings: whatever recurs counts little, and a pair has one likeness in whatever batch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.passages import MOST_PASSAGES
from tests.matching.samples import CALLS, SOLUTIONS, profile
from workers.matching import epoch as epochs
from workers.matching import meaning
from workers.matching.listing import Listing, listing
from workers.matching.meaning import Matrix
from workers.matching.score import score
from workers.matching.subject import subject

_SIZE = 256
_NUMBERS = np.random.default_rng(7)
_TOPICS = _NUMBERS.normal(size=(40, _SIZE))
_ALIKE = _NUMBERS.normal(size=_SIZE) * 2  # what all texts have in common
_RULES = _NUMBERS.normal(size=_SIZE) * 1.5  # a passage of every call


def said(*vectors: np.ndarray) -> Matrix:
    rows = np.array([vector + _ALIKE for vector in vectors])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def about(topic: int, passages: int = 2, *more: np.ndarray) -> Matrix:
    numbers = np.random.default_rng(topic * 100 + passages)
    own = [_TOPICS[topic] + numbers.normal(size=_SIZE) / 4 for _ in range(passages)]
    return said(*own, *more)


CALL_MATRICES = [about(topic, 1 + topic % 4, _RULES) for topic in range(40)]
SOLUTION_MATRICES = [about(topic, 1 + topic % 5) for topic in range(40)]
_FRAME = meaning.frame(CALL_MATRICES, SOLUTION_MATRICES, "model")
assert _FRAME is not None
FRAME = _FRAME
LEFT = [meaning.prepare(one, FRAME.calls) for one in CALL_MATRICES]
RIGHT = [meaning.prepare(one, FRAME.solutions) for one in SOLUTION_MATRICES]


def test_the_same_topic_is_nearest_though_all_texts_sound_alike() -> None:
    raw = [float(a[0] @ b[0]) for a in CALL_MATRICES[:5] for b in SOLUTION_MATRICES[:5]]
    assert min(raw) > 0.5
    for topic, call in enumerate(LEFT):
        found = [meaning.likeness(call, solution) for solution in RIGHT]
        assert int(np.argmax(found)) == topic


def test_what_every_call_says_counts_little() -> None:
    for one in LEFT:
        assert one.weights[-1] < 0.1 < 0.5 < min(one.weights[:-1])


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), min_size=1, max_size=60))
def test_a_pair_has_one_likeness_whatever_it_is_compared_with(pairs: list[tuple[int, int]]) -> None:
    rows, cols = (np.array(side, np.int64) for side in zip(*pairs, strict=True))
    together = meaning.likenesses(LEFT, RIGHT, rows, cols)
    for found, (row, col) in zip(together.tolist(), pairs, strict=True):
        assert found == meaning.likeness(LEFT[row], RIGHT[col])
        assert -1 <= found <= 1.001


def test_passages_begin_with_the_gist_and_name_no_place() -> None:
    call = replace(CALLS[0], prefecture="06", summary="除雪の見える化")
    texts = meaning.texts(call)
    assert texts[0].startswith(f"{call.title}。{call.summary}。")
    assert texts[1] == call.title
    assert len(texts) <= MOST_PASSAGES - 1
    assert not any("山形" in text for text in texts)
    bare = meaning.texts(replace(SOLUTIONS[0], summary="", solves="", brings=""))
    assert bare == (SOLUTIONS[0].title,)


def market(vectors: bool) -> tuple[list[Listing], list[Listing]]:
    left = [
        listing(facts, profile(facts), 1, CALL_MATRICES[i] if vectors else None)
        for i, facts in enumerate(CALLS)
    ]
    right = [
        listing(facts, profile(facts), 1, SOLUTION_MATRICES[i] if vectors else None)
        for i, facts in enumerate(SOLUTIONS)
    ]
    return left, right


def test_an_epoch_keeps_its_frame(tmp_path: Path) -> None:
    made = epochs.build(*market(vectors=True), model="small/32")
    assert made.name != epochs.build(*market(vectors=False)).name
    epochs.save(made, tmp_path)
    found = epochs.current(tmp_path)
    assert found is not None
    assert found.frame is not None
    assert (found.name, found.frame.model) == (made.name, "small/32")
    a, b = made.call_meaning(CALL_MATRICES[0]), found.call_meaning(CALL_MATRICES[0])
    assert a is not None
    assert b is not None
    assert np.array_equal(a.rows, b.rows)
    assert np.array_equal(a.weights, b.weights)


def test_an_epoch_without_vectors_has_no_frame(tmp_path: Path) -> None:
    epochs.save(epochs.build(*market(vectors=False)), tmp_path)
    found = epochs.current(tmp_path)
    assert found is not None
    assert found.frame is None
    assert found.call_meaning(CALL_MATRICES[0]) is None


@pytest.mark.parametrize("count", [1, 20])
def test_copies_move_no_frame(count: int) -> None:
    left, right = market(vectors=True)
    copies = [replace(right[3], id=1000 + i) for i in range(count)]
    plain = epochs.build(left, right, model="m")
    assert epochs.build(left, [*right, *copies], model="m").name == plain.name


def test_meaning_counts_when_both_sides_have_vectors_and_drops_out_otherwise() -> None:
    epoch = epochs.build(*market(vectors=True), model="m")
    call, solution = CALLS[0], SOLUTIONS[0]
    near = subject(call, profile(call), epoch, CALL_MATRICES[0])
    parts = {}
    for name, matrix in {
        "same": SOLUTION_MATRICES[0],
        "other": SOLUTION_MATRICES[5],
        "none": None,
        "short": SOLUTION_MATRICES[0][:, :8],
    }.items():
        found = score(near, subject(solution, profile(solution), epoch, matrix), epoch)
        parts[name] = next(part for part in found.parts if part.code == "meaning"), found.value
    assert parts["none"][0].value is parts["short"][0].value is None
    assert parts["none"][1] == parts["short"][1]
    assert parts["same"][1] > parts["other"][1]
    assert parts["same"][0].contribution > parts["other"][0].contribution >= 0
