"""Every title of the demo market is found in whatever width, case, composition or kana it is typed."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.analysis import tokenize
from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
from search.embedding import QueryVectors
from search.finder import Finder
from search.query import SearchQuery

DEMO = Path(__file__).parents[2] / "seeds" / "demo"
TITLES = sorted(
    {
        listing["title"]
        for folder in ("calls", "solutions")
        for path in (DEMO / folder).glob("*.json")
        for listing in json.loads(path.read_text(encoding="utf-8"))
    }
)
_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_FULL = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}
_HALF_KANA = {
    ord(unicodedata.normalize("NFKC", chr(code))): chr(code) for code in range(0xFF66, 0xFF9E)
}


def half_width(text: str) -> str:
    """Katakana as half-width letters with voicing marks of their own."""
    apart = unicodedata.normalize("NFD", text)
    marks = apart.replace("\u3099", "ﾞ").replace("\u309a", "ﾟ")
    return "".join(_HALF_KANA.get(ord(char), char) for char in marks)


SPELLINGS = {
    "full width": lambda text: text.translate(_FULL),
    "half width": half_width,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "upper case": str.upper,
    "lower case": str.lower,
}


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> Finder:
    index = EmbeddedIndex(tmp_path_factory.mktemp("titles"))
    plain = {"version": 1, "target": "call", "summary": "", "body": "", "owner": ""}
    index.apply(
        [
            SearchDocument(id=f"call-{number}", title=title, **plain)  # type: ignore[arg-type]
            for number, title in enumerate(TITLES)
        ],
        [],
    )
    return Finder(index, QueryVectors(None))


def first_found(finder: Finder, text: str) -> list[str]:
    answer = finder.find(SearchQuery(text=text, limit=5))
    return [TITLES[int(hit.id.partition("-")[2])] for hit in answer.result.hits]


@settings(max_examples=150)
@given(title=st.sampled_from(TITLES), spelling=st.sampled_from(sorted(SPELLINGS)))
def test_a_title_in_another_width_case_or_composition_finds_it_first(
    finder: Finder, title: str, spelling: str
) -> None:
    typed = SPELLINGS[spelling](title)
    assert [t.form for t in tokenize(typed)] == [t.form for t in tokenize(title)]
    assert first_found(finder, typed)[0] == title


def in_kana(title: str) -> list[str]:
    """The readings of the words of a title, short ones left out."""
    return list(dict.fromkeys(t.reading for t in tokenize(title) if len(t.reading) > 2))


def found_by(finder: Finder, text: str) -> set[str]:
    found = finder.words(SearchQuery(text=text, limit=100))
    return {TITLES[int(hit.id.partition("-")[2])] for hit in found.hits}


def test_each_word_of_a_title_typed_in_kana_finds_it(finder: Finder) -> None:
    for title in TITLES:
        for word in in_kana(title):
            for kana in (word, word.translate(_KATAKANA)):
                assert title in found_by(finder, kana), kana


@settings(max_examples=50)
@given(title=st.sampled_from(TITLES), data=st.data())
def test_words_of_a_title_typed_in_kana_find_it(
    finder: Finder, title: str, data: st.DataObject
) -> None:
    words = st.lists(st.sampled_from(in_kana(title)), min_size=1, max_size=3, unique=True)
    some = " ".join(data.draw(words))
    for kana in (some, some.translate(_KATAKANA)):
        assert title in found_by(finder, kana)
