"""What is understood of a query: filters to offer, and what is left of its words."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.documents import AMOUNTS, DEADLINES, NO_DEADLINE, OVER, STATUSES, TARGETS
from search.intent import Choice, FilterSuggestion, Intent, understand
from search.query import FACETS
from search.vocabulary import read_sections
from tests.search.gazetteer import codes, filter_words, gazetteer, table


def understood(text: str) -> Intent:
    return understand(text, gazetteer(), filter_words())


def suggestion(text: str, field: str) -> FilterSuggestion | None:
    """The suggestion for one facet; None when there is none."""
    offered = understood(text).suggestions
    return next((s for s in offered if any(c.field == field for c in s.choices)), None)


# What is typed, the words that may be a filter, its values; `?` where they may mean other things.
AMOUNTS_TYPED = """
500万円以下 | 500万円以下 | 1m 3m 5m
見守り 500万円以下 | 500万円以下 | 1m 3m 5m
５００万円以下 | ５００万円以下 | 1m 3m 5m
五百万円以内 | 五百万円以内 | 1m 3m 5m
5,000,000円以下 | 5,000,000円以下 | 1m 3m 5m
100万円まで | 100万円まで | 1m
百万円まで | 百万円まで | 1m
50万円以下 | 50万円以下 | 1m ?
150万円以下 | 150万円以下 | 1m 3m ?
500万円未満 | 500万円未満 | 1m 3m 5m ?
上限300万 | 上限300万 | 1m 3m
上限額は300万円 | 上限額は300万円 | 1m 3m
予算は最大300万円 | 予算は最大300万円 | 1m 3m
1千万円以上 | 1千万円以上 | over
1000万円超 | 1000万円超 | over
300万円以上 | 300万円以上 | 5m 10m over
2千万円以上 | 2千万円以上 | over ?
1億円以下 | 1億円以下 | 1m 3m 5m 10m over ?
300〜500万円 | 300〜500万円 | 5m
300万円から500万円 | 300万円から500万円 | 5m
100万～1000万円 | 100万～1000万円 | 3m 5m 10m
予算500万 | 予算500万 | 5m ?
500万円 | 500万円 | 5m ?
予算は三百万円くらい | 予算は三百万円くらい | 3m ?
1.5億円 | 1.5億円 | over ?
¥3,000,000 | ¥3,000,000 | 3m ?
under 5 million yen | under 5 million yen | 1m 3m 5m
at least 3 million yen | at least 3 million yen | 5m 10m over
"""
DEADLINES_TYPED = """
3日以内 | 3日以内 | 3d
あと3日 | あと3日 | 3d
あと５日 | あと５日 | 1w ?
1週間以内 | 1週間以内 | 1w
2週間以内に締切 | 2週間以内に締切 | 2w
１か月以内 | １か月以内 | 1m
1ヶ月以内 | 1ヶ月以内 | 1m
今週中 | 今週中 | 1w ?
今週締切の募集 | 今週締切 | 1w ?
来週まで | 来週まで | 2w ?
今月末まで | 今月末まで | 1m ?
本日まで | 本日まで | 3d ?
締切間近 | 締切間近 | 1w
締め切り間近 | 締め切り間近 | 1w
締切が近い募集 | 締切が近い | 1w
締切なし | 締切なし | none
締め切りなし | 締め切りなし | none
随時募集 | 随時募集 | none
within 10 days | within 10 days | 2w ?
closing soon | closing soon | 1w
"""
WORDS_TYPED = """
budget | 予算なし | 予算なし | none
budget | 予算がない | 予算がない | none
budget | 無償 見守り | 無償 | none
budget | 無料 | 無料 | none ?
budget | 実費のみ | 実費 | actual_cost
budget | 委託 | 委託 | contract
budget | 業務委託 道路 | 業務委託 | contract
budget | 要相談 | 要相談 | undecided
kind | PoC | PoC | pilot
kind | ＰｏＣ | ＰｏＣ | pilot
kind | 実証実験 | 実証実験 | pilot
kind | 実証 観光 | 実証 | pilot
kind | 社会実験 | 社会実験 | pilot
kind | アクセラ | アクセラ | accelerator
kind | アクセラレーター | アクセラレーター | accelerator
kind | アクセラレータ | アクセラレータ | accelerator
kind | 提案募集 | 提案募集 | proposal
kind | 公募 | 公募 | proposal
kind | 協業 | 協業 | collaboration
kind | 包括連携協定 | 包括連携協定 | collaboration
offer | データ提供 | データ提供 | data
offer | データの提供 | データの提供 | data
offer | フィールド提供 | フィールド提供 | field
offer | 規制緩和 | 規制緩和 | deregulation
offer | 特区 ドローン | 特区 | deregulation
offer | 職員の協力 | 職員の協力 | staff
offer | 広報 | 広報 | publicity ?
offer | 施設の提供 | 施設の提供 | facility
offer | 施設 | 施設 | facility ?
offer | 伴走支援 | 伴走支援 | mentoring
stage | 実績あり | 実績あり | proven
stage | 実績のある防災サービス | 実績のある | proven
stage | 製品化済み | 製品化済み | product
stage | プロトタイプ | プロトタイプ | prototype
stage | アイデア段階 | アイデア段階 | concept
status | 受付中 | 受付中 | open
status | 受付中の募集 | 受付中の募集 | open
status | 募集中 子育て | 募集中 | open
status | 募集終了 | 募集終了 | closed
status | 終了した募集 | 終了した募集 | closed
status | 募集予定 | 募集予定 | upcoming
target | 見守り 会社 | 会社 | solution
target | 雪かきを手伝ってくれる会社ある？ | 会社 | solution
target | 防災 サービス | サービス | solution ?
target | 空き家 自治体 | 自治体 | call
target | 空き家 募集 | 募集 | call
theme | 観光 | 観光 | tourism
theme | 脱炭素 | 脱炭素 | environment environment.decarbonisation ?
theme | イノシシ | イノシシ | agriculture.wildlife
theme | 雪下ろし | 雪下ろし | snow.roofs
theme | 自治体DX | 自治体DX | gov_dx
theme | 企業誘致 | 企業誘致 | industry.attraction
theme | 企業版ふるさと納税 | 企業版ふるさと納税 | finance.corporate_giving
theme | Older people and care | Older people and care | elderly
theme | 防災アプリ | 防災アプリ | disaster
prefecture | 長野県内の企業 | 長野県 | 20
prefecture | 東北の除雪 | 東北 | 02 03 04 05 06 07
municipality | 東京都府中市の見守り | 東京都府中市 | 132063
"""
ROWS = [
    *(f"amount | {row}" for row in AMOUNTS_TYPED.strip().splitlines()),
    *(f"deadline | {row}" for row in DEADLINES_TYPED.strip().splitlines()),
    *WORDS_TYPED.strip().splitlines(),
]


@pytest.mark.parametrize("row", ROWS)
def test_a_filter_is_recognised(row: str) -> None:
    field, text, words, meant = (part.strip() for part in row.split("|"))
    offered = suggestion(text, field)
    assert offered is not None
    assert offered.words == words == text[offered.start : offered.end]
    values = [value for choice in offered.choices for value in choice.values]
    assert sorted(values) == sorted(meant.removesuffix("?").split())
    assert offered.ambiguous == meant.endswith("?")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("amount", "300万人以上"),
        ("amount", "30人以下"),
        ("amount", "500万"),
        ("amount", "万一の備え"),
        ("amount", "2025年以降"),
        ("amount", "第3千葉"),
        ("deadline", "3日間の研修"),
        ("deadline", "今週の話題"),
        ("deadline", "1週間"),
        ("target", "企業誘致"),
        ("target", "自治体DX"),
        ("target", "製品開発"),
        ("offer", "データセンター"),
        ("offer", "施設園芸"),
        ("kind", "実証済み"),
        ("stage", "構想力"),
        ("theme", "こんにちは"),
    ],
)
def test_words_that_mean_something_else_are_no_filter(field: str, text: str) -> None:
    assert suggestion(text, field) is None


@pytest.mark.parametrize("text", ['"予算なし" 防災', "-無償 防災", '"東京" 防災', "-東京都 防災"])
def test_what_is_quoted_or_excluded_means_itself(text: str) -> None:
    assert [offered.words for offered in understood(text).suggestions] == ["防災"]


@pytest.mark.parametrize(
    ("text", "words", "rest"),
    [
        ("府中市の見守り", "府中市", "見守り"),
        ("見守り 府中市", "府中市", "見守り"),
        ("空き家を府中市で活用", "府中市", "空き家を活用"),
        ("大阪で空き家", "大阪", "空き家"),
        ("空き家 大阪で", "大阪", "空き家"),
        ("長野県内の企業", "長野県", "企業"),
        ("見守り　５００万円以下", "５００万円以下", "見守り"),
        ("見守り 500万円以下 東京", "500万円以下", "見守り 東京"),
        ("見守り、府中市", "府中市", "見守り"),
        ("予算なしで観光", "予算なし", "観光"),
        ("除雪の会社はありますか？", "会社", "除雪"),
        ("雪かきを手伝ってくれる会社ある？", "会社", "雪かきを手伝ってくれる"),
        ("500万円以下", "500万円以下", ""),
        ('"高齢者" 府中市', "府中市", '"高齢者"'),
    ],
)
def test_the_rest_is_the_query_without_the_words(text: str, words: str, rest: str) -> None:
    offered = {s.words: s.rest for s in understood(text).suggestions}
    assert offered[words] == rest


def test_everything_that_words_may_mean_is_offered() -> None:
    (place, theme) = understood("府中 見守り").suggestions
    assert place.choices == tuple(
        Choice("municipality", (codes()[name],))
        for name in ("東京都府中市", "広島県府中市", "広島県府中町")
    )
    assert place.ambiguous
    assert theme.choices[0] == Choice("theme", ("safety.watch",))
    (money,) = understood("補助金").suggestions
    assert {choice.field for choice in money.choices} == {"offer", "budget"}
    (kyoto,) = understood("京都").suggestions
    assert [choice.field for choice in kyoto.choices] == ["prefecture", "municipality"]


def test_surer_filters_come_first() -> None:
    offered = understood("東京 観光 会社 PoC 500万円以下").suggestions
    assert [s.words for s in offered] == ["500万円以下", "東京", "PoC", "会社", "観光"]


def test_every_value_exists() -> None:
    fixed = {
        "amount": {*AMOUNTS, OVER},
        "deadline": {*DEADLINES, NO_DEADLINE},
        "status": set(STATUSES),
        "target": set(TARGETS),
        "stage": {"concept", "prototype", "product", "proven"},
        "budget": {"none", "actual_cost", "fixed", "subsidy", "contract", "undecided"},
        "kind": {row["key"] for row in table("call_kinds")},
        "offer": {row["key"] for row in table("offers")},
        "theme": {row["key"] for row in table("themes")},
    }
    assert fixed.keys() - {"status", "target"} <= set(FACETS)
    for heading, phrases in read_sections("filter_words.txt").items():
        field, value = heading.split()
        assert value in fixed[field], heading
        for phrase in phrases:
            offered = suggestion(phrase.rstrip("?").replace("_", " "), field)
            assert offered is not None, phrase
            assert value in {v for choice in offered.choices for v in choice.values}, phrase


PIECES = st.sampled_from(
    [
        *'府中市の会社はある？500万円以下上限〜～、。 　"-¥',
        "締切",
        "今週中",
        "予算なし",
        "実証",
        "東京都",
        "ください",
        "ｶﾞ",
        "\u200d",
    ]
)


@given(st.lists(PIECES | st.characters(), max_size=30).map("".join))
def test_any_text_is_understood(text: str) -> None:
    found = understood(text)
    spans = [(s.start, s.end) for s in found.suggestions]
    for offered in found.suggestions:
        assert 0 <= offered.start < offered.end <= len(text)
        assert offered.words == text[offered.start : offered.end]
        assert offered.rest == " ".join(offered.rest.split())
        assert len(offered.rest) <= len(text)
    assert all(a[1] <= b[0] for a, b in zip(sorted(spans), sorted(spans)[1:], strict=False))
    assert all(0 <= start < end <= len(text) for start, end in found.asking)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 9_999,
        "一" * 9_999,
        "あと" * 5_000,
        "上限" * 5_000,
        "補助金" * 3_000,
        "の" * 9_999,
        "1万〜" * 3_000,
    ],
)
def test_a_long_text_takes_no_longer_than_a_short_one(text: str) -> None:
    understood("府中")
    assert timeit.timeit(lambda: understood(text), number=1) < 0.5
