"""Words and meaning together, slips repaired, pages that fit end to end."""

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
from search.embedding import QueryVectors, Vectors, unit
from search.finder import WINDOW, Finder, Hint
from search.query import SearchQuery

MODEL = "topics/3/1"
# A model of three topics: what a text is about by the letters in it.
TOPICS = ("雪冬", "子育保", "魚港")
PLAIN = SearchDocument(
    id="call-0", version=1, target="call", title="", summary="", body="", owner="宮城県石巻市"
)


class Topics:
    """An Embedder that any reader can check."""

    model = MODEL

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return unit(np.array([self.row(text) for text in texts], np.float32))

    embed_passages = embed_queries

    @staticmethod
    def row(text: str) -> list[float]:
        return [len(re.findall(f"[{topic}]", text)) + 0.01 for topic in TOPICS]


def listing(number: int, title: str, **changes: object) -> SearchDocument:
    row = np.array(Topics.row(title), np.float16)
    document = replace(
        PLAIN,
        id=f"call-{number}",
        title=title,
        vectors=((0, row.tobytes()),),
        vector_model=MODEL,
    )
    return replace(document, **changes)  # type: ignore[arg-type]


@pytest.fixture
def index(tmp_path: Path) -> EmbeddedIndex:
    return EmbeddedIndex(tmp_path / "index")


def finder(index: EmbeddedIndex, *, meaning: bool = True) -> Finder:
    return Finder(index, QueryVectors(Topics() if meaning else None, seconds=5))


def ids(answer: object) -> list[str]:
    return [hit.id for hit in answer.result.hits]  # type: ignore[attr-defined]


def test_what_is_near_in_meaning_joins_the_list_and_is_counted_apart(index: EmbeddedIndex) -> None:
    index.apply(
        [listing(1, "除雪の担い手"), listing(2, "冬の雪の見回り"), listing(3, "魚の港")], []
    )
    answer = finder(index).find(SearchQuery(text="除雪"))
    assert ids(answer) == ["call-1", "call-2"]
    assert answer.result.total == answer.result.facets["target"]["call"] == 1
    assert (answer.related, answer.related_total, answer.total) == ({"call-2"}, 1, 2)
    alone = finder(index, meaning=False).find(SearchQuery(text="除雪"))
    assert (ids(alone), alone.related_total) == (["call-1"], 0)


def test_of_equal_words_the_nearer_meaning_stands_first(index: EmbeddedIndex) -> None:
    rows = [listing(n, "港の魚と相談") for n in range(4)] + [listing(9, "保育と子の相談")]
    index.apply(rows, [])
    assert ids(finder(index).find(SearchQuery(text="子育て 相談")))[0] == "call-9"


def test_filters_hold_for_what_is_near_in_meaning_too(index: EmbeddedIndex) -> None:
    index.apply(
        [
            listing(1, "除雪の担い手", kinds=("pilot",)),
            listing(2, "冬の雪の見回り", kinds=("pilot",)),
            listing(3, "雪と冬の道", kinds=("proposal",)),
            listing(4, "雪の冬", kinds=("pilot",), target="solution", id="solution-4"),
        ],
        [],
    )
    query = SearchQuery(text="除雪", target="call", filters={"kind": ("pilot",)})
    assert set(ids(finder(index).find(query))) == {"call-1", "call-2"}


def test_a_slip_is_repaired_and_said_and_the_typed_text_can_be_insisted_on(
    index: EmbeddedIndex,
) -> None:
    index.apply([listing(1, "地域の見守り"), listing(2, "港の清掃")], [])
    answer = finder(index, meaning=False).find(SearchQuery(text="みもまり"))
    assert (ids(answer), answer.text, answer.repaired) == (["call-1"], "見守り", True)
    typed = finder(index, meaning=False).find(SearchQuery(text="みもまり"), as_typed=True)
    assert (ids(typed), typed.text, typed.suggestion) == ([], "みもまり", "見守り")


def test_a_query_that_finds_all_its_words_is_never_changed(index: EmbeddedIndex) -> None:
    index.apply([listing(1, "官光課の予定"), listing(2, "観光の予定"), listing(3, "観光")], [])
    answer = finder(index, meaning=False).find(SearchQuery(text="官光課"))
    assert (answer.repaired, answer.suggestion) == (False, "")


def test_a_named_value_lifts_listings_that_have_it_and_filters_nothing(
    index: EmbeddedIndex,
) -> None:
    index.apply(
        [
            listing(1, "除雪の相談"),
            listing(2, "除雪の相談", budget="none"),
            listing(3, "魚の相談", budget="none"),
        ],
        [],
    )
    query = SearchQuery(text="予算なし 除雪")
    named = [Hint(0, 4, "budget", ("none",))]
    found = ids(finder(index, meaning=False).find(query, named=named))
    assert found[0] == "call-2"
    assert "call-1" in found
    chosen = replace(query, filters={"budget": ("fixed",)})
    assert ids(finder(index, meaning=False).find(chosen, named=named)) == []


def test_an_empty_text_and_another_order_are_the_index_s_own(index: EmbeddedIndex) -> None:
    index.apply([listing(n, "雪", published_at=n) for n in range(3)], [])
    for query in (SearchQuery(), SearchQuery(text="雪", sort="newest")):
        assert ids(finder(index).find(query)) == [hit.id for hit in index.search(query).hits]


def test_enumerations_stand_below_sentences(index: EmbeddedIndex) -> None:
    index.apply(
        [
            listing(1, "除雪・防災・観光・子育て・農業・漁業・医療・介護"),
            listing(2, "町の道をみんなで守る", body="除雪の担い手を町の内外から集めて育てます。"),
        ],
        [],
    )
    assert ids(finder(index, meaning=False).find(SearchQuery(text="除雪")))[0] == "call-2"


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(
    size=st.integers(0, WINDOW + 40),
    page=st.integers(1, 60),
    text=st.sampled_from(["除雪", "雪 冬", "見守り", "港の魚"]),
    data=st.data(),
)
def test_pages_laid_end_to_end_are_the_whole_list_once(
    tmp_path_factory: pytest.TempPathFactory, size: int, page: int, text: str, data: st.DataObject
) -> None:
    index = EmbeddedIndex(tmp_path_factory.mktemp("index"))
    titles = st.sampled_from(["除雪の冬", "冬の雪", "除雪", "見守りと魚", "港の魚の見守り"])
    rows = [listing(n, data.draw(titles)) for n in range(size)]
    index.apply(rows, [])
    asked = finder(index)
    total = asked.find(SearchQuery(text=text)).total
    found = [
        id_
        for offset in range(0, total, page)
        for id_ in ids(asked.find(SearchQuery(text=text, offset=offset, limit=page)))
    ]
    assert len(found) == len(set(found)) == total


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=80))
def test_any_text_is_answered(tmp_path: Path, text: str) -> None:
    index = EmbeddedIndex(tmp_path / "any")
    if not (tmp_path / "any").exists():
        index.apply([listing(1, "除雪の担い手"), listing(2, "魚の港")], [])
    answer = finder(index).find(SearchQuery(text=text))
    assert answer.total >= len(answer.result.hits)


def test_new_words_are_known_a_minute_later_and_nobody_waits(index: EmbeddedIndex) -> None:
    moment = [0.0]
    asked = Finder(index, QueryVectors(None), clock=lambda: moment[0])
    index.apply([listing(1, "除雪")], [])
    assert asked.vocabulary().knows("じょせつ")
    index.apply([listing(2, "見守り")], [])
    moment[0] = 30
    assert not asked.vocabulary().knows("みまもり")
    moment[0] = 61
    for _ in range(200):
        if asked.vocabulary().knows("みまもり"):
            break
        time.sleep(0.02)
    assert asked.vocabulary().knows("みまもり")


def test_words_that_have_not_changed_are_kept(
    index: EmbeddedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.apply([listing(1, "除雪")], [])
    moment, read = [0.0], threading.Event()
    asked = Finder(index, QueryVectors(None), clock=lambda: moment[0])
    first, lexicon = asked.vocabulary(), index.lexicon()
    monkeypatch.setattr(index, "lexicon", lambda: read.set() or dict(lexicon))
    moment[0] = 61
    asked.vocabulary()
    assert read.wait(10)
    time.sleep(0.05)
    assert asked.vocabulary() is first


def test_what_is_excluded_or_quoted_holds_for_what_is_near_in_meaning_too(
    index: EmbeddedIndex,
) -> None:
    index.apply([listing(1, "除雪の冬"), listing(2, "冬の雪の見回り"), listing(3, "雪の冬")], [])
    asked = finder(index)
    assert set(ids(asked.find(SearchQuery(text="除雪 -見回り")))) == {"call-1", "call-3"}
    assert "call-1" not in ids(asked.find(SearchQuery(text="-除雪")))
    assert ids(asked.find(SearchQuery(text='"雪の見回り"'))) == ["call-2"]


def test_a_word_that_the_sentence_cut_apart_is_no_slip(index: EmbeddedIndex) -> None:
    index.apply([listing(1, "高齢者の見守り"), listing(2, "高齢者の見回り")], [])
    answer = finder(index, meaning=False).find(SearchQuery(text="高齢者の見守りをやりたい"))
    assert (answer.repaired, answer.suggestion) == (False, "")
