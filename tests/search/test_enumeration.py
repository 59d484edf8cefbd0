"""Bare enumeration is recognised, honest lists in sentences are not."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search.enumeration import pieces, prose_factor


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
def test_a_noun_phrase_is_the_fourth_of_a_list_and_nothing_else_is(item: str, is_one: bool) -> None:
    assert any(listed for _, listed in pieces(f"除雪、介護、観光、{item}")) is is_one


# fmt: off
WORDS = [
    "融雪", "凍結路面", "屋根の雪", "雪捨て場", "通学路", "歩道", "流雪溝", "排雪", "吹きだまり", "雪崩",
    "空き店舗", "商店街", "事業承継", "移住相談", "待機児童", "学童保育", "産前産後", "乳児健診", "読み聞かせ", "給食",
]
MARKS = [
    *"、，,・/;|。．.!？→〜～：:☆×+＆&=_-－—…‥※●■★♪🌟", "、、", "」「", "』『", "）（", "】【", "（", "\u200b、",
    " ", "　", "\t", "\n", "\r\n", "\n\n", "\n・", "\n- ", "\n* ", "\n■", "\n1. ", "\n① ", " | ",
    "<br>", "</li><li>", " https://example.jp/ ",
    "と", "や", "の", "及び", "または", "から", "に、", "も、", "は、", "など、", " の ", "と、",
]
# fmt: on


@pytest.mark.parametrize("mark", MARKS)
def test_a_list_is_one_whatever_parts_its_words(mark: str) -> None:
    assert enumeration_share(mark.join(WORDS)) > 0.8


@pytest.mark.parametrize(
    "said",
    [
        "{}に対応します。",
        "{}を解決、",
        "{}を支援し、",
        "{}のご相談を承ります。",
        "{}も得意です\n",
        "{}の会社として、",
        "{}とは、町でよく聞かれる困りごとのことです。",
        "{}とは何かを、ここに短くまとめておきます。",
        "{}なら",
        "「{}」に対応。",
    ],
)
def test_the_same_words_behind_every_noun_are_a_list(said: str) -> None:
    assert enumeration_share("".join(said.format(word) for word in WORDS)) > 0.5


def test_taking_turns_with_the_words_behind_is_a_list_too() -> None:
    turns = ("に対応します。", "を支援します。", "の実績があります。", "もお任せください。")
    said = "".join(word + turns[i % len(turns)] for i, word in enumerate(WORDS))
    assert enumeration_share(said) > 0.7
    both = "".join(f"{a}から{b}まで、" for a, b in zip(WORDS[::2], WORDS[1::2], strict=True))
    assert enumeration_share(both) > 0.7


HONEST = {
    "clauses": """・わなが作動すると、見回り当番の携帯電話に知らせが届きます。
・電池は一年もち、山の中でも電波が届きます。
・捕獲の記録は、報告書の様式で出力できます。
・設置には半日かかります。""",
    "short clauses": """- 雪の深さを測る
- 道ごとに色で示す
- 役場に知らせる
- 記録を残す
- 費用を比べる""",
    "sequence": "現地を歩き、写真を撮り、台帳と比べ、直す順を決め、予算を示します。",
    "table": """大きさ：幅120mm×奥行80mm×高さ45mm
重さ：300g
電池：単3形2本で18か月
通信：4G、月1.2GBまで
使える温度：-20℃〜50℃""",
    "contact": """〒980-0000 青森県雪見市本町1丁目2-3 雪見ビル4階
電話 000-111-2222（平日9:00〜17:30）
メール info@example.jp
https://www.example.jp/yuki/contact/index.html""",
    "dates": "質問 1月10日まで、提出 2月3日17時、面接 2月中旬、結果 3月1日。",
    "opening hours": "月曜 9:00-17:00／火曜 9:00-17:00／水曜 休み／木曜 13:00-19:00",
    "english": """We help towns find leaks before the road gives way. Sensors listen at night, and
crews get a map in the morning. It is small, cheap and easy to move from one street to the next.""",
    "quotes": "窓口では「書き方が分からない」「何度も同じことを書く」「待つ時間が長い」という声が続きます。",
    "ends alike": """受付の時間を半分にします。書き間違いを係が直す手間も減らします。
窓口に来る前に家で下書きができます。用紙を探す必要がなくなります。""",
    "nouns": "高齢者の見守りや買い物の支援と通院の足の確保を、一つの車で担います。",
}


@pytest.mark.parametrize("kind", HONEST)
def test_what_says_something_is_no_list(kind: str) -> None:
    assert enumeration_share(HONEST[kind]) == 0.0


def test_a_title_is_no_part_of_the_list_below_it() -> None:
    assert enumeration_share("雪みち案内\n除雪、排雪、融雪をまとめて見ます。") == 0.0


wild = st.text(
    st.one_of(
        st.characters(), st.sampled_from("雪道のとはを、。<>「」1年mａｂ \n_ー々\u3099\u200b")
    )
)


@given(wild)
def test_the_share_is_a_share(text: str) -> None:
    assert 0 <= enumeration_share(text) <= 1


@given(st.text(st.characters(exclude_categories=("L", "M", "N", "C")), min_size=1, max_size=9))
def test_no_run_of_marks_hides_a_list(mark: str) -> None:
    assume("<" not in mark and ">" not in mark)
    assert enumeration_share(mark.join(WORDS)) > 0.8


@pytest.mark.parametrize(
    "piece", ["<", "の", "とは", "a ", "1,", "ああ", "\u3099", "雪を", "「", "a-", "は雪"]
)
def test_strange_texts_are_read_to_their_end(piece: str) -> None:
    text = piece * 4000
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
