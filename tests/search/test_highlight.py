"""Passages are slices of the original, around the words that answer the query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.highlight import snippet

TEXT = (
    "港の清掃は月に一度です。" * 12
    + "子育て世帯からは、放課後の居場所がほしいという声があります。"
    + "港の清掃は月に一度です。" * 12
)


def marked(text: str, query: str, width: int = 60) -> list[str]:
    return [piece for piece, matched in snippet(text, query, width=width) if matched]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("居場所 放課後", ["放課後", "居場所"]),
        ("こそだて", ["子育て"]),
        ("いばしょほうかご", ["放課後", "居場所"]),
        ("児童クラブ", []),
        ("", []),
    ],
)
def test_the_passage_with_most_words_of_the_query_is_shown(query: str, expected: list[str]) -> None:
    assert marked(TEXT, query) == expected


def test_the_original_spelling_is_shown_and_marked() -> None:
    assert marked("ＡＩとﾄﾞﾛｰﾝの㈱あおば", "ai ドローン") == ["ＡＩ", "ﾄﾞﾛｰﾝ"]
    assert marked("お年寄りの外出", "高齢者") == ["年寄り"]


def test_a_passage_opens_with_its_sentence() -> None:
    assert snippet(TEXT, "放課後", width=60)[0][0].startswith("子育て世帯からは")


def test_nothing_is_escaped_here() -> None:
    assert snippet("<b>防災</b>", "防災") == [("<b>", False), ("防災", True), ("</b>", False)]


@given(text=st.text(max_size=400), query=st.text(max_size=20), width=st.integers(-5, 80))
def test_the_pieces_join_to_a_stretch_of_the_text(text: str, query: str, width: int) -> None:
    pieces = snippet(text, query, width=width)
    joined = "".join(piece for piece, _ in pieces)
    assert joined in text
    assert all(piece for piece, _ in pieces)
    assert bool(joined) == bool(text)


@given(st.lists(st.sampled_from(["防災", "の", "備え", "ｶﾞ", "か\u3099", "。"]), max_size=60))
def test_what_is_marked_is_what_was_asked(parts: list[str]) -> None:
    text = "".join(parts)
    for piece, matched in snippet(text, "防災", width=30):
        assert not matched or piece == "防災"
