"""How much of a text is bare enumeration: keyword stuffing written as a list.

A run of four or more short noun phrases separated by commas, middle dots or slashes, with
nothing but の, と and や between their words, says which words the author wants to be found by
and nothing about what is done.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from search.analysis import tokenize

MINIMUM_RUN = 4
LONGEST_ITEM = 16
FREE_SHARE = 0.1

# An item and the mark behind it; a list goes on after the first kind and ends with the second.
_ITEM = re.compile(
    r"([^、，,・･/／;；|｜#＃●■◆▼\n。！？!?「」『』()（）【】]*)(?:([、，,・･/／;；|｜#＃●■◆▼\n])|([。！？!?「」『』()（）【】])|$)"
)
# The same few kana between one short piece and the next, four times: a list in disguise.
_GLUED = re.compile(r"([ぁ-ん]{2,6})(?:[^ぁ-ん、。，．・/／\s]{1,16}\1){3,}")
_LINKS = re.compile(r"[のとや\s]*")
# Dictionary forms of verbs and adjectives end like this after a kanji or kana.
_INFLECTED = re.compile(r"[^ァ-ヺa-z0-9][うくぐすつぬぶむるい]$")
_NOUN_IN_I = re.compile(r"(違い|思い|願い|扱い|迷い|祝い|集い|憩い|払い|洗い|使い|買い|見舞い)$")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into (piece, is it bare enumeration); the pieces make up the whole text."""
    done = 0
    for start, end in _runs(text):
        if done < start:
            yield text[done:start], False
        yield text[start:end], True
        done = end
    if done < len(text):
        yield text[done:], False


def prose_factor(share: float) -> float:
    """Return D, by which a score falls with the share of bare enumeration (both 0..1).

    A tenth is free, since honest posts list what they support; beyond it D = (1 - excess)^2.
    """
    excess = max(0.0, share - FREE_SHARE) / (1 - FREE_SHARE)
    return (1 - excess) ** 2


def is_noun_phrase(item: str) -> bool:
    """Tell whether a piece of text is a short run of nouns without a verb."""
    text = item.strip()
    if not text or len(text) > LONGEST_ITEM:
        return False
    end = 0
    tokens = tokenize(text)
    for token in tokens:
        if not _LINKS.fullmatch(text[end : token.start]):
            return False
        if _INFLECTED.search(token.form) and not _NOUN_IN_I.search(token.form):
            return False
        end = token.end
    return bool(tokens) and _LINKS.fullmatch(text[end:]) is not None


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the bare enumerations, in order and apart from one another."""
    glued = [match.span() for match in _GLUED.finditer(text)]
    done = 0
    for start, end in sorted([*_separated(text), *glued]):
        if end > done:
            yield max(start, done), end
            done = end


def _separated(text: str) -> Iterator[tuple[int, int]]:
    """Yield the runs of short items between marks."""
    run: list[re.Match[str]] = []
    for match in _ITEM.finditer(text):
        short = 0 < len(match.group(1)) <= LONGEST_ITEM
        if short:
            run.append(match)
        if not short or match.group(2) is None:
            yield from _listed(run)
            run = []
    yield from _listed(run)


def _listed(run: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """Yield the spans of enough noun phrases in a row among neighbouring short items."""
    if len(run) < MINIMUM_RUN:
        return
    for listed, group in groupby(run, key=lambda match: is_noun_phrase(match.group(1))):
        own = list(group)
        if listed and len(own) >= MINIMUM_RUN:
            yield own[0].start(), own[-1].end()
