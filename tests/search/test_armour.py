"""Opaque words keep their characters one by one and can be read back."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from search.analysis import exact_units, terms
from search.armour import EVERY, armour, armoured, spelled, unarmour


@given(st.text())
def test_every_word_of_any_text_comes_back(text: str) -> None:
    for word in terms(text):
        opaque = armour(word)
        assert unarmour(opaque) == word
        assert len(opaque) == len(word)
        assert armour(opaque) == opaque or opaque.isascii()


def test_no_engine_sees_a_script_in_an_opaque_word() -> None:
    for word in ("官民連携", "サーバー", "wi-fi", "空き家", "é"):
        for opaque in (armour(word), spelled(word)):
            assert {unicodedata.category(char) for char in opaque} == {"Co"}
            assert unicodedata.normalize("NFKD", opaque) == opaque
    assert armour("co2") == "co2"


@given(st.text())
def test_no_letter_is_taken_for_a_word_and_no_word_for_the_one_of_every_listing(text: str) -> None:
    letters = set(spelled(" ".join(exact_units(text))).split())
    words = set(armoured(terms(text)).split())
    assert not letters & words
    assert EVERY not in letters | words


def test_letters_of_different_parts_stand_apart() -> None:
    assert unarmour(spelled("空 家 ¶ d1 ¶  ¶ 町")) == "空 家. d1. 町"


def test_a_word_too_long_for_an_engine_is_cut_not_lost() -> None:
    assert all(0 < len(word) <= 60 for word in armoured(["ヴ" * 500]).split())
