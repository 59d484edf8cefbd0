"""Sentences state facts of the pair and nothing else."""

import re
import unicodedata
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.matching.samples import CALLS, SOLUTIONS, epoch_of, profile, score_of
from workers.matching import meaning
from workers.matching.explain import Explanation, Sentence, explain
from workers.matching.facts import CallFacts, Facts, SolutionFacts
from workers.matching.names import KINDS, OFFERS, PREFECTURES, STAGES, THEMES, Names
from workers.matching.score import score
from workers.matching.subject import subject
from workers.matching.wording import english_quotes, excerpt, quotes

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
    names = {ja for table in (THEMES, OFFERS, KINDS, STAGES) for ja, _ in table.values()}
    names |= {item.concept.ja for item in found.evidence if item.concept}
    for quoted in re.findall("「(.*?)」", everything(found)):
        assert quoted in names or quoted in text_of(call) or quoted in text_of(solution)


def said_of(call: str, solution: str) -> str:
    """Return what is said of two texts, each in the field of its need."""
    return everything(
        why(
            CallFacts(id=1, town=1, kind="pilot", title="募集", problem=call),
            SolutionFacts(id=2, firm=2, title="提案", solves=solution),
        )
    )


# Pieces that touch one another make compounds, counted things and other spellings.
_PIECES = (
    "保育 病後児 訪問 介護 検針 遠隔 水道 下水道 座布団 布団 学生 中学生 猪 イノシシ 除雪車 除雪 "
    "ドローン ﾄﾞﾛｰﾝ ＡＩ ai 52 ３ 三 台 世帯 軒 ㎡ が の 、 。 必要 部分 担当 航空写真 時期 一人暮らし"
)
TEXTS = st.lists(st.sampled_from(_PIECES.split()), min_size=1, max_size=14).map("".join)
BOTH = re.compile("どちらの文章(?:にも(.*)という言葉があります|も(.*)と書いています)。")
INSIDE = re.compile("募集の「(.*)」とソリューションの「(.*)」に、同じ「(.*)」が入っています。")
ABOUT = re.compile("について、募集は(.*)、ソリューションは(.*)と書いています。")


def quoted(text: str) -> list[str]:
    return re.findall("「(.*?)」", text)


@given(call=TEXTS, solution=TEXTS)
@settings(max_examples=150)
def test_what_is_said_to_stand_in_a_text_stands_there(call: str, solution: str) -> None:
    texts = [unicodedata.normalize("NFKC", text) for text in (call, solution)]

    def stands(phrase: str, *sides: str) -> bool:
        return all(unicodedata.normalize("NFKC", phrase) in side for side in sides)

    for line in said_of(call, solution).splitlines():
        if found := BOTH.search(line):
            assert all(stands(word, *texts) for word in quoted(found[1] or found[2]))
        elif found := INSIDE.fullmatch(line):
            assert stands(found[1], texts[0])
            assert stands(found[2], texts[1])
            assert stands(found[3], *texts)
            assert all(stands(found[3], unicodedata.normalize("NFKC", found[i])) for i in (1, 2))
        elif found := ABOUT.search(line):
            for phrases, side in zip(found.groups(), texts, strict=True):
                assert quoted(phrases)
                assert all(stands(phrase, side) for phrase in quoted(phrases))
        assert not any(re.search("[0-9０-９]", phrase) for phrase in quoted(line))


def test_words_in_both_texts_are_told_from_words_inside_others() -> None:
    assert "どちらの文章にも「灯台」という言葉があります。" in said_of("灯台を直す", "灯台を磨く")
    assert (
        "募集の「港湾倉庫」とソリューションの「冷凍倉庫」に、同じ「倉庫」が入っています。"
        in said_of("港湾倉庫が傷む", "冷凍倉庫を冷やす")
    )
    assert "どちら" not in said_of("港湾倉庫が傷む", "冷凍倉庫を冷やす")


def test_a_part_of_one_word_is_not_the_other_word() -> None:
    said = said_of("下水道が古い", "上水道が古い")
    assert "「水道」" not in said


@pytest.mark.parametrize("text", ["灯台52を直す", "灯台３基を直す", "灯台三基を直す"])
def test_no_number_sticks_to_a_quoted_word(text: str) -> None:
    said = said_of(text, text)
    assert "「灯台」" in said
    assert "「基" not in said


def test_general_words_are_no_reason() -> None:
    text = "担当の団体は必要な部分を自分で決めます。"
    assert quoted(said_of(text, text)) == []


def test_a_word_that_most_listings_use_is_no_reason() -> None:
    calls = [replace(call, details="灯台が見えます。") for call in CALLS]
    solutions = [replace(s, evidence=f"灯台が見えます。{s.evidence}") for s in SOLUTIONS]
    epoch = epoch_of(calls, solutions)
    for call, solution in zip(calls, solutions, strict=False):
        found = explain(
            subject(call, profile(call), epoch),
            subject(solution, profile(solution), epoch),
            score_of(call, solution, epoch),
        )
        assert "灯台" not in everything(found)


@pytest.mark.parametrize(
    ("call", "solution", "label"),
    [
        ("中学生が減った", "大学が協力する", "大学・学生との連携"),
        ("病院坂の桜を見る", "薬局を開く", "診療と薬が遠い"),
    ],
)
def test_no_topic_is_named_for_a_part_of_another_word(call: str, solution: str, label: str) -> None:
    assert label not in said_of(call, solution)


@pytest.mark.parametrize(("call", "solution"), PAIRS)
def test_shares_of_the_evidence_stay_within_the_text_score(
    call: CallFacts, solution: SolutionFacts
) -> None:
    scored = score_of(call, solution, EPOCH)
    text = next(part for part in scored.parts if part.code == "text")
    contributions = [item.contribution for item in why(call, solution).evidence]
    assert all((value > 0) != bool(scored.closed) for value in contributions)
    assert sum(contributions) <= text.contribution + 1e-9


def test_one_word_is_no_topic() -> None:
    """Who mows around public flats does not write about river banks."""
    call = replace(
        CALL, title="団地の草刈り", summary="", problem="団地の草刈りが重い。", wanted=""
    )
    offer = replace(
        SOLUTION, title="山の下草刈り", summary="", solves="下草刈りを手伝う。", brings=""
    )
    said = [sentence.ja for sentence in why(call, offer).fit]
    assert not [
        sentence for sentence in said if "について" in sentence and "「草刈り」" in sentence
    ]


def test_a_fitting_pair_reads_well() -> None:
    found = why(CALL, SOLUTION)
    ja = [sentence.ja for sentence in found.fit]
    assert ja[0] == "どちらの文章にも「除雪車」という言葉があります。"
    assert "分野「除雪・寒冷地」が共通しています。" in ja
    assert found.answer[0].ja == (
        "企業が求める「実証フィールド」「行政データ」は、募集の提供できるものに含まれています。"
    )
    assert "含まれています" in found.answer[1].ja
    assert "山形県" in found.answer[1].ja
    assert "Yamagata" in found.answer[1].en


def test_what_is_missing_is_said_and_what_is_there_is_not() -> None:
    gaps = [gap.ja for gap in why(CALL, SOLUTION).gaps]
    assert "募集に、予算の記載がありません。" in gaps
    told = replace(CALL, budget_kind="none")
    assert not [gap for gap in why(told, SOLUTION).gaps if "予算" in gap.ja]


@pytest.mark.parametrize(
    ("call", "solution", "gap"),
    [
        ({}, {"asks": ("field", "subsidy")}, "企業が求める「補助・負担金」は、募集の提供できるものに書かれていません。"),
        ({}, {"areas": ()}, "ソリューションに、提供できる地域の記載がありません。"),
        ({}, {"areas": ("05",)}, "ソリューションを提供できる地域に、山形県は書かれていません。"),
        ({}, {"kinds": ("proposal",)}, "企業が希望する募集の種類は「提案募集」で、この募集の種類とは違います。"),
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
    for table in (THEMES, OFFERS, KINDS, PREFECTURES, STAGES):
        assert all(ja and en for ja, en in table.values())


def meant(facts: Facts, numbers: np.random.Generator) -> meaning.Prepared:
    rows = numbers.normal(size=(len(meaning.texts(facts)), 16)) + 1
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return meaning.Prepared(meaning.on_grid(rows), np.ones(len(rows), np.float32))


FRAMED = replace(
    EPOCH,
    frame=meaning.frame(
        [np.eye(3, 16, dtype=np.float16)], [np.eye(2, 16, dtype=np.float16)], "model"
    ),
)


@given(seed=st.integers(0, 2**32 - 1), pair=st.sampled_from(PAIRS))
@settings(max_examples=60)
def test_near_passages_are_quoted_verbatim_and_the_parts_add_up(
    seed: int, pair: tuple[CallFacts, SolutionFacts]
) -> None:
    numbers = np.random.default_rng(seed)
    call, solution = (
        replace(subject(f, profile(f), FRAMED), meaning=meant(f, numbers)) for f in pair
    )
    scored = score(call, solution, FRAMED)
    found = explain(call, solution, scored)
    assert sum(part.contribution for part in scored.parts) == pytest.approx(scored.raw, abs=1e-6)
    value = next(part.value for part in scored.parts if part.code == "meaning")
    assert value is not None
    for sentence in found.parts["meaning"]:
        assert value >= 0.35
        for said, facts in zip(quoted(sentence.ja), pair, strict=True):
            assert said.removesuffix("…") in text_of(facts)
        assert sentence in found.fit


def test_passages_are_called_close_only_where_they_are() -> None:
    sizes = [len(meaning.texts(facts)) for facts in (CALL, SOLUTION)]

    def said(cosine: float) -> tuple[Sentence, ...]:
        rows = [np.tile(np.eye(1, 2), (sizes[0], 1)), np.zeros((sizes[1], 2))]
        rows[1][:] = cosine, (1 - cosine**2) ** 0.5
        call, solution = (
            replace(
                subject(facts, profile(facts), FRAMED),
                meaning=meaning.Prepared(meaning.on_grid(own), np.ones(len(own), np.float32)),
            )
            for facts, own in zip((CALL, SOLUTION), rows, strict=True)
        )
        return explain(call, solution, score(call, solution, FRAMED)).parts["meaning"]

    assert said(0.6)
    assert not said(0.2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("人手が足りません。冬の朝は谷の道が凍ります。", "冬の朝は谷の道が凍ります"),
        ("「見に行けない」という声が役場に届いています。", "「見に行けない」という声が役場に届いています"),
        (
            "雪の朝は三つの谷をまわるのに二時間かかり、着いたころには通学の子どもがもう歩き出しています。",
            "雪の朝は三つの谷をまわるのに二時間かかり…",
        ),
        (
            "除雪の車が来るまで家から出られないという声を三つの谷の集会所すべてで毎年のように聞いています。",
            "除雪の車が来るまで家から出られないという声を三つの谷の集会所すべてで毎年のよう…",
        ),
        (
            "山あいの集落では「雪かき、買い物、薬の受け取りを、だれに頼めばよいのか」という相談が増えました。",
            "山あいの集落では「雪かき、買い物、薬の受け取りを、だれに頼めばよいのか」という…",
        ),
        (
            "山あいの集落で聞いたのは「雪かき、買い物、薬の受け取り、通院の車をだれに頼めばよいのか分からない」です。",
            None,
        ),
    ],
)  # fmt: skip
def test_a_quotation_is_a_whole_sentence_or_marks_where_it_was_cut(
    text: str, said: str | None
) -> None:
    assert excerpt(text, [text]) == said


@given(st.lists(st.text("道雪、。「」（）!\n a", min_size=1, max_size=30), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_quotations_of_wild_texts_are_verbatim_and_close_what_they_open(texts: list[str]) -> None:
    passage = "".join(re.sub(r"\s+", " ", text).strip() for text in texts)
    said = excerpt(passage, texts)
    if said is None:
        return
    assert len(said) <= 40
    assert said.removesuffix("…") in passage
    for opening, closing in ("「」", "（）"):
        assert said.count(opening) == said.count(closing)
    if not said.endswith("…"):
        own = [part.strip() for text in texts for part in re.split("[。！？!?\n]", text)]
        assert said in [re.sub(r"\s+", " ", part) for part in own]


def test_quotation_marks_inside_a_quotation_are_double() -> None:
    assert quotes(["「来てよかった」の声"]) == "「『来てよかった』の声」"
    assert english_quotes(["a"]) == "“a”"
    assert english_quotes(["a", "b", "c"]) == "“a”, “b” and “c”"


@pytest.mark.parametrize(("call", "solution"), PAIRS)
def test_words_of_the_needs_stand_in_both_fields(call: CallFacts, solution: SolutionFacts) -> None:
    parts = why(call, solution).parts
    fields = {"need": (call.problem, solution.solves), "wanted": (call.wanted, solution.brings)}
    for code, (ours, theirs) in fields.items():
        for sentence in parts[code]:
            phrases = re.findall("「(.*?)」", sentence.ja)
            word = phrases[-1]
            assert word in ours
            assert word in theirs
            if len(phrases) == 3:
                assert phrases[0] in ours
                assert phrases[1] in theirs


def test_problem_and_solution_are_said_to_answer_one_another() -> None:
    call = replace(CALL, problem="橋梁の点検が追いつきません。", wanted="無人機の撮影を求めます。")
    solution = replace(
        SOLUTION, solves="橋梁の点検を短くします。", brings="無人機が撮影した画像を届けます。"
    )
    parts = why(call, solution).parts
    assert re.search(
        "募集の困りごとにも、ソリューションの解決することにも「.*」とあります", parts["need"][0].ja
    )
    assert re.search(
        "募集の求める提案にも、ソリューションの提供するものにも「.*」とあります",
        parts["wanted"][0].ja,
    )


@pytest.mark.parametrize(("call", "solution"), PAIRS)
def test_named_themes_and_offers_are_in_both(call: CallFacts, solution: SolutionFacts) -> None:
    parts = why(call, solution).parts
    themes = {THEMES[key][0] for key in {*call.themes} & {*solution.themes}}
    offers = {OFFERS[key][0] for key in {*call.offers} & {*solution.asks}}
    for code, names in {"themes": themes, "asks": offers}.items():
        said = {name for s in parts[code] for name in re.findall("「(.*?)」", s.ja)}
        assert said == names


def test_every_part_that_counts_has_a_sentence() -> None:
    full = replace(SOLUTION, kinds=("pilot",))
    found = why(CALL, full)
    scored = score_of(CALL, full, EPOCH)
    for part in scored.parts:
        if part.value is not None and part.value > 0.3:
            assert found.parts[part.code], part.code


@pytest.mark.parametrize(("call", "solution"), PAIRS)
def test_without_a_named_word_the_score_is_lower(call: CallFacts, solution: SolutionFacts) -> None:
    for item in why(call, solution).evidence:
        if item.concept is not None:
            continue
        poorer = replace(
            solution,
            **{
                name: value.replace(item.word, "")
                for name, value in asdict(solution).items()
                if isinstance(value, str) and item.word in value
            },
        )
        assert score_of(call, poorer, EPOCH).raw < score_of(call, solution, EPOCH).raw


@pytest.mark.parametrize(("call", "solution"), PAIRS)
def test_nothing_is_said_of_size_age_or_success(call: CallFacts, solution: SolutionFacts) -> None:
    text = everything(why(call, solution))
    excluded = "資本|従業員|社員|売上|創業|設立|大手|中小|人気|閲覧|受賞|実績の|capital|employee|revenue|founded|popular"
    assert not re.search(excluded, text)


def test_a_stage_that_suits_less_is_a_gap_and_no_reason() -> None:
    early = why(replace(CALL, kind="proposal"), replace(SOLUTION, stage="concept"))
    assert early.parts["stage"] == ()
    assert any("「構想」" in gap.ja and "確かめて" in gap.ja for gap in early.gaps)
    assert any(
        "実証フィールド" in gap.ja
        for gap in why(replace(CALL, offers=("data",)), replace(SOLUTION, asks=())).gaps
    )
