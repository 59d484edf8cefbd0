"""What every search engine behind the SearchIndex contract must do, engine by engine.

The real Meilisearch runs only where MEILI_URL (and MEILI_KEY) name a server kept for tests.
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from search.documents import SearchDocument, tie
from search.embedding import unit
from search.index import SearchIndex, open_index
from search.query import FACETS, SearchQuery
from tests.contract import naive
from tests.contract.naive_text import Texts
from tests.contract.strategies import NOW, crowds, documents, queries, texts

MEILI_URL = os.environ.get("MEILI_URL", "")
ENGINES = [
    "embedded",
    pytest.param(
        "meilisearch", marks=pytest.mark.skipif(not MEILI_URL, reason="MEILI_URL names no server")
    ),
]
on_random_data = settings(
    max_examples=25,
    # A server takes a second for each attempt to make a failure smaller.
    phases=[phase for phase in Phase if not (MEILI_URL and phase is Phase.shrink)],
)


@pytest.fixture(params=ENGINES)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchIndex]:
    meili = request.param == "meilisearch"
    opened = open_index(
        data_dir=tmp_path,
        meili_url=MEILI_URL if meili else None,
        meili_key=os.environ.get("MEILI_KEY"),
        prefix=f"test-{uuid.uuid4().hex[:8]}-",
    )
    with opened.rebuilding():
        pass
    yield opened
    drop = getattr(opened, "drop", None)
    if drop:
        drop()


def listing(number: int, **changes: object) -> SearchDocument:
    plain = SearchDocument(
        id=f"call-{number}",
        version=1,
        target="call",
        title="放課後の居場所づくり",
        summary="",
        body="",
        owner="宮城県石巻市",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def fill(index: SearchIndex, rows: list[SearchDocument]) -> None:
    with index.rebuilding() as fresh:
        fresh.apply(rows)


def rebuild_and_fail(index: SearchIndex) -> None:
    with index.rebuilding() as fresh:
        fresh.apply([listing(2)])
        raise RuntimeError("database went away")


def ids(index: SearchIndex, query: SearchQuery) -> list[str]:
    return [hit.id for hit in index.search(query).hits]


@on_random_data
@given(rows=documents, asked=st.lists(queries, min_size=1, max_size=4))
def test_filters_counts_and_orders_are_those_of_looking_at_every_listing(
    index: SearchIndex, rows: list[SearchDocument], asked: list[SearchQuery]
) -> None:
    fill(index, rows)
    for query in asked:
        result = index.search(query)
        assert [hit.id for hit in result.hits] == naive.ordered(rows, query)
        assert result.total == len(naive.matching(rows, query))
        assert result.facets == naive.facets(rows, query)


@on_random_data
@given(rows=crowds, asked=st.lists(st.tuples(texts, queries), min_size=1, max_size=4))
def test_a_text_finds_what_looking_at_every_word_finds(
    index: SearchIndex, rows: list[SearchDocument], asked: list[tuple[str, SearchQuery]]
) -> None:
    fill(index, rows)
    for text, query in asked:
        found = Texts(rows).finds(text)
        those = [row for row in rows if row.id in found]
        result = index.search(replace(query, text=text))
        assert {hit.id for hit in result.hits} == set(naive.ordered(those, query))
        assert result.total == len(naive.matching(those, query))
        assert result.facets == naive.facets(those, query)


@on_random_data
@given(rows=documents, query=queries, size=st.integers(1, 5))
def test_pages_laid_end_to_end_are_the_whole_list(
    index: SearchIndex, rows: list[SearchDocument], query: SearchQuery, size: int
) -> None:
    fill(index, rows)
    for text in ("", "子育て", "防災 観光"):
        whole = replace(query, text=text)
        everything = ids(index, whole)
        pages = [
            hit
            for offset in range(0, len(rows) + size, size)
            for hit in ids(index, replace(whole, offset=offset, limit=size))
        ]
        assert pages == everything


@on_random_data
@given(rows=documents, query=queries)
def test_a_value_chosen_next_to_its_count_finds_that_many(
    index: SearchIndex, rows: list[SearchDocument], query: SearchQuery
) -> None:
    fill(index, rows)
    query = replace(query, text="子育て 防災")
    counts = index.search(query).facets
    for facet in FACETS:
        for value, count in counts[facet].items():
            chosen = replace(query, filters={**query.filters, facet: (value,)})
            assert index.search(chosen).total == count


def test_what_was_applied_is_found_at_once_and_what_was_deleted_is_gone(
    index: SearchIndex,
) -> None:
    index.apply([listing(1), listing(2)], [])
    assert set(ids(index, SearchQuery(text="居場所"))) == {"call-1", "call-2"}
    index.apply([listing(1, version=2, title="除雪の担い手")], ["call-2", "call-unknown"])
    assert ids(index, SearchQuery(text="居場所")) == []
    assert ids(index, SearchQuery(text="除雪")) == ["call-1"]
    assert index.versions() == {"call-1": 2}


def test_versions_of_some_ids_leave_out_those_it_does_not_hold(index: SearchIndex) -> None:
    index.apply([listing(1), listing(2, version=5)], [])
    assert index.versions(["call-2", "call-9"]) == {"call-2": 5}
    assert index.versions([]) == {}


def test_an_empty_index_answers(index: SearchIndex) -> None:
    assert index.ready()
    for text in ("", "居場所"):
        result = index.search(SearchQuery(text=text, now=NOW))
        assert (result.hits, result.total) == ((), 0)
        assert not any(result.facets.values())


def test_a_failed_rebuild_leaves_the_old_index_in_use(index: SearchIndex) -> None:
    index.apply([listing(1)], [])
    with pytest.raises(RuntimeError, match="database went away"):
        rebuild_and_fail(index)
    assert index.versions() == {"call-1": 1}
    index.apply([listing(3)], [])
    assert set(index.versions()) == {"call-1", "call-3"}


def test_a_rebuild_is_invisible_until_it_is_complete(index: SearchIndex) -> None:
    index.apply([listing(1)], [])
    with index.rebuilding() as fresh:
        fresh.apply([listing(2), listing(3)])
        fresh.apply([listing(3, version=7)])
        assert fresh.versions() == {"call-2": 1, "call-3": 7}
        assert ids(index, SearchQuery(text="居場所")) == ["call-1"]
    assert index.versions() == {"call-2": 1, "call-3": 7}


def test_a_title_counts_more_than_a_mention_and_equal_listings_are_ordered_by_no_merit(
    index: SearchIndex,
) -> None:
    mention = listing(1, title="地域の足を考える", body="放課後に使える車もあります。")
    equal = [listing(number, published_at=number) for number in range(2, 40)]
    fill(index, [mention, *equal])
    found = ids(index, SearchQuery(text="放課後", limit=100))
    assert found == [*sorted((row.id for row in equal), key=tie), "call-1"]


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("こそだて", "子育て支援の相談窓口"),
        ("コソダテ", "子育て支援の相談窓口"),
        ("ｄｒｏｎｅ", "drone による点検"),
        ("ﾄﾞﾛｰﾝ", "ドローンによる点検"),
        ("引越し", "引っ越しの手続き"),
        ("空家", "空き家の活用"),
        ("サーバ", "サーバーの統合"),
        ("民生委員", "民生委員の見回り"),
        ("お年寄り", "高齢者の外出"),
        ("PPP", "官民連携の窓口"),
        ("2025年度", "令和7年度の予算"),
        ("北陸", "石川県の工芸"),
    ],
)
def test_one_meaning_in_other_spellings_is_found(
    index: SearchIndex, typed: str, written: str
) -> None:
    fill(index, [listing(1, title=written), listing(2, title="港の清掃")])
    assert ids(index, SearchQuery(text=typed)) == ["call-1"]


def test_a_place_inside_the_name_of_another_is_not_found(index: SearchIndex) -> None:
    fill(index, [listing(1, owner="東京都府中市"), listing(2, owner="京都府宇治市")])
    assert ids(index, SearchQuery(text="京都")) == ["call-2"]
    assert ids(index, SearchQuery(text="東京都")) == ["call-1"]


@pytest.mark.parametrize("offset", [0, 3, 5_000])
@pytest.mark.parametrize("limit", [-4, 0, 1, 10**9])
@pytest.mark.parametrize("sort", ["relevance", "deadline", "newest", "loudest"])
def test_any_page_of_any_sort_is_answered(
    index: SearchIndex, offset: int, limit: int, sort: str
) -> None:
    index.apply([listing(number) for number in range(4)], [])
    for text in ("", "居場所"):
        query = SearchQuery(text=text, sort=sort, offset=offset, limit=limit)
        result = index.search(query)
        assert result.total == 4
        assert len(result.hits) == min(max(4 - offset, 0), query.limit)


def test_a_deadline_holds_the_nearer_ones_and_is_none_of_what_is_not_open(
    index: SearchIndex,
) -> None:
    day = 86_400
    closings = [NOW + 3 * day, NOW + 3 * day + 1, NOW + 30 * day, NOW + 31 * day, None, NOW - 1]
    rows = [listing(number, closes_at=closing) for number, closing in enumerate(closings)]
    rows += [listing(6, closes_at=NOW + day, opens_at=NOW + 1), listing(7, closed=True)]
    fill(index, rows)
    counts = index.search(SearchQuery(now=NOW)).facets["deadline"]
    assert counts == {"3d": 1, "1w": 2, "2w": 2, "1m": 3, "none": 1}
    either = SearchQuery(now=NOW, filters={"deadline": ("1w", "none")})
    assert set(ids(index, either)) == {"call-0", "call-1", "call-4"}


def test_only_some_ids_are_found_and_counted(index: SearchIndex) -> None:
    fill(index, [listing(number, stage="proven") for number in range(4)])
    for text in ("", "居場所"):
        some = index.search(SearchQuery(text=text, only=("call-1", "call-3", "call-9")))
        assert {hit.id for hit in some.hits} == {"call-1", "call-3"}
        assert some.facets["stage"] == {"proven": 2}
        none = index.search(SearchQuery(text=text, only=()))
        assert (none.hits, none.total) == ((), 0)
        assert none.facets == {facet: {} for facet in (*FACETS, "target", "status")}


def test_the_lexicon_counts_the_listings_that_say_each_word(index: SearchIndex) -> None:
    rows = [
        listing(1, title="商店街の除雪", keywords=("Childcare", "子育て"), body="見守り"),
        listing(2, title="除雪、除雪、除雪"),
    ]
    fill(index, [*rows, listing(3, title="夜の観光")])
    index.apply([replace(rows[1], title="除雪の担い手")], ["call-3"])
    found = index.lexicon()
    assert found["除雪\tじょせつ"] == 2
    assert found["商店街\tしょうてんがい"] == found["childcare\t"] == 1
    assert "観光\tかんこう" not in found
    assert found == naive.lexicon([rows[0], replace(rows[1], title="除雪の担い手")])


MODEL = "some model/3/1"
_numbers = st.lists(st.integers(-5, 5), min_size=3, max_size=3).filter(any)


def meaning(*rows: list[int]) -> dict[str, object]:
    data = (np.array(row, np.float16).tobytes() for row in rows)
    return {"vectors": tuple(enumerate(data)), "vector_model": MODEL if rows else ""}


def aimed(row: list[int]) -> np.ndarray:
    return unit(np.array([row], np.float32))[0]


@on_random_data
@given(rows=documents, data=st.data(), query=queries, wanted=_numbers, limit=st.integers(1, 9))
def test_the_nearest_are_those_of_looking_at_every_passage(
    index: SearchIndex,
    rows: list[SearchDocument],
    data: st.DataObject,
    query: SearchQuery,
    wanted: list[int],
    limit: int,
) -> None:
    said = {row.id: data.draw(st.lists(_numbers, max_size=3)) for row in rows}
    fill(index, [replace(row, **meaning(*said[row.id])) for row in rows])
    cosines = {
        row.id: max(float(aimed(passage) @ aimed(wanted)) for passage in said[row.id])
        for row in naive.matching(rows, query)
        if said[row.id]
    }
    for text in ("", "子育て"):
        hits = index.nearest(aimed(wanted), replace(query, text=text), limit, model=MODEL)
        assert [hit.score for hit in hits] == pytest.approx(
            sorted(cosines.values(), reverse=True)[:limit], abs=2e-3
        )
        assert [hit.score for hit in hits] == pytest.approx(
            [cosines[hit.id] for hit in hits], abs=2e-3
        )


def test_vectors_follow_their_listing(index: SearchIndex) -> None:
    east, west = [1, 0, 0], [-1, 0, 0]

    def nearest() -> list[tuple[str, int]]:
        hits = index.nearest(aimed(east), SearchQuery(now=NOW), 9, model=MODEL)
        return [(hit.id, round(hit.score)) for hit in hits]

    assert nearest() == []
    index.apply([listing(1, **meaning(east)), listing(2)], [])
    assert nearest() == [("call-1", 1)]
    index.apply(
        [listing(1, version=2, **meaning(west)), listing(2, version=2, **meaning(east))], []
    )
    assert nearest() == [("call-2", 1), ("call-1", -1)]
    index.apply([listing(2, version=3)], ["call-1"])
    assert nearest() == []
    index.apply([listing(2, version=4, **meaning(east))], [])
    assert index.nearest(aimed(east), SearchQuery(), 9, model="another/3/1") == ()
    assert index.nearest(np.ones(2, np.float32), SearchQuery(), 9, model=MODEL) == ()
    assert nearest() == [("call-2", 1)]


@on_random_data
@given(value=st.text(max_size=20))
def test_any_filter_value_is_answered(index: SearchIndex, value: str) -> None:
    if not index.versions():
        index.apply([listing(1)], [])
    query = SearchQuery(filters={"kind": (value, "\ud800")}, target=value or None)
    assert index.search(query).total == 0


@on_random_data
@given(text=st.text(max_size=60))
def test_any_text_is_answered(index: SearchIndex, text: str) -> None:
    if not index.versions():
        index.apply([listing(1), listing(2, title="「かぎ括弧」と\\記号* AND (NOT)")], [])
    result = index.search(SearchQuery(text=text, now=NOW))
    assert result.total >= len(result.hits)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ('"官民連携"', {1, 2}),
        ('"官民 連携"', {1, 2}),
        ("“官民連携の窓口”", {1}),
        ('"連携官民"', set()),
        ('"連携の窓"', {1}),
        ('"窓口除雪"', set()),
        ("官民連携 -窓口", {2}),
        ("官民連携 －窓口", {2}),
        ('官民連携 -"官民連携の窓口"', {2}),
        ("除雪 OR 漁港", {3, 4}),
        ("除雪 または 漁港", {3, 4}),
        ('除雪 OR "漁港の清掃"', {3, 4}),
        ("-官民連携", {3, 4}),
        ('"ＰＦＩ"', {2}),
        ("みなとやきか", {4}),
        ("港屋", set()),
        ("みなとや企画 官民連携", {1, 2, 4}),
    ],
)
def test_signs_and_names_are_kept_to_the_letter(
    index: SearchIndex, typed: str, found: set[int]
) -> None:
    rows = [
        listing(1, title="官民連携の窓口", body="相談を受けます。"),
        listing(2, title="官民連携の手引き", body="PFIもあります。"),
        listing(3, title="除雪の担い手"),
        listing(4, title="漁港の清掃", owner="株式会社みなとや企画"),
    ]
    fill(index, rows)
    assert set(ids(index, SearchQuery(text=typed))) == {f"call-{number}" for number in found}


def test_without_expansion_only_what_was_typed_is_found(index: SearchIndex) -> None:
    fill(index, [listing(1, title="官民連携の窓口"), listing(2, title="PPPの手引き")])
    assert set(ids(index, SearchQuery(text="官民連携"))) == {"call-1", "call-2"}
    assert ids(index, SearchQuery(text="官民連携", expand=False)) == ["call-1"]


def test_words_that_no_listing_holds_are_named(index: SearchIndex) -> None:
    fill(index, [listing(1, title="除雪の担い手")])
    assert index.search(SearchQuery(text="除雪 ハザードマッブ")).unmet == ("ハザードマッブ",)
    assert index.search(SearchQuery(text="除雪 担い手")).unmet == ()


def test_words_that_stand_apart_are_no_compound_of_them(index: SearchIndex) -> None:
    fill(index, [listing(1, title="遠隔の見守り"), listing(2, title="勤務の相談")])
    assert index.search(SearchQuery(text="遠隔勤務")).unmet == ("遠隔勤務",)
    fill(index, [listing(1, title="遠隔の見守りと勤務の相談")])
    assert index.search(SearchQuery(text="遠隔勤務")).unmet == ()


def test_ids_can_be_left_out_and_counting_facets_too(index: SearchIndex) -> None:
    fill(index, [listing(number) for number in range(4)])
    result = index.search(SearchQuery(text="居場所", but=("call-1", "call-9"), facets=False))
    assert {hit.id for hit in result.hits} == {"call-0", "call-2", "call-3"}
    assert (result.total, result.facets) == (3, {})


def test_a_company_that_calls_itself_by_a_word_does_not_outrank_those_who_write_of_it(
    index: SearchIndex,
) -> None:
    rows = [listing(n, title="ドローンによる橋の点検") for n in range(1, 6)]
    fill(index, [*rows, listing(9, title="お弁当の配達", owner="ドローン株式会社")])
    assert ids(index, SearchQuery(text="ドローン"))[-1] == "call-9"


def test_every_word_is_asked_for_where_that_is_wished(index: SearchIndex) -> None:
    fill(index, [listing(1, title="除雪のドローン"), listing(2, title="除雪の担い手")])
    assert ids(index, SearchQuery(text="除雪 ドローン", whole=True)) == ["call-1"]
    lacking = index.search(SearchQuery(text="除雪 量子", whole=True))
    assert (lacking.hits, lacking.total, lacking.unmet) == ((), 0, ("量子",))
    assert len(ids(index, SearchQuery(text="除雪 ドローン"))) == 2


def test_a_word_that_only_a_deleted_listing_held_is_unmet(index: SearchIndex) -> None:
    index.apply([listing(1, title="官光の手引き"), listing(2, title="除雪")], [])
    assert index.search(SearchQuery(text="官光")).unmet == ()
    index.apply([], ["call-1"])
    assert index.search(SearchQuery(text="官光")).unmet == ("官光",)


def test_what_is_left_out_does_not_let_fewer_words_do(index: SearchIndex) -> None:
    both = [listing(number, title="除雪と見守り") for number in range(20)]
    fill(index, [*both, listing(20, title="除雪の相談")])
    every = {row.id for row in both}
    assert set(ids(index, SearchQuery(text="除雪 見守り", limit=100))) == every
    rest = set(ids(index, SearchQuery(text="除雪 見守り -相談", limit=100)))
    assert rest == every
    index.apply([listing(0, title="除雪と見守り", body="港町です。")], [])
    assert set(ids(index, SearchQuery(text="除雪 見守り -港町", limit=100))) == every - {"call-0"}


def test_a_real_word_is_not_met_by_likeness_of_letters(index: SearchIndex) -> None:
    fill(index, [listing(1, owner="東京都府中市")])
    assert index.search(SearchQuery(text="京都府")).total == 0
