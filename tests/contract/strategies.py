"""Random listings and searches, small enough that every value meets every other."""

from dataclasses import replace

from hypothesis import strategies as st

from search.documents import SearchDocument
from search.query import FACETS, SORTS, SearchQuery

NOW = 1_800_000_000
WORDS = ("子育て", "防災", "観光", "空き家", "ドローン", "見守り", "京都", "東京都")
VALUES = {
    "kind": ("pilot", "accelerator", "proposal"),
    "theme": ("childcare", "disaster", "tourism"),
    "prefecture": ("00", "04", "13", "26"),
    "municipality": ("042021", "131016"),
    "offer": ("field", "data"),
    "budget": ("none", "fixed"),
    "amount": ("1m", "3m", "5m", "10m", "over"),
    "stage": ("concept", "proven"),
    "deadline": ("3d", "1w", "2w", "1m", "none"),
}

_seconds = [NOW - 9, NOW - 1, NOW, NOW + 1, NOW + 9]
_edges = [NOW + days * 86_400 + second for days in (3, 7, 14, 30) for second in (0, 1)]
_ceilings = [0, 1_000_000, 1_000_001, 3_000_000, 5_000_001, 10_000_000, 10_000_001, 10**12]
_times = st.one_of(st.none(), st.sampled_from(_seconds + _edges))
_sentence = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("の".join)


def _some(facet: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(VALUES[facet]), max_size=2, unique=True).map(tuple)


def _perhaps(facet: str) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(VALUES[facet]))


def _document(number: int) -> st.SearchStrategy[SearchDocument]:
    target = "call" if number % 2 else "solution"
    return st.builds(
        SearchDocument,
        id=st.just(f"{target}-{number}"),
        version=st.integers(1, 3),
        target=st.just(target),
        title=_sentence,
        summary=_sentence,
        body=_sentence,
        owner=st.sampled_from(["宮城県石巻市 水産課", "株式会社あおば"]),
        kinds=_some("kind"),
        themes=_some("theme"),
        prefectures=_some("prefecture"),
        municipality=_perhaps("municipality"),
        offers=_some("offer"),
        budget=_perhaps("budget"),
        budget_max=st.one_of(st.none(), st.sampled_from(_ceilings)),
        stage=_perhaps("stage"),
        opens_at=_times,
        closes_at=_times,
        published_at=st.sampled_from([NOW - 50, NOW - 40]),
        closed=st.booleans(),
    )


documents = st.integers(0, 12).flatmap(
    lambda size: st.tuples(*(_document(number) for number in range(size))).map(list)
)

crowds = st.one_of(
    documents,
    documents.map(  # enough of one kind to fill a page
        lambda rows: [replace(row, id=f"{row.id}{copy}") for copy in range(4) for row in rows]
    ),
)

_filters = st.fixed_dictionaries(
    {},
    optional={
        facet: st.lists(
            st.sampled_from((*VALUES[facet], "unstated", "nobody-has-this")), min_size=1, max_size=2
        ).map(tuple)
        for facet in FACETS
    },
)

queries = st.builds(
    SearchQuery,
    target=st.sampled_from([None, None, "call", "solution"]),
    now=st.just(NOW),
    filters=_filters,
    status=st.lists(st.sampled_from(["open", "upcoming", "closed"]), max_size=2).map(tuple),
    but=st.lists(st.sampled_from(["call-1", "solution-2", "call-3"]), max_size=2).map(tuple),
    only=st.one_of(
        st.none(),
        st.none(),
        st.lists(st.sampled_from([f"call-{n}" for n in range(1, 13, 2)]), max_size=4).map(tuple),
    ),
    sort=st.sampled_from(SORTS),
    limit=st.just(100),
)


_SIGNS = ("{}", "{}", "{}", '"{}"', "-{}", "OR {}", '-"{}"')
_typed = st.one_of(
    st.sampled_from(
        (
            *WORDS,
            *(
                "こそだて",
                "ボウサイ",
                "空家",
                "あきや",
                "シニア",
                "小島町",
                "石巻",
                "あおば",
                "株式会社",
            ),
            *("子育ての防災", "除雪", "東京", "京都市", "ﾄﾞﾛｰﾝ", "観光の", "見守", "ドロン", "支援"),
        )
    ),
    st.text(st.sampled_from("子育防災観光空き家見守京都のどろんーcd1"), min_size=1, max_size=5),
)
texts = st.lists(
    st.builds(str.format, st.sampled_from(_SIGNS), _typed), min_size=1, max_size=5
).map(" ".join)
