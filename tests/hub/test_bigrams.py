"""The baseline of the search evaluation."""

from dataclasses import replace

from hub.evaluation.bigrams import BigramSearch, pairs
from search.documents import SearchDocument

LISTING = SearchDocument(
    id="call-1", version=1, target="call", title="除雪の担い手", summary="", body="", owner="石巻市"
)


def test_pairs_are_cut_at_spaces_and_a_lone_character_stays() -> None:
    assert pairs("ＡＢ 雪かき 雪") == ["ab", "雪か", "かき", "雪"]


def test_the_listing_with_more_and_rarer_pairs_stands_first() -> None:
    rows = [
        LISTING,
        replace(LISTING, id="call-2", title="除雪"),
        replace(LISTING, id="call-3", title="港"),
    ]
    search = BigramSearch([*rows, replace(LISTING, id="solution-1", target="solution")])
    assert search.ranked("除雪の担い手", "call", 10) == ["call-1", "call-2"]
    assert search.ranked("除雪", "solution", 10) == ["solution-1"]
    assert len(search.ranked("石巻市", "call", 2)) == 2
    assert search.ranked("鯨", "call", 10) == []
