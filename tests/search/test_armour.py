"""Opaque words keep their characters one by one and can be read back."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from search.analysis import terms
from search.armour import armour, armoured_readings, armoured_text, unarmour


@given(st.text())
def test_every_word_of_any_text_comes_back(text: str) -> None:
    for word in terms(text):
        opaque = armour(word)
        assert unarmour(opaque) == word
        assert len(opaque) == len(word)
        assert armour(opaque) == opaque or opaque.isascii()


def test_no_engine_sees_a_script_in_an_opaque_word() -> None:
    for word in ("官民連携", "サーバー", "wi-fi", "空き家", "é"):
        assert {unicodedata.category(char) for char in armour(word)} == {"Co"}
        assert unicodedata.normalize("NFKD", armour(word)) == armour(word)
    assert armour("co2") == "co2"


def test_a_text_is_words_and_sentences() -> None:
    words = armoured_text("空家の活用。\nDXを推進！")
    assert [unarmour(word) for word in words.split()] == ["空き家", "活用.", "dx", "推進"]
    assert unarmour(armoured_readings("空家の活用")) == "あきや かつよう"
    assert armoured_text("。、") == ""


def test_a_word_too_long_for_an_engine_is_cut_not_lost() -> None:
    assert all(len(word) <= 60 for word in armoured_text("ヴ" * 500).split())
    assert armoured_text("ヴ" * 500)
