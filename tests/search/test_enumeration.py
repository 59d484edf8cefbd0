"""Bare enumeration is recognised, honest lists in sentences are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.enumeration import is_noun_phrase, pieces, prose_factor


def enumeration_share(text: str) -> float:
    cut = list(pieces(text))
    assert "".join(piece for piece, _ in cut) == text
    return sum(len(piece) for piece, listed in cut if listed) / len(text) if text else 0.0


STUFFED = "除雪、鳥獣被害、漏水、検針、産後ケア、図書館、観光、防災、空き家、地域医療、交通。"


def test_a_list_of_nouns_is_all_enumeration() -> None:
    assert enumeration_share(STUFFED) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "除雪車の位置を地図で知らせ、問い合わせを減らし、記録を作り、費用を示します。",
        "対象は、畑、果樹園、水田です。",
        "電池で一年動く発信機を、わなに付けます。",
        "申し込む、選ぶ、届く、返すの四つの手順で使えます。",
    ],
)
def test_prose_is_none(text: str) -> None:
    assert enumeration_share(text) == 0.0


def test_the_share_falls_with_the_prose_around_it() -> None:
    prose = "除雪車の位置を地図で知らせ、役場への問い合わせを減らします。"
    assert 0.2 < enumeration_share(STUFFED + prose) < 0.8


@pytest.mark.parametrize(
    ("item", "is_one"),
    [("空き家の活用", True), ("子どもや高齢者", True), ("見守りを行う", False), ("", False)],
)
def test_noun_phrases(item: str, is_one: bool) -> None:
    assert is_noun_phrase(item) is is_one


@given(st.text())
def test_the_share_is_a_share(text: str) -> None:
    assert 0 <= enumeration_share(text) <= 1


def test_a_short_list_is_free_and_a_long_one_costs_ever_more() -> None:
    assert prose_factor(0.0) == prose_factor(0.1) == 1.0
    assert 1.0 > prose_factor(0.2) > prose_factor(0.4) > prose_factor(0.8) > prose_factor(1.0)
    assert prose_factor(1.0) == pytest.approx(0.0)


def test_the_same_kana_between_words_are_no_sentence() -> None:
    said = "これは".join(["山林", "境界", "地籍", "航空写真", "所有者", "相続", "測量"])
    listed = [piece for piece, bare in pieces(f"私たちは{said}を解決します。") if bare]
    assert len("".join(listed)) > 0.6 * len(said)
    plain = "子どものための居場所と、親のための相談と、先生のための研修を用意します。"
    assert not [piece for piece, bare in pieces(plain) if bare]
