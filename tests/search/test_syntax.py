"""The signs of a typed query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.syntax import pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("子育て 介護", ["子育て", "介護"]),
        ("子育て　介護", ["子育て", "介護"]),
        ('"官民 連携" 窓口', ["「官民 連携」", "窓口"]),
        ("“官民連携”", ["「官民連携」"]),
        ("＂官民連携＂", ["「官民連携」"]),
        ('"閉じない 窓口', ["閉じない", "窓口"]),
        ('""', []),
        ("-補助金 除雪", ["-補助金", "除雪"]),
        ("除雪 －補助金", ["除雪", "-補助金"]),
        ("除雪 −補助金", ["除雪", "-補助金"]),
        ('除雪 -"雪 かき"', ["除雪", "-「雪 かき」"]),
        ("e-learning", ["e-learning"]),
        ("データー", ["データー"]),
        ("除雪 - 補助金", ["除雪", "-", "補助金"]),
        ("子育て OR 介護", ["子育て", "|介護"]),
        ("子育て ＯＲ 介護 または 防災", ["子育て", "|介護", "|防災"]),
        ("子育て | 介護", ["子育て", "|介護"]),
        ("子育て or 介護", ["子育て", "or", "介護"]),
        ("OR 介護", ["介護"]),
        ("子育て OR", ["子育て"]),
        ("子育て AND 介護 ＡＮＤ 防災", ["子育て", "介護", "防災"]),
        ("子育て OR -介護", ["子育て", "-介護"]),
    ],
)
def test_signs_are_told_from_words(text: str, expected: list[str]) -> None:
    def shown(start: int, end: int, phrase: bool, without: bool, joined: bool) -> str:
        typed = f"「{text[start:end]}」" if phrase else text[start:end]
        return ("-" if without else "") + ("|" if joined else "") + typed

    found = [shown(p.start, p.end, p.phrase, p.without, p.joined) for p in pieces(text)]
    assert found == expected


@given(st.text(alphabet=st.one_of(st.sampled_from('"-－“” |OR除雪ア　'), st.characters())))
def test_any_text_has_pieces_in_order_that_do_not_overlap(text: str) -> None:
    end = 0
    for piece in pieces(text):
        assert end <= piece.start < piece.end <= len(text)
        assert text[piece.start : piece.end].strip()
        end = piece.end
