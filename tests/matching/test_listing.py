"""What the market keeps of a listing, and its bytes."""

from dataclasses import replace

import numpy as np
import pytest

from tests.matching.samples import CALLS, SOLUTIONS, profile
from workers.matching.facts import Facts
from workers.matching.listing import CallTraits, SolutionTraits, from_bytes, listing


def test_traits_are_the_facts_beside_the_text_in_one_order() -> None:
    call = replace(CALLS[0], offers=("field", "data"), themes=("snow", "childcare"), closes_at=5)
    post = listing(call, profile(call), 10)
    assert post.traits == CallTraits(
        kind="pilot",
        themes=("childcare", "snow"),
        offers=("data", "field"),
        prefecture="06",
        closes=True,
    )
    assert (post.owner, post.themes, post.places) == (101, ("childcare", "snow"), ("06",))
    other = listing(SOLUTIONS[4], profile(SOLUTIONS[4]), 10)
    assert isinstance(other.traits, SolutionTraits)
    assert other.places == other.traits.areas == ("31", "32")
    assert other.owner == 205


@pytest.mark.parametrize("facts", [CALLS[0], SOLUTIONS[7]])
@pytest.mark.parametrize("rows", [0, 1, 7])
def test_bytes_are_read_back_whole(facts: Facts, rows: int) -> None:
    meaning = np.linspace(-1, 1, rows * 8).reshape(rows, 8).astype(np.float16) if rows else None
    post = listing(facts, profile(facts), 1234, meaning)
    found = from_bytes(77, post.to_bytes())
    assert (found.id, found.owner, found.since) == (77, post.owner, 1234)
    assert found.traits == post.traits
    assert found.profile.digest == post.profile.digest
    assert found.profile.enumeration == post.profile.enumeration
    if meaning is None:
        assert found.meaning is None
    else:
        assert found.meaning is not None
        assert found.meaning.dtype == np.float16
        assert np.array_equal(found.meaning, meaning)


@pytest.mark.parametrize("data", [b"", b"LHl2", b'[["snow"], [], 1]\nLHp1'])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no listing"):
        from_bytes(1, data)
