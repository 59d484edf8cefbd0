"""What would help: only what is so, said in words that the author can act on."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.matching.samples import CALLS, SOLUTIONS, epoch_of, profile, score_of
from workers.matching import meaning
from workers.matching.advice import WhyNot, breadth, why_not
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.names import KINDS, OFFERS, PREFECTURES, STAGES, THEMES
from workers.matching.score import score
from workers.matching.subject import subject
from workers.matching.wording import all_texts

EPOCH = epoch_of(CALLS, SOLUTIONS)
CALL, SOLUTION = CALLS[0], SOLUTIONS[0]
FRAMED = replace(
    EPOCH,
    frame=meaning.frame(
        [np.eye(3, 2, dtype=np.float16)], [np.eye(2, 2, dtype=np.float16)], "model"
    ),
)
NAMES = {ja for table in (THEMES, OFFERS, KINDS, STAGES, PREFECTURES) for ja, _ in table.values()}
EXCLUDED = re.compile(
    "資本|従業員|社員|人数規模|創業|設立|売上|大手|中小|所在地|クリック|閲覧|人気|有料|"
    "capital|employee|headcount|revenue|founded|popular|click",
)


def asked(call: CallFacts, solution: SolutionFacts) -> WhyNot:
    return why_not(
        subject(call, profile(call), EPOCH),
        subject(solution, profile(solution), EPOCH),
        score_of(call, solution, EPOCH),
    )


def lines(found: WhyNot) -> list[str]:
    said = [*found.gates, *(s for weak in found.weakest for s in (weak.fact, weak.help))]
    return [text for sentence in said for text in (sentence.ja, sentence.en)]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("solution", SOLUTIONS)
def test_what_is_quoted_is_in_the_call_or_a_name(call: CallFacts, solution: SolutionFacts) -> None:
    text = "\n".join(all_texts(call))
    for line in lines(asked(call, solution)):
        assert not EXCLUDED.search(line)
        for quoted in re.findall("「(.*?)」", line):
            assert quoted in text or quoted in NAMES


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("solution", SOLUTIONS)
def test_words_said_to_be_missing_are_missing(call: CallFacts, solution: SolutionFacts) -> None:
    theirs = "\n".join(all_texts(solution))
    for weak in asked(call, solution).weakest:
        if weak.code in ("text", "need", "wanted"):
            words = re.findall("「(.*?)」", weak.fact.ja)
            assert words
            assert not any(word in theirs for word in words)


def test_using_the_missing_words_raises_the_score() -> None:
    solution = replace(SOLUTION, title="地図の提供", solves="困りごとを解決します。", brings="")
    weak = next(w for w in asked(CALL, solution).weakest if w.code == "text")
    words = re.findall("「(.*?)」", weak.fact.ja)
    better = replace(solution, solves=f"{solution.solves}{'と'.join(words)}のためのものです。")
    assert score_of(CALL, better, EPOCH).value > score_of(CALL, solution, EPOCH).value


@pytest.mark.parametrize(
    ("call", "solution", "sentence"),
    [
        ({}, {"areas": ("47",)}, "募集の場所が、ソリューションを提供できる地域に入っていません。"),
        (
            {"eligibility": ("juridical_person",)},
            {"juridical": False},
            "募集は法人を対象としています。企業は法人として登録されていません。",
        ),
        ({}, {"published": False}, "募集かソリューションが公開されていません。"),
    ],
)
def test_shut_gates_come_in_words(
    call: dict[str, object], solution: dict[str, object], sentence: str
) -> None:
    found = asked(replace(CALL, **call), replace(SOLUTION, **solution))
    assert [gate.ja for gate in found.gates] == [sentence]


@pytest.mark.parametrize(
    ("code", "call", "solution", "fact"),
    [
        ("themes", {}, {"themes": ("health",)}, "「除雪・寒冷地」"),
        ("kind", {}, {"kinds": ("proposal",)}, "「提案募集」"),
        ("asks", {}, {"asks": ("subsidy", "staff", "mentoring")}, "「補助・負担金」"),
        ("place", {}, {"areas": ()}, "提供できる地域の記載がありません"),
        ("stage", {"kind": "proposal"}, {"stage": "concept"}, "「構想」"),
        ("prose", {}, {"brings": "除雪、融雪、凍結、排雪、道路、歩道、橋梁、公園、学校。"}, "語を並べた"),
    ],
)  # fmt: skip
def test_every_weak_part_has_its_fact_and_its_help(
    code: str, call: dict[str, object], solution: dict[str, object], fact: str
) -> None:
    given = replace(SOLUTION, title=CALL.title, solves=CALL.problem, brings=CALL.wanted)
    found = asked(replace(CALL, **call), replace(given, **solution))
    weak = next(weak for weak in found.weakest if weak.code == code)
    assert fact in weak.fact.ja
    assert weak.help.ja.endswith("。")
    assert weak.help.en.endswith(".")


def test_the_part_that_lacks_most_comes_first_and_a_good_pair_lacks_little() -> None:
    for call in CALLS:
        for solution in SOLUTIONS:
            lost = [weak.lost for weak in asked(call, solution).weakest]
            assert lost == sorted(lost, reverse=True)
            assert len(lost) <= 3
    twin = replace(
        SOLUTION, title=CALL.title, solves=CALL.problem, brings=CALL.wanted, themes=CALL.themes
    )
    first, *others = asked(CALL, twin).weakest
    assert first.code == "echo"  # it says the same, so all it lacks are words of its own
    assert max((weak.lost for weak in others), default=0) < 0.1


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_a_passage_said_to_be_unanswered_stands_in_the_call(seed: int) -> None:
    numbers = np.random.default_rng(seed)

    def prepared(count: int) -> meaning.Prepared:
        rows = numbers.normal(size=(count, 24))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return meaning.Prepared(meaning.on_grid(rows), np.ones(count, np.float32))

    call = replace(subject(CALL, profile(CALL), EPOCH), meaning=prepared(len(meaning.texts(CALL))))
    solution = replace(
        subject(SOLUTION, profile(SOLUTION), EPOCH),
        meaning=prepared(len(meaning.texts(SOLUTION))),
    )
    found = why_not(call, solution, score(call, solution, EPOCH))
    text = "\n".join(all_texts(CALL))
    for weak in found.weakest:
        if weak.code == "meaning":
            (quoted,) = re.findall("「(.*?)」", weak.fact.ja)
            assert quoted.removesuffix("…") in text


@pytest.mark.parametrize(("cosine", "told"), [(0.1, True), (0.3, False)])
def test_a_passage_is_unanswered_only_while_nothing_is_near(cosine: float, told: bool) -> None:
    def prepared(facts: CallFacts | SolutionFacts, row: list[float]) -> meaning.Prepared:
        rows = np.tile(np.array(row), (len(meaning.texts(facts)), 1))
        return meaning.Prepared(meaning.on_grid(rows), np.ones(len(rows), np.float32))

    call = replace(subject(CALL, profile(CALL), EPOCH), meaning=prepared(CALL, [1, 0]))
    theirs = prepared(SOLUTION, [cosine, (1 - cosine**2) ** 0.5])
    solution = replace(subject(SOLUTION, profile(SOLUTION), EPOCH), meaning=theirs)
    found = why_not(call, solution, score(call, solution, FRAMED))
    assert any(weak.code == "meaning" for weak in found.weakest) == told


class TestBreadth:
    def codes(self, call: CallFacts, values: list[float]) -> list[str]:
        found = breadth(subject(call, profile(call), EPOCH), values, 0.40)
        assert all(warning.sentence.ja and warning.sentence.en for warning in found)
        return [warning.code for warning in found]

    def test_a_clear_draft_with_good_answers_is_left_alone(self) -> None:
        assert self.codes(CALL, [0.9, 0.5, 0.45]) == []

    def test_nobody_fits(self) -> None:
        assert self.codes(CALL, [0.39, 0.2]) == ["nobody"]
        assert self.codes(CALL, []) == ["nobody"]

    def test_many_fit_about_equally(self) -> None:
        assert self.codes(CALL, [0.5 - i / 500 for i in range(30)]) == ["level"]
        assert self.codes(CALL, [0.9 - i / 500 for i in range(30)]) == []

    def test_a_text_without_a_problem_is_vague(self) -> None:
        vague = CallFacts(
            id=9,
            town=9,
            kind="pilot",
            title="地域の課題を解決する提案の募集",
            problem="地域の課題は多様化しています。新しい技術で解決してください。",
        )
        assert "vague" in self.codes(vague, [0.9])
