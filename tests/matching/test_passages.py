"""Need counts, procedure hardly does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.sentences import (
    HEADING_WEIGHT,
    PREAMBLE_WEIGHT,
    PROCEDURE_WEIGHT,
    weighted_sentences,
)
from tests.matching.samples import BOILERPLATE_AFTER, BOILERPLATE_BEFORE, CALLS
from workers.matching.passages import CALL_FIELDS, passages


@pytest.mark.parametrize(
    "sentence",
    [
        "夜中に除雪を終えても、どの道がまだなのか住民には分かりません。",
        "補助金の審査に職員が追われ、窓口の受付が混み合います。",
        "避難所の名簿を紙で作っているため、集計に半日かかります。",
        "保護者への電話連絡を減らし、FAXのやりとりをなくしたい。",
        "公民館を拠点に、高齢者の移動を支える方法を求めます。",
        "図書の郵送を希望する人が増えています。",
    ],
)
def test_a_sentence_of_need_counts_in_full(sentence: str) -> None:
    assert list(weighted_sentences(sentence)) == [(sentence, 1.0)]


@pytest.mark.parametrize(
    "sentence",
    [
        "応募資格は、市税を滞納していない法人とします。",
        "提案書は８月３１日午後５時までに提出してください。",
        "個人情報の取扱いについては、関係法令を遵守すること。",
        "選定委員会が書類審査とプレゼンテーションにより選定します。",
        "お問い合わせ先：企画課　電話 000-111-2222",
        "暴力団員または暴力団と関係を有する者でないこと。",
        "成果に係る知的財産権の帰属は協議により定めます。",
    ],
)
def test_procedure_hardly_counts(sentence: str) -> None:
    assert list(weighted_sentences(sentence)) == [(sentence, PROCEDURE_WEIGHT)]


@pytest.mark.parametrize(
    "sentence",
    [
        "本市は豊かな自然に恵まれ、観光と農業を基幹産業として発展してきました。",
        "人口減少と少子高齢化が進み、地域課題は多様化しています。",
        "総合計画では、誰もが安心して暮らせるまちを将来像に掲げています。",
        "弊社は全国の自治体に多数の導入実績があります。",
    ],
)
def test_introductions_and_advertising_count_little(sentence: str) -> None:
    assert list(weighted_sentences(sentence)) == [(sentence, PREAMBLE_WEIGHT)]


def test_what_stands_under_a_heading_of_procedure_is_procedure() -> None:
    text = "■応募資格\n県内で三年以上活動していること。\n・代表者がいること\n■課題\n橋の点検が追いつきません。"
    assert [weight for _, weight in weighted_sentences(text)] == [
        PROCEDURE_WEIGHT,
        PROCEDURE_WEIGHT,
        PROCEDURE_WEIGHT,
        HEADING_WEIGHT,
        1.0,
    ]


@given(st.text(st.sampled_from("雪道。！？\n 1２【】■応募a、（\r\u2028\ud800")))
def test_no_letter_is_lost_or_invented(text: str) -> None:
    kept = "".join("".join(sentence.split()) for sentence, _ in weighted_sentences(text))
    letters = [char for char in text if char.isalnum()]
    assert [char for char in kept if char.isalnum()] == letters


def test_fields_come_with_their_weight_and_the_title_is_never_boilerplate() -> None:
    call = replace(
        CALLS[0], title="応募資格の確認を楽に", problem="道が凍ります。", wanted="", details=""
    )
    found = {(p.field, p.text): p.weight for p in passages(call)}
    assert found == {
        ("title", "応募資格の確認を楽に"): CALL_FIELDS["title"],
        ("problem", "道が凍ります。"): CALL_FIELDS["problem"],
    }


def test_boilerplate_around_a_need_leaves_its_weight_alone() -> None:
    need = "猟友会の高齢化で、わなの見回りが続けられません。"
    weights = dict(weighted_sentences(f"{BOILERPLATE_BEFORE}{need}{BOILERPLATE_AFTER}"))
    assert weights.pop(need) == 1.0
    assert max(weights.values()) <= PREAMBLE_WEIGHT
