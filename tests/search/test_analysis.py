"""Pinned phrases, and what holds for any text at all."""

import threading
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sudachipy import Dictionary, SplitMode

from search.analysis import (
    ANALYSIS_VERSION,
    bigrams,
    characters,
    fold,
    hiragana,
    is_kana,
    readings,
    synonym_groups,
    terms,
    tokenize,
)
from search.vocabulary.wide_groups import WIDE_GROUPS

# Kana, half-width marks, joined and circled characters, emoji parts, names in old shapes.
TRICKY = "がガｶﾞパﾊﾟーｰ-゛ﾞ\u3099㈱㍻①ⅣﬁÅİ髙﨑條葛\U000e0100👩\u200d👧\ud800\x00\ufeff　 。,3％"
RAW = Dictionary().tokenizer(SplitMode.C)
texts = st.text(st.one_of(st.characters(), st.sampled_from(TRICKY)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("官民連携のまちづくり", ["官民連携", "官民", "連携", "町作り"]),
        ("高齢者の見守りサービス", ["高齢者", "高齢", "見守る", "サービス"]),
        ("実証実験フィールドを提供します", ["実証", "実験", "フィールド", "提供"]),
        ("空家の利活用", ["空き家", "利活用"]),
        ("引越し・引っ越し", ["引っ越し", "引っ越し"]),
        ("サーバとサーバー", ["サーバー", "サーバー"]),
        ("ＤＸ推進とAI", ["dx", "推進", "ai"]),
        ("避難所運営", ["避難所", "避難", "運営"]),
        ("再エネ", ["再エネ"]),
        ("お年寄り", ["年寄り"]),
        ("未利用魚", ["未利用魚", "未利用"]),
        ("取り組みを取組む", ["取り組み", "取り組む"]),
        ("東京都", ["東京都", "東京"]),
        ("京都府京都市", ["京都府京都市", "京都", "京都"]),
        ("68,428千円", ["68428000", "円"]),
        ("R7年度とCO2", ["r7", "年度", "co2"]),
        ("それはどうすればよいことですか", []),
        ("！？…「」", []),
    ],
)
def test_pinned_phrases(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ｱﾌﾟﾘ", "アプリ"),
        ("ＥＶ　充電", "ev 充電"),
        ("ｶﾞｸﾄﾞｳ", "ガクドウ"),
        ("サ－バ－", "サーバー"),
        ("髙島屋", "高島屋"),
        ("四條畷市", "四条畷市"),
        ("龍ヶ崎市", "龍ケ崎市"),
        ("葛\U000e0100城市", "葛城市"),
        ("か\u3099くどう", "がくどう"),
        ("㈱あおば", "(株)あおば"),
        ("保\u200b育", "保育"),
    ],
)
def test_spellings_of_one_word_are_one_word(first: str, second: str) -> None:
    assert terms(first) == terms(second)


@pytest.mark.parametrize(
    ("text", "kana"),
    [
        ("子育て支援", ["こそだて", "しえん"]),
        ("石巻市", ["いしのまきし", "いしのまき"]),
        ("避難所", ["ひなんしょ", "ひなん"]),
        ("アプリ", ["あぷり"]),
    ],
)
def test_readings_are_hiragana(text: str, kana: list[str]) -> None:
    assert readings(text) == kana


def test_words_of_one_meaning_share_a_group_and_all_purpose_words_have_none() -> None:
    assert set(synonym_groups("高齢者")) & set(synonym_groups("シニア"))
    assert set(synonym_groups("公民連携")) & set(synonym_groups("官民連携"))
    assert synonym_groups("活用 利用 7") == []


@pytest.mark.parametrize(("first", "second"), WIDE_GROUPS)
def test_a_group_called_wide_exists_and_joins_nothing(first: str, second: str) -> None:
    raw = [RAW.tokenize(word)[0].synonym_group_ids() for word in (first, second)]
    assert set(raw[0]) & set(raw[1])
    assert not set(synonym_groups(first)) & set(synonym_groups(second))


def test_bigrams_leave_grammar_out_and_latin_words_whole() -> None:
    assert bigrams("空き家をAIで") == ["空き", "き家", "家を", "ai"]
    assert bigrams("家 AI") == ["ai"]
    assert bigrams("もっとはやく") == []
    assert characters("空き家のアプリ。AI") == ["空", "家", "ア", "プ", "リ"]


def test_kana_helpers() -> None:
    assert hiragana("コソダテ支援") == "こそだて支援"
    assert is_kana("こそだて")
    assert is_kana("ｺｿﾀﾞﾃ")
    assert not is_kana("子そだて")
    assert not is_kana("")


def test_the_version_names_the_dictionary() -> None:
    assert "core2" in ANALYSIS_VERSION


@given(texts)
def test_any_text_gives_tokens_that_point_into_it(text: str) -> None:
    end = 0
    for token in tokenize(text):
        assert 0 <= token.start < token.end <= len(text)
        assert token.end >= end
        end = token.end
        assert token.form
        assert not any(char.isspace() for term in (token.form, *token.units) for char in term)
        assert token.surface in fold(text[token.start : token.end])


@given(texts)
def test_any_text_survives_every_channel(text: str) -> None:
    for channel in (terms, readings, synonym_groups, bigrams, characters):
        assert all(isinstance(value, str) and value for value in channel(text))
        assert channel(text) == channel(text)


@given(st.text(st.sampled_from("あがパ漢字育てEVｅｖ１2ｱﾌﾟﾘ・、 ")))
def test_width_and_case_and_composition_do_not_matter(text: str) -> None:
    expected = terms(text)
    assert terms(text.upper()) == expected
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert terms(unicodedata.normalize(form, text)) == expected


def test_long_texts_are_cut_where_no_word_is() -> None:
    sentence = "官民連携のまちづくりを進めます。"
    assert len(tokenize(sentence * 4_000)) == 4_000 * len(tokenize(sentence))
    assert tokenize("漢" * 60_000)


def test_threads_do_not_disturb_one_another() -> None:
    text = "子育て世帯の居場所づくりを官民連携で進めます。" * 40
    expected, wrong = terms(text), []

    def work() -> None:
        for _ in range(5):
            if terms(text) != expected:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
