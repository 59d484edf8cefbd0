"""Copies are one offer, and its oldest post stands for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.matching.channels import shingles
from workers.matching.copies import (
    COPY,
    Clusters,
    Pieces,
    Shingles,
    canonical,
    copy_pairs,
    jaccard,
)

TEXT = (
    "電池で一年動く発信機と、イノシシの出没を地図にする画面を提供します。設置は一日で終わります。"
)
CHANGED = TEXT.replace("一日で", "半日で")
OTHER = "助産師が交代で答え、必要なら保健師へつなぎます。夜間と休日も使えます。"


def test_a_changed_word_is_still_a_copy_and_another_text_is_none() -> None:
    texts = [shingles(text) for text in (TEXT, OTHER, CHANGED)]
    assert jaccard(texts[0], texts[2]) > COPY
    assert jaccard(texts[0], texts[1]) == 0
    assert copy_pairs(texts) == [(0, 2)]


def test_empty_texts_are_no_copies() -> None:
    nothing = np.zeros(0, np.uint32)
    assert jaccard(nothing, nothing) == 0
    assert copy_pairs([]) == []


Sets = list[frozenset[int]]
SETS = st.lists(st.frozensets(st.integers(0, 12), min_size=1), max_size=12)


def arrays(sets: Sets) -> list[Shingles]:
    return [np.array(sorted(own), np.uint32) for own in sets]


def alike(a: frozenset[int], b: frozenset[int]) -> bool:
    return len(a & b) / len(a | b) >= COPY


@given(SETS)
def test_the_join_finds_what_comparing_all_pairs_finds(sets: Sets) -> None:
    distinct = list(dict.fromkeys(sets))
    expected = [(i, j) for j, b in enumerate(distinct) for i in range(j) if alike(distinct[i], b)]
    assert sorted(copy_pairs(arrays(distinct))) == sorted(expected)


def elected(texts: Sets, ages: list[tuple[int, str]]) -> dict[int, int]:
    """The rule once more: oldest first, each pair of texts compared."""
    heads: dict[int, int] = {}
    for i in sorted(range(len(texts)), key=lambda i: (*ages[i], i)):
        older = [j for j in heads if heads[j] == j and alike(texts[i], texts[j])]
        heads[i] = min(older, key=lambda j: (*ages[j], j), default=i)
    return heads


@given(SETS, st.integers(0, 11), st.data())
def test_the_oldest_copy_that_stands_for_itself_stands_for_a_post(
    sets: Sets, again: int, data: st.DataObject
) -> None:
    texts = [*sets, *sets[again : again + 2]]
    ages = [(data.draw(st.integers(0, 5)), "") for _ in texts]
    assert canonical(range(len(texts)), ages, arrays(texts)) == elected(texts, ages)


@given(SETS, st.frozensets(st.integers(0, 12), min_size=1))
def test_the_index_misses_no_copy(sets: Sets, text: frozenset[int]) -> None:
    index = Pieces.of(arrays(sets))
    found = set(index.overlapping(*arrays([text])).tolist())
    assert found >= {i for i, own in enumerate(sets) if alike(own, text)}


@given(SETS, st.lists(st.integers(0, 11), max_size=6))
def test_clusters_are_kept_as_posts_come_and_go(sets: Sets, gone: list[int]) -> None:
    texts = {own: number for number, own in enumerate(dict.fromkeys(sets))}
    clusters = Clusters()
    for i, own in enumerate(sets):
        others = [(j, texts[sets[j]]) for j in range(i) if alike(own, sets[j])]
        clusters.join(i, texts[own], others)
    left = [i for i in range(len(sets)) if i not in gone]
    for i in gone:
        if i < len(sets):
            clusters.leave(i, texts[sets[i]])
    joined = {i: {i} for i in left}
    for j in left:
        for i in left:
            if alike(sets[i], sets[j]):
                whole = joined[i] | joined[j]
                joined |= dict.fromkeys(whole, whole)
    for i in left:
        assert clusters.of(i, texts[sets[i]]) == joined[i]


A, V = frozenset(range(10)), frozenset(range(10, 20))
BRIDGE = A | V  # half the one and half the other


def test_a_post_between_two_others_silences_neither() -> None:
    ages = [(5, "a"), (10, "b"), (20, "c")]
    assert canonical([1, 2, 3], ages, arrays([A, V, BRIDGE])) == {1: 1, 2: 2, 3: 1}


def test_of_equally_old_posts_the_text_decides() -> None:
    assert canonical([1, 2], [(10, "b"), (10, "a")], arrays([A, A])) == {1: 2, 2: 2}


@pytest.mark.parametrize("ids", [[1, 2, 3], [3, 1, 2]])
def test_the_order_of_posts_does_not_matter(ids: list[int]) -> None:
    ages = [(id_, str(id_)) for id_ in ids]
    assert canonical(ids, ages, arrays([A, A, A])) == dict.fromkeys(ids, 1)
