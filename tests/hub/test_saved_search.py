"""A saved search asks the index the same on every later day."""

from urllib.parse import parse_qs, urlencode

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.saved_search import FIELDS, NAMES, Search, Unreadable
from search.query import SORTS
from tests.conftest import NOW

TEXTS = st.text(max_size=40)
ODD = st.sampled_from(["&", "=", "+", "%", "%E3%81", "#", "\x00", "　", "ｶﾞ", "が", "\ud800", "a;b"])
VALUES = st.one_of(
    TEXTS, ODD, st.sampled_from(["call", "solution", *SORTS, "open", "childcare", "unstated", "2"])
)
ADDRESSES = st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), TEXTS), VALUES), max_size=30)


def read(pairs: list[tuple[str, str]]) -> Search | None:
    """What a web address of these pairs asks for; None when it cannot be answered."""
    line = urlencode(pairs, errors="surrogatepass")
    try:
        return Search.read(parse_qs(line, errors="replace"), lambda name, values: tuple(values))
    except Unreadable:
        return None


@given(ADDRESSES)
def test_any_search_is_read_back_as_it_was_saved(pairs: list[tuple[str, str]]) -> None:
    asked = read(pairs)
    if asked is None:
        return
    lasting = asked.lasting()
    again = Search.saved(lasting.query_string)
    assert again == lasting
    assert again.lasting() == again
    assert again.query(NOW) == lasting.query(NOW)


@given(ADDRESSES)
def test_what_lasts_finds_what_the_page_finds(pairs: list[tuple[str, str]]) -> None:
    asked = read(pairs)
    if asked is None:
        return
    page, kept = asked.query(NOW), Search.saved(asked.lasting().query_string).query(NOW)
    assert (kept.text, kept.target) == (page.text, page.target)
    assert {name: set(v) for name, v in kept.filters.items()} == {
        name: set(v) for name, v in page.filters.items()
    }


def test_order_page_and_status_make_no_other_search() -> None:
    plain = Search(text="雪", filters={"theme": ("snow", "disaster")})
    same = Search(
        text="雪",
        sort="newest",
        page=3,
        filters={"theme": ("disaster", "snow"), "status": ("closed",)},
    )
    assert plain.lasting().query_string == same.lasting().query_string
    assert plain.lasting().query_string != Search(text="雪").lasting().query_string


def test_a_value_that_does_not_exist_is_left_out() -> None:
    given = {"theme": ["snow", "no such theme"], "colour": ["red"]}
    found = Search.read(given, lambda name, values: tuple(v for v in values if v == "snow"))
    assert found == Search(filters={"theme": ("snow",)})
    assert set(FIELDS) == {"call", "solution"}
