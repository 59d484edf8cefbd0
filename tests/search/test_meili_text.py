"""What the server is asked for a text."""

from collections.abc import Sequence

import pytest

from search.armour import EVERY, unarmour
from search.meili_filters import NOTHING
from search.meili_text import Count, Found, found


def holding(*words: str, size: int = 30) -> Count:
    """Return a server whose listings hold just these words, forms, readings or character pairs."""

    def count(text: str, filters: Sequence[str]) -> list[int]:
        return [size * any(f'"{word}"' in asked for word in words) for asked in filters]

    return count


def asked(text: str, *words: str, size: int = 30) -> Found:
    return found(text, holding(*words, size=size))


def test_the_text_begins_with_the_word_of_every_listing_and_ranks_only() -> None:
    result = asked("空家 除雪", "空き家", "除雪")
    assert result.text.split()[0] == EVERY
    assert unarmour(result.text).split()[1:] == ["空き家", "除雪"]
    assert result.must == ""
    assert 'words IN ["空き家", ' in result.filter(None)
    assert result.levels == ("",)


def test_phrases_and_exclusions_are_left_to_the_text() -> None:
    result = asked('"空家" -除雪 石巻', "石巻")
    assert unarmour(result.must) == '* "空 家" -"除 雪"'
    assert result.text.startswith(result.must)
    assert result.filter(None) == 'words IN ["石巻"]'


def test_no_more_terms_are_sent_than_the_server_keeps() -> None:
    words = "港 川 山 海 森 畑 橋 駅 雪 風 雨 空 星 石"
    result = asked(words + "".join(f' -"{word}{word}"' for word in words.split()), "港")
    phrases = result.text.count('-"')
    plain = result.text.rpartition('"')[2].split()
    assert 1 + phrases + len(plain) == 10
    assert result.filter(None).count("NOT") == 14 - phrases


def test_while_few_listings_hold_every_word_fewer_words_are_enough() -> None:
    result = asked("空家 除雪", "空き家", "除雪", size=19)
    assert " OR " in result.filter(None)
    assert len(result.levels) == 2
    assert "NOT" in result.levels[1]


@pytest.mark.parametrize("text", ["！？", "の"])
def test_a_text_without_words_finds_nothing(text: str) -> None:
    assert asked(text).filter(None) == NOTHING


def test_words_that_no_listing_holds_are_told() -> None:
    assert asked("空家 石巻", "空き家").unmet == ("石巻",)
