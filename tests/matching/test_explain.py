"""Sentences state facts of the pair and nothing else."""

import re
from dataclasses import asdict, replace

import pytest

from tests.matching.samples import CALLS, SOLUTIONS, epoch_of, profile, score_of
from workers.matching.explain import Explanation, explain
from workers.matching.facts import CallFacts, Facts, SolutionFacts
from workers.matching.names import KINDS, OFFERS, PREFECTURES, THEMES, Names
from workers.matching.subject import subject

EPOCH = epoch_of(CALLS, SOLUTIONS)
PAIRS = [(call, solution) for call in CALLS for solution in SOLUTIONS]
CALL, SOLUTION = CALLS[0], SOLUTIONS[0]


def why(call: CallFacts, solution: SolutionFacts, names: Names | None = None) -> Explanation:
    return explain(
        subject(call, profile(call), EPOCH),
        subject(solution, profile(solution), EPOCH),
        score_of(call, solution, EPOCH),
        names,
    )


def text_of(facts: Facts) -> str:
    return "\n".join(value for value in asdict(facts).values() if isinstance(value, str))


def everything(found: Explanation) -> str:
    return "\n".join(f"{s.ja}\n{s.en}" for s in (*found.fit, *found.answer, *found.gaps))


@pytest.mark.parametrize(("call", "solution"), PAIRS)
def test_every_quoted_phrase_stands_in_the_text_it_is_said_to_stand_in(
    call: CallFacts, solution: SolutionFacts
) -> None:
    for item in why(call, solution).evidence:
        assert item.call
        assert item.solution
        assert all(phrase in text_of(call) for phrase in item.call)
        assert all(phrase in text_of(solution) for phrase in item.solution)


@pytest.mark.parametrize(("call", "solution"), PAIRS)
def test_every_word_in_quotation_marks_is_a_phrase_or_a_known_name(
    call: CallFacts, solution: SolutionFacts
) -> None:
    found = why(call, solution)
    names = {ja for table in (THEMES, OFFERS, KINDS) for ja, _ in table.values()}
    names |= {item.concept.ja for item in found.evidence if item.concept}
    for quoted in re.findall("「(.*?)」", everything(found)):
        assert quoted in names or quoted in text_of(call) or quoted in text_of(solution)


@pytest.mark.parametrize(("call", "solution"), PAIRS)
def test_shares_of_the_evidence_stay_within_the_text_score(
    call: CallFacts, solution: SolutionFacts
) -> None:
    scored = score_of(call, solution, EPOCH)
    text = next(part for part in scored.parts if part.code == "text")
    contributions = [item.contribution for item in why(call, solution).evidence]
    assert all((value > 0) != bool(scored.closed) for value in contributions)
    assert sum(contributions) <= text.contribution + 1e-9


def test_a_fitting_pair_reads_well() -> None:
    found = why(CALL, SOLUTION)
    ja = [sentence.ja for sentence in found.fit]
    assert ja[0].startswith("「雪」について、募集は「除雪車」")
    assert "分野「除雪・寒冷地」が共通しています。" in ja
    assert found.answer[0].ja == (
        "企業が求める「実証フィールド」「行政データ」は、募集の提供できるものに含まれています。"
    )
    assert "含まれています" in found.answer[1].ja
    assert "山形県" in found.answer[1].ja
    assert "Yamagata" in found.answer[1].en
    assert 2 <= len(found.for_town()) <= 3
    assert found.for_firm()[0] == found.answer[0]
    assert found.for_town()[0] == found.fit[0]


def test_what_is_missing_is_said_and_what_is_there_is_not() -> None:
    gaps = [gap.ja for gap in why(CALL, SOLUTION).gaps]
    assert "募集に、予算・締切の記載がありません。" in gaps
    told = replace(CALL, budget_kind="none", closes_at=1)
    assert not [gap for gap in why(told, SOLUTION).gaps if "予算" in gap.ja or "締切" in gap.ja]


@pytest.mark.parametrize(
    ("call", "solution", "gap"),
    [
        ({}, {"asks": ("field", "subsidy")}, "企業が求める「補助・負担金」は、募集の提供できるものに書かれていません。"),
        ({}, {"areas": ()}, "ソリューションに、提供できる地域の記載がありません。"),
        ({}, {"areas": ("05",)}, "ソリューションを提供できる地域に、山形県は書かれていません。"),
        ({}, {"kinds": ("proposal",)}, "企業が希望する募集の種類は「提案募集」です。"),
        ({}, {"stage": None, "evidence": "三市"}, "ソリューションに、開発の段階の記載がありません。"),
        ({"eligibility": ("juridical_person",)}, {}, "募集は法人を対象としています。企業が法人かどうかは登録されていません。"),
        ({"eligibility": ("in_prefecture",)}, {}, "募集は県内の事業者を対象としています。企業の所在地は確認していません。"),
    ],
)  # fmt: skip
def test_gaps(call: dict[str, object], solution: dict[str, object], gap: str) -> None:
    assert gap in [g.ja for g in why(replace(CALL, **call), replace(SOLUTION, **solution)).gaps]


def test_nothing_in_common_is_said_plainly() -> None:
    found = why(replace(CALLS[4], themes=()), replace(SOLUTIONS[6], themes=()))
    assert found.evidence == ()
    assert [s.ja for s in found.fit] == [
        "共通する言葉や分野は少なく、文章全体の近さから候補になりました。"
    ]


def test_finer_themes_take_the_names_handed_in() -> None:
    names = Names(themes={**THEMES, "snow.plough": ("除雪車の運行", "ploughing")})
    fine = ("snow.plough",)
    found = why(replace(CALL, themes=fine), replace(SOLUTION, themes=fine), names)
    assert "分野「除雪・寒冷地」「除雪車の運行」が共通しています。" in [s.ja for s in found.fit]
    unnamed = why(replace(CALL, themes=fine), replace(SOLUTION, themes=fine))
    assert "分野「除雪・寒冷地」が共通しています。" in [s.ja for s in unnamed.fit]


def test_codes_have_names_in_both_languages() -> None:
    assert list(PREFECTURES) == [f"{number:02}" for number in range(1, 48)]
    assert (PREFECTURES["13"], PREFECTURES["47"]) == (("東京都", "Tokyo"), ("沖縄県", "Okinawa"))
    for table in (THEMES, OFFERS, KINDS, PREFECTURES):
        assert all(ja and en for ja, en in table.values())
