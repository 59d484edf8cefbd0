"""What is understood of a query before any index is asked."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.plan import MOST_WORDS, expansions, plan, words
from search.vocabulary.synonyms import PHRASES, synonym, table


def forms(text: str, *known: str) -> list[str]:
    return [word.form for word in words(text, known.__contains__)]


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("こそだてしえん", ("こそだて", "しえん"), ["こそだて", "しえん"]),
        ("こそだてのそうだん", ("こそだて", "そうだん"), ["こそだて", "相談"]),
        ("はいこう 活用", ("はいこう",), ["はいこう", "活用"]),
        ("いしのまき", ("いし", "まき", "いしのまき"), ["いしのまき"]),
        ("ぬれぬれえ", (), ["ぬれぬれえ"]),
    ],
)
def test_unspaced_kana_is_cut_by_the_readings_the_index_knows(
    text: str, known: tuple[str, ...], expected: list[str]
) -> None:
    assert forms(text, *known) == expected


def test_a_phrase_of_the_field_is_one_word_with_synonyms() -> None:
    (word,) = words("実証 実験")
    assert word.units == ("実証", "実験")
    assert "poc" in {term for synonym in word.synonyms for term in synonym.terms}
    assert word.form == words("実証実験")[0].form


def test_synonyms_hold_in_both_directions_but_regions_only_downwards() -> None:
    def said(text: str) -> set[str]:
        return {synonym.text for word in words(text) for synonym in word.synonyms}

    assert "PPP" in said("官民連携")
    assert "官民連携" in said("ppp")
    assert "石川県" in said("北陸")
    assert "北陸" not in said("石川県")
    assert "R7" in said("2025年度")


def test_expansions_name_what_was_typed_and_what_was_added() -> None:
    assert expansions("岬の ＰＰＰ")[0][0] == "ＰＰＰ"
    assert "官民連携" in expansions("ppp")[0][1]
    assert expansions("岬の灯台") == []


def test_words_of_asking_are_known_as_such() -> None:
    asked = {word.form: word.asking for word in words("除雪の方法を教えてください")}
    assert asked == {"除雪": False, "方法": True, "教える": True}


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("令和7年度", ["2025年度", "R7年度", "r7"]),
        ("H29", ["平成29年度", "2017年度"]),
        ("令和元年度", ["令和1年度", "R元年度", "R1", "平成31年度", "2019年度"]),
        ("2019年", ["令和元年", "平成31年", "H31年"]),
        ("平成30年", ["2018年", "H30年"]),
    ],
)
def test_a_year_is_known_in_every_calendar(typed: str, same: list[str]) -> None:
    (word,) = words(typed)
    found = {other.terms for other in word.synonyms}
    assert {synonym(name).terms for name in same} <= found


def test_a_wider_or_wrong_word_finds_the_right_ones_but_not_the_reverse() -> None:
    def said(text: str) -> set[str]:
        return {other.text for word in words(text) for other in word.synonyms}

    assert "イノシシ" in said("鳥獣害")
    assert "鳥獣害" not in said("イノシシ")
    assert "事業承継" in said("事業継承")
    assert "事業継承" not in said("事業承継")
    assert "空き家" in said("vacant houses")
    assert "vacant houses" not in said("空き家")


def test_words_that_look_alike_but_differ_stay_apart() -> None:
    for text, other in [("防犯", "防災"), ("移住", "移動"), ("子育て", "子牛"), ("承継", "継続")]:
        terms = {found.terms for word in words(text) for found in word.synonyms}
        assert synonym(other).terms not in terms


def test_every_line_of_the_table_says_something_and_repeats_nothing() -> None:
    for line in table():
        for members in (line.heads, line.others):
            terms = [synonym(text).terms for text in members]
            assert all(terms), members
            assert len(set(terms)) == len(terms), members
        for head in line.heads:
            assert PHRASES.synonyms[synonym(head).terms], head


def test_no_word_leads_away_from_more_than_three_lines() -> None:
    heads = Counter(synonym(text).terms for line in table() for text in line.heads)
    assert [terms for terms, lines in heads.items() if lines > 3] == []


@given(st.text())
def test_any_text_is_a_query(text: str) -> None:
    found = words(text, lambda reading: len(reading) == 2)
    assert len(found) <= MOST_WORDS
    for word in found:
        assert 0 <= word.start < word.end <= len(text)


def test_a_pasted_document_is_cut_short() -> None:
    assert len(words("".join(chr(0x4E00 + i) + "。" for i in range(500)))) == MOST_WORDS


def wants(text: str) -> list[list[list[str]]]:
    return [
        [[part.form for part in parts] for parts in want.alternatives] for want in plan(text).wants
    ]


def test_words_joined_by_or_are_one_want_and_phrases_stay_whole() -> None:
    assert wants("子育て OR 介護 施設") == [[["施設"]], [["子育て"], ["介護"]]]
    assert wants('"雪 かき" OR 除雪') == [[["雪かき"], ["除雪"]]]
    assert wants("子育て支援 OR 防災") == [[["子育て", "支援"], ["防災"]]]


def test_phrases_and_what_to_leave_out_are_no_wants() -> None:
    planned = plan('除雪 "官民　連携" -補助金 -"雪 かき"')
    assert [want.parts[0].form for want in planned.wants] == ["除雪"]
    assert [phrase.form for phrase in planned.exact] == ["官民連携"]
    assert [phrase.form for phrase in planned.without] == ["補助金", "雪かき"]


def test_words_of_asking_are_wanted_only_when_there_is_nothing_else() -> None:
    assert [word.form for word in plan("除雪の会社").asking] == ["会社"]
    assert wants("会社") == [[["会社"]]]


def test_katakana_that_the_dictionary_takes_for_an_affix_is_a_word() -> None:
    (word,) = plan("ジョウ").words
    assert (word.reading, word.in_kana) == ("じょう", True)


def test_katakana_that_the_dictionary_cuts_is_one_word_where_the_index_holds_it() -> None:
    assert forms("キュウショク", "きゅうしょく") == ["給食"]
    assert forms("キュウショク") == ["急", "ショク"]
    assert forms("データ キュウショク", "きゅうしょく") == ["データ", "給食"]


def test_synonyms_can_be_left_out() -> None:
    assert plan("官民連携").words[0].synonyms
    assert not plan("官民連携", expand=False).words[0].synonyms
    assert not plan("官民連携 OR 除雪", expand=False).words[0].groups


def test_what_stands_between_spaces_may_be_a_name() -> None:
    assert [name.form for name in plan('みなとや帳票 除雪 "帳票"').names] == ["みなとや帳票"]


@given(st.text(alphabet=st.one_of(st.sampled_from('"-| OR除雪ア'), st.characters())))
def test_any_text_has_a_plan_whose_parts_lie_in_it(text: str) -> None:
    planned = plan(text)
    parts = [*planned.words, *planned.exact, *planned.without, *planned.names]
    assert all(0 <= part.start < part.end <= len(text) for part in parts)
