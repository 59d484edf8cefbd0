"""Copies are one offer, and its oldest post stands for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.matching.channels import shingles
from workers.matching.copies import COPY, canonical, copy_pairs, jaccard

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


@given(st.lists(st.sets(st.integers(0, 12), min_size=1), max_size=12))
def test_the_join_finds_what_comparing_all_pairs_finds(sets: list[set[int]]) -> None:
    texts = [np.array(sorted(own), np.uint32) for own in sets]
    expected = [
        (i, j)
        for i in range(len(texts))
        for j in range(i + 1, len(texts))
        if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= COPY
    ]
    assert sorted(copy_pairs(texts)) == expected


def test_chains_join_and_the_oldest_stands_for_all() -> None:
    ages = [(30, "a"), (10, "b"), (20, "c"), (5, "d")]
    assert canonical([7, 8, 9, 4], ages, [(0, 1), (1, 2)]) == {7: 8, 8: 8, 9: 8, 4: 4}


def test_of_equally_old_posts_the_text_decides() -> None:
    assert canonical([1, 2], [(10, "b"), (10, "a")], [(0, 1)]) == {1: 2, 2: 2}


@pytest.mark.parametrize("ids", [[1, 2, 3], [3, 1, 2]])
def test_order_of_pairs_does_not_matter(ids: list[int]) -> None:
    ages = [(id_, str(id_)) for id_ in ids]
    pairs = [(0, 1), (1, 2)]
    assert canonical(ids, ages, pairs) == canonical(ids, ages, pairs[::-1]) == dict.fromkeys(ids, 1)
