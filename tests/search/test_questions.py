"""Whole questions reduced to what they ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.questions import core


def left(text: str) -> str:
    """What remains of a question, part by part."""
    parts, at = [], 0
    for start, end in core(text):
        parts.append(text[at:start].strip())
        at = end
    return " ".join(part for part in [*parts, text[at:].strip()] if part)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("雪かきを手伝ってくれる会社ある？", "雪かき 手伝っ"),
        ("介護施設の夜間巡回を手伝ってくれる企業はありますか？", "介護施設 夜間巡回 手伝っ"),
        ("廃校を活用したいのですが", "廃校 活用"),
        ("高齢者のスマホ教室をやっている企業を教えてください", "高齢者 スマホ教室"),
        ("雪下ろしができる人を探しています", "雪下ろし"),
        ("うちの町でも使える防災アプリないですか", "防災アプリ"),
        ("空き家が増えて困っています、何かいい方法は？", "空き家 増え"),
        ("議事録を自動で作ってほしい", "議事録 自動 作っ"),
        ("誰か猪を捕まえてくれませんか", "猪 捕まえ"),
        ("イノシシ対策でおすすめのサービス", "イノシシ対策"),
        ("観光客を増やすにはどうすればいい", "観光客 増やす"),
        ("職員が足りない時に助けてくれる仕組みってある", "職員 足り 助け"),
        ("ゴミの収集を効率化できないか", "ゴミ 収集 効率化"),
        ("バスの運転手が足りない町で使えるものは何か", "バス 運転手 足り"),
        ("水道管の漏水を見つける技術を持つ企業", "水道管 漏水"),
        ("見守りサービスを提供している会社", "見守りサービス"),
        ("除雪車の位置が知りたい", "除雪車 位置"),
        ("自治体DXを進めたい", "自治体DX"),
        ("子どもの居場所をつくるために使える補助金は？", "子ども 居場所 つくる 補助金"),
        ("停電しても避難所の電気を使えるようにするには", "停電 避難所 電気"),
        ("赤ちゃんのことを相談できるところ", "赤ちゃん"),
        ("防災について相談したいです", "防災"),
        ("商店街の空き店舗を何とかしたい。どんな取り組みがありますか", "商店街 空き店舗"),
        ("子育てアプリのおすすめを教えて", "子育てアプリ"),
        ("公園の遊具の点検をお願いしたいのですが、どこに頼めばいいですか", "公園 遊具 点検"),
    ],
)
def test_a_question_keeps_what_it_asks(question: str, asked: str) -> None:
    assert left(question) == asked


@pytest.mark.parametrize(
    "keywords",
    [
        "子育て支援 アプリ",
        "企業誘致",
        "会社 防災",
        "サービス",
        "自治体",
        "官民連携",
        "東京都 見守り",
        "PoC",
        "",
    ],
)
def test_keywords_are_left_alone(keywords: str) -> None:
    assert core(keywords) == ()


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("どこに相談すればいいですか", "相談"),
        ("会社を探しています", "会社"),
        ("どんなサービスがありますか", "サービス"),
        ("うちの町でも使えるツール", "ツール"),
        ("困っている", "困っ"),
    ],
)
def test_something_always_remains(question: str, asked: str) -> None:
    assert left(question) == asked


def test_the_thing_itself_is_no_head_of_a_question() -> None:
    assert left("企業の脱炭素を進めたい") == "企業 脱炭素"
    assert left("自治体と組みたい") == "自治体 組み"
    assert left("会社の引っ越しを手伝ってほしい") == "会社 引っ越し 手伝っ"


WILD = st.lists(
    st.sampled_from(
        [
            "雪かき",
            "を",
            "手伝っ",
            "て",
            "くれる",
            "会社",
            "ある",
            "？",
            "、",
            "です",
            "か",
            "の",
            " ",
        ]
    )
    | st.characters(),
    max_size=30,
).map("".join)


@given(WILD)
def test_spans_lie_in_any_text_in_order(text: str) -> None:
    end = -1
    for start, stop in core(text):
        assert end < start < stop <= len(text)
        end = stop
