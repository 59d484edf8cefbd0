"""Keywords in any dress cost a solution its place; what honest firms write costs nothing."""

import pytest

from search.enumeration import prose_factor
from tests.matching.samples import CALLS, SOLUTIONS, epoch_of, profile, ranking, score_of
from workers.matching.facts import SolutionFacts

EPOCH = epoch_of(CALLS, SOLUTIONS)
# Half of them are what the first call speaks of.
WORDS = [
    *("除雪車", "除雪", "住民", "役場", "電話", "道路", "地図", "位置", "夜中", "問い合わせ"),
    *("図書館", "読書", "産後ケア", "空き店舗", "観光", "防災", "漏水", "検針", "獣害", "交通"),
]
HONEST = "書店員が選んだ絵本を毎月二冊、園や家庭に届けます。読み聞かせの動画もついています。読み終えた本は次の園へ回します。"
TURNS = ("に対応します。", "を支援します。", "の実績があります。", "もお任せください。")
DRESSES = {
    "blanks": " ".join(WORDS),
    "lines": "\n".join(WORDS),
    "bullets": "・" + "\n・".join(WORDS),
    "numbers": "".join(f"{i}. {word}\n" for i, word in enumerate(WORDS, 1)),
    "sentences": "。".join(WORDS) + "。",
    "tags": "<ul><li>" + "</li><li>".join(WORDS) + "</li></ul>",
    "brackets": "".join(f"【{word}】" for word in WORDS),
    "links": "と".join(WORDS),
    "predicates": "".join(f"{word}に対応します。" for word in WORDS),
    "turns": "".join(word + TURNS[i % 4] for i, word in enumerate(WORDS)),
    "glossary": "".join(f"{word}とは、町でよく聞かれる困りごとのことです。" for word in WORDS),
    "company": "".join(f"{word}の会社として、" for word in WORDS),
    "behind blanks": HONEST + "\n" * 40 + "\n".join(WORDS),
    "heading": "■お問い合わせ先\n" + "\n".join(WORDS),
}


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("field", ["summary", "solves", "brings"])
def test_keywords_in_any_dress_are_worth_little(dress: str, field: str) -> None:
    stuffed = SolutionFacts(id=99, firm=99, title="自治体の皆さまへ", **{field: DRESSES[dress]})
    assert prose_factor(profile(stuffed).enumeration) < 0.55
    assert score_of(CALLS[0], stuffed, EPOCH).value < 0.35
    assert ranking(CALLS[0], (*SOLUTIONS, stuffed), EPOCH)[0] == 11


def test_words_over_all_fields_are_one_list() -> None:
    thirds = [" ".join(WORDS[i : i + 3]) for i in range(0, 15, 3)]
    stuffed = SolutionFacts(
        id=99,
        firm=99,
        title=thirds[0],
        summary=thirds[1],
        solves=thirds[2],
        brings=thirds[3],
        evidence=thirds[4],
    )
    assert profile(stuffed).enumeration == pytest.approx(1.0)


def test_a_title_of_keywords_above_an_honest_text_costs() -> None:
    stuffed = SolutionFacts(id=99, firm=99, title=" ".join(WORDS[:12]), solves=HONEST)
    assert prose_factor(profile(stuffed).enumeration) < 0.8


@pytest.mark.parametrize("solution", SOLUTIONS, ids=lambda solution: str(solution.id))
def test_only_who_names_everything_pays(solution: SolutionFacts) -> None:
    assert (prose_factor(profile(solution).enumeration) < 1.0) is (solution.id == 18)


def test_a_table_and_an_address_below_an_honest_text_cost_nothing() -> None:
    table = "大きさ：幅120mm、高さ45mm\n重さ：300g\n電池：単3形2本\n■お問い合わせ先\n〒980-0000 青森県雪見市本町1丁目2-3 雪見ビル4階\n電話 000-111-2222（平日9:00〜17:30）"
    honest = SolutionFacts(id=99, firm=99, title="園に届く絵本", solves=HONEST, brings=table)
    assert profile(honest).enumeration == 0.0
