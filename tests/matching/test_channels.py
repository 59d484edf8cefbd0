"""Profiles: what a text says, as counts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.analysis import fold, tokenize
from tests.matching.samples import CALLS, SOLUTIONS
from workers.matching.channels import (
    CHANNELS,
    NEED,
    Profile,
    channel_numbers,
    key_of,
    profile,
    shingles,
)
from workers.matching.concepts import find_words, glossary
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.names import THEMES

texts = st.text(
    st.one_of(st.characters(), st.sampled_from("雪子育てバス除雪車。、\n応募\ud800Ａ１"))
)


def words_of(text: str) -> list[str]:
    folded = fold(text)
    return find_words(folded, tokenize(folded))


def same(a: Profile, b: Profile) -> bool:
    arrays = all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("keys", "counts", "shingles")
    )
    return arrays and np.float32(a.enumeration) == np.float32(b.enumeration)


@given(title=texts, body=texts)
def test_any_text_has_a_profile_that_survives_its_bytes(title: str, body: str) -> None:
    found = profile(SolutionFacts(id=1, firm=1, title=title, solves=body))
    assert same(Profile.from_bytes(found.to_bytes()), found)
    assert (np.diff(found.keys.astype(object)) > 0).all()
    assert (found.counts > 0).all()
    assert 0 <= found.enumeration <= 1


@pytest.mark.parametrize("data", [b"", b"LHp1", b"x" * 40, profile(CALLS[0]).to_bytes()[:-3]])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no profile"):
        Profile.from_bytes(data)


def test_ids_owners_and_choices_leave_the_profile_alone() -> None:
    other = replace(CALLS[0], id=9, town=9, themes=(), offers=(), prefecture=None, closes_at=9)
    assert same(profile(other), profile(CALLS[0]))


def test_every_channel_speaks_and_keys_carry_its_number() -> None:
    found = profile(SOLUTIONS[3])
    assert set(channel_numbers(found.keys)) == set(range(len(CHANNELS)))
    assert key_of("words", "罠") in found.keys
    assert key_of("words", "罠") != key_of("pairs", "罠")


def test_the_need_channel_holds_the_need_fields_alone() -> None:
    call = CallFacts(id=1, town=1, kind="pilot", title="橋", details="水道の検針")
    assert NEED not in channel_numbers(profile(call).keys)
    assert key_of("need", "検針") in profile(replace(call, problem="水道の検針")).keys


def test_words_of_the_same_need_meet_in_a_concept() -> None:
    a = profile(CallFacts(id=1, town=1, kind="pilot", title="独居の方の安否を知りたい"))
    b = profile(SolutionFacts(id=1, firm=1, title="民生委員を助ける機器"))
    common = set(a.keys.tolist()) & set(b.keys.tolist())
    assert key_of("concepts", "一人暮らしの見守り") in common
    assert not [key for key in common if channel_numbers(np.array([key], np.uint64))[0] == 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("バスケットの試合", []),
        ("路線バスとＥＶ", ["路線バス", "ev"]),
        ("熊本県と久留米市", []),
        ("熊が出た", ["熊"]),
        ("七年間借り上げて", ["借り上げ"]),
        ("独居高齢者の見守りサービス", ["独居高齢者", "見守りサービス"]),
        ("中学生の合唱", []),
        ("学生の合唱", ["学生"]),
        ("貸出の台帳と料理教室", []),
    ],
)
def test_glossary_words_stand_on_their_own(text: str, expected: list[str]) -> None:
    assert words_of(text) == expected


def test_the_glossary_is_well_formed() -> None:
    book = glossary()
    assert len({concept.ja for concept in book.concepts}) == len(book.concepts)
    assert {concept.theme for concept in book.concepts} <= THEMES.keys()
    assert all(concept.en for concept in book.concepts)
    numbers = {number for found in book.words.values() for number in found}
    assert numbers == set(range(len(book.concepts)))


def test_shingles_ignore_width_case_and_punctuation() -> None:
    assert np.array_equal(shingles("ＡＢＣ、除雪車の位置。"), shingles("abc 除雪車の位置"))
    assert len(shingles("雪")) == 1
