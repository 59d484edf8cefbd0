"""Slips of the keys and of the kana conversion."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.analysis import is_kana, tokenize
from search.lexicon import words_of
from search.plan import plan
from search.slips import Vocabulary, corrected, written_out

TEXT = """子育て世帯の見守り。避難所の運営と受付。オンデマンド交通の配車。観光地の混雑。水道管の老朽化と漏水。
チャットボットで相談。高齢者の移住体験。獣害対策。助産師の相談。ランドセル。感震ブレーカー。空き家の活用。
官民連携の窓口。ハザードマップ。令和の予算。運転免許。異業種交流会。栄養士の給食。害虫の駆除。高齢化。産業振興。"""


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(dict.fromkeys(words_of(tokenize(TEXT)), 2))


def unmet(text: str, vocabulary: Vocabulary) -> set[str]:
    """The words of a query that the text above does not hold."""
    held = {form for token in tokenize(TEXT) for form in (token.form, *token.units)}
    return {word.form for word in plan(text, vocabulary.knows).words} - held


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("みもまり 高齢者", "見守り 高齢者"),
        ("オンデマドン交通", "オンデマンド交通"),
        ("官光 混雑", "観光 混雑"),
        ("避難書 受付", "避難所 受付"),
        ("避難所 運栄", "避難所 運営"),
        ("水道管 老久化", "水道管 老朽化"),
        ("チャットボッド", "チャットボット"),
        ("ハザードマッブ", "ハザードマップ"),
        ("ランセドル", "ランドセル"),
        ("感振ブレーカー", "感震ブレーカー"),
        ("助産帥 相談", "助産師 相談"),
        ("官民連系", "官民連携"),
    ],
)
def test_a_slip_is_repaired_from_the_words_of_the_index(
    typed: str, meant: str, vocabulary: Vocabulary
) -> None:
    assert corrected(typed, unmet(typed, vocabulary), vocabulary) == meant


@pytest.mark.parametrize(
    "typed",
    ["無医村", "猛暑", "3000万円", "個人事業主", "WBGT", "父の様子", "a", "", "  ", "子連れ"],
)
def test_a_word_of_the_dictionary_or_a_number_is_no_slip(
    typed: str, vocabulary: Vocabulary
) -> None:
    assert corrected(typed, unmet(typed, vocabulary), vocabulary) == typed


def test_what_the_index_holds_is_left_alone(vocabulary: Vocabulary) -> None:
    assert corrected("官光 混雑", (), vocabulary) == "官光 混雑"


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("こそだて", "子育て"),
        ("あきや かつよう", "空き家 活用"),
        ("ひなんじょ", "避難所"),
        ("観光 みまもり", "観光 見守り"),
        ("ぬれぬれえ", "ぬれぬれえ"),
    ],
)
def test_kana_is_written_as_the_listings_write_it(
    typed: str, written: str, vocabulary: Vocabulary
) -> None:
    assert written_out(typed, vocabulary) == written


@pytest.mark.parametrize(
    ("typed", "first"),
    [("子", "子育て"), ("こそ", "子育て"), ("コソ", "子育て"), ("かんみんれ", "官民連携")],
)
def test_words_that_begin_as_typed_are_offered(
    typed: str, first: str, vocabulary: Vocabulary
) -> None:
    assert vocabulary.beginning(typed, 5)[0] == first


def test_words_in_latin_letters_of_other_lengths_are_compared() -> None:
    vocabulary = Vocabulary({"fuchuu\tふちゅう": 2, "design\tでざいん": 2})
    assert vocabulary.nearest("fuch", "") is None
    assert vocabulary.nearest("desgn", "") == (pytest.approx(1 / 6), "design")


BEGINNINGS = Vocabulary(
    {
        "子育て\tこそだて": 3,
        "子牛\tこうし": 1,
        "講師\tこうし": 9,
        "ict\t": 2,
        "避難所\tひなんしょ": 2,
    }
)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("こ", ["講師", "子育て", "子牛"]),
        ("子", ["子育て", "子牛"]),
        ("ｺｳ", ["講師", "子牛"]),
        ("ＩＣ", ["ict"]),
        ("ひなんじ", ["避難所"]),
        ("子育てて", []),
        ("講師", ["講師"]),
    ],
)
def test_the_commonest_words_come_first(typed: str, offered: list[str]) -> None:
    assert BEGINNINGS.beginning(typed, 5) == offered
    assert BEGINNINGS.beginning(typed, 1) == offered[:1]


@given(
    st.dictionaries(
        st.tuples(st.text("子育てあい", min_size=1, max_size=4), st.text("あいう", max_size=4)),
        st.integers(1, 5),
    ),
    st.text("子育てあいう", max_size=3),
)
def test_beginnings_are_found_as_by_looking_at_every_word(
    words: dict[tuple[str, str], int], typed: str
) -> None:
    lexicon = {"\t".join(pair): count for pair, count in words.items()}
    fitting = [
        (-count, surface)
        for (surface, reading), count in words.items()
        if surface.startswith(typed) or (is_kana(typed) and reading.startswith(typed))
    ]
    expected = list(dict.fromkeys(surface for _, surface in sorted(fitting)))
    assert Vocabulary(lexicon).beginning(typed, 100) == expected


def test_a_hundred_thousand_words_are_no_wait() -> None:
    letters = itertools.product("子育空家活用支援", repeat=6)
    words = ["".join(each) for each in itertools.islice(letters, 100_000)]
    vocabulary = Vocabulary({f"{word}\tかな{i % 1000}": i % 7 for i, word in enumerate(words)})
    vocabulary.beginning("子", 5)
    began = time.process_time()
    for _ in range(100):
        assert len(vocabulary.beginning("子育空", 5)) == 5
    assert time.process_time() - began < 0.5  # 5 ms each


@given(st.text(max_size=60))
def test_any_text_can_be_repaired(vocabulary: Vocabulary, text: str) -> None:
    assert isinstance(corrected(text, unmet(text, vocabulary), vocabulary), str)
    assert isinstance(written_out(text, vocabulary), str)
    vocabulary.beginning(text, 3)
