"""Which words of a listing can be offered to readers."""

from dataclasses import replace

import pytest

from search.channels import text_fields
from search.documents import SearchDocument

LISTING = SearchDocument(
    id="call-1", version=1, target="call", title="", summary="", body="", owner="石巻市"
)


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("除雪", {"除雪\tじょせつ"}),
        ("空家とＤＸ", {"空家\tあきや", "dx\tでぃーえっくす"}),
        ("商店街", {"商店街\tしょうてんがい", "商店\tしょうてん"}),
        ("雪の町、2025、12,000、三百", set()),
    ],
)
def test_a_title_gives_its_words_as_they_are_spelled(title: str, found: set[str]) -> None:
    assert set(text_fields(replace(LISTING, title=title))["lexicon"]) == found


def test_summary_body_and_keywords_count_and_the_owner_does_not() -> None:
    row = replace(LISTING, summary="除雪", body="空家", keywords=("子育て", "Childcare"))
    assert set(text_fields(row)["lexicon"]) == {
        "除雪\tじょせつ",
        "空家\tあきや",
        "子育て\tこそだて",
        "childcare\t",
    }
