"""A query that is still being typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.analysis import tokenize
from search.completion import completions, last_piece
from search.lexicon import words_of
from search.slips import Vocabulary

TEXT = """子育て世帯の見守り。子育て支援の拠点。空き家の活用。オンデマンド交通。Community cafe。
高齢者を見守る人を見つけたい。こどもと子どもの居場所。"""


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(dict.fromkeys(words_of(tokenize(TEXT)), 2))


def completed(text: str, vocabulary: Vocabulary) -> list[str]:
    return [each.text for each in completions(text, vocabulary, 5)]


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("こそ", ["子育て"]),
        ("高齢者 み", ["高齢者 見守り", "高齢者 見守る"]),
        ("見", ["見守り", "見守る"]),
        ("空き家の活", ["空き家の活用"]),
        ("空き家　かつ", ["空き家　活用"]),
        ("オンデ", ["オンデマンド"]),
        ("ＣＯＭ", ["community"]),
        ("活用", []),
        ("ぬぬぬ", []),
        ("-空", []),
        ('"空き', ['"空き家']),
        ('"空き家"', []),
        ("", []),
        ("　", []),
    ],
)
def test_the_last_word_is_completed(typed: str, whole: list[str], vocabulary: Vocabulary) -> None:
    assert completed(typed, vocabulary) == whole


def test_kana_become_kanji_and_no_latin_letters(vocabulary: Vocabulary) -> None:
    assert completed("こみ", vocabulary) == []
    assert completed("こど", vocabulary) == ["子ども"]


def test_no_more_than_wanted(vocabulary: Vocabulary) -> None:
    assert len(completions("子", vocabulary, 2)) == 2


@pytest.mark.parametrize(
    ("text", "start"),
    [("子育て", 0), ("子育て 東", 4), ("-東", -1), ('"東"', -1), ("", -1), ("a OR", -1)],
)
def test_where_the_last_part_begins(text: str, start: int) -> None:
    assert last_piece(text) == start


@given(st.text(max_size=60))
def test_what_stands_before_the_last_word_is_never_changed(
    vocabulary: Vocabulary, text: str
) -> None:
    for each in completions(text, vocabulary, 3):
        assert text.startswith(each.earlier)
        assert each.word
