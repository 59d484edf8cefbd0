"""Filters say what they should, to a reader that takes AND, OR and NOT at their word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.documents import DAY, NEVER
from search.meili_filters import NOTHING, all_of, among, any_of, at_least, chosen, status
from search.query import SearchQuery


def passes(text: str, passed: set[str]) -> bool:
    """Evaluate a filter of the conditions "c0", "c1" and so on."""
    words = text.replace("AND", "and").replace("OR", "or").replace("NOT", "not")
    return bool(eval(words, {}, {f"c{n}": f"c{n}" in passed for n in range(24)}))


@given(data=st.data(), size=st.integers(1, 24))
def test_so_many_of_some_conditions(data: st.DataObject, size: int) -> None:
    conditions = [f"c{n}" for n in range(size)]
    least = data.draw(st.integers(1, size))
    passed = data.draw(st.sets(st.sampled_from(conditions)))
    assert passes(at_least(least, conditions), passed) == (len(passed) >= least)


def test_many_words_stay_a_filter_of_bearable_length() -> None:
    longest = max(len(at_least(k, [f'words IN ["w{n}"]' for n in range(24)])) for k in range(1, 25))
    assert longest < 100_000


def test_joins_know_everything_and_nothing() -> None:
    assert all_of(["", "c0", ""]) == "c0"
    assert all_of(["c0", "c1"]) == "(c0) AND (c1)"
    assert any_of(["c0", NOTHING, "c0"]) == "c0"
    assert any_of(["c0", ""]) == all_of([]) == ""
    assert any_of([]) == among("id", []) == NOTHING


def test_values_are_quoted_and_never_trusted() -> None:
    hostile = 'x"] OR id IN ["call-1\\'
    assert among("theme", ["a", hostile]) == 'theme IN ["a", "x\\"] OR id IN [\\"call-1\\\\"]'


@pytest.mark.parametrize("value", ["PILOT", " pilot", "ｐｉｌｏｔ", "pilöt"])
def test_a_value_that_no_listing_can_have_is_not_asked_for(value: str) -> None:
    # The server takes these for "pilot"; the other engine does not.
    assert chosen(SearchQuery(filters={"kind": (value,)})) == {"kind": NOTHING}
    assert chosen(SearchQuery(filters={"kind": (value, "pilot")})) == {"kind": 'kind IN ["pilot"]'}


def test_choices_become_one_filter_for_each_facet() -> None:
    query = SearchQuery(
        target="call",
        now=5,
        filters={"kind": ("pilot", "unstated"), "deadline": ("3d", "none", "9y")},
        status=("open", "closed"),
    )
    opened = "opens <= 5 AND closes > 5"
    assert chosen(query) == {
        "kind": 'kind IN ["pilot", "unstated"]',
        "deadline": f"({opened} AND closes <= {5 + 3 * DAY}) OR ({opened} AND closes >= {NEVER})",
        "target": 'target IN ["call"]',
        "status": f"({opened}) OR (closes <= 5)",
    }
    assert status("loud", 5) == NOTHING
