"""How much of a text is bare enumeration: keyword stuffing written as a list.

A run of four or more short noun phrases separated by commas, middle dots or slashes, with
nothing but の, と and や between their words, says which words the author wants to be found by
and nothing about what is done. The share of characters in such runs lowers a solution's score.
"""

import re

from search.analysis import tokenize

MINIMUM_RUN = 4
LONGEST_ITEM = 16

_SEPARATOR = re.compile(r"[、，,・･/／\n]")
_SENTENCE = re.compile(r"[。！？!?]|[「」『』()（）【】]")
_LINKS = re.compile(r"[のとや\s]*")
# Dictionary forms of verbs and adjectives end like this after a kanji or kana.
_INFLECTED = re.compile(r"[^ァ-ヺa-z0-9][うくぐすつぬぶむるい]$")
_NOUN_IN_I = re.compile(
    r"(違い|思い|願い|扱い|迷い|祝い|集い|憩い|払い|洗い|使い|買い|お祝い|見舞い)$"
)


def enumeration_share(text: str) -> float:
    """Return the share (0..1) of the letters of a text that stand in bare enumerations."""
    listed = total = 0
    for sentence in _SENTENCE.split(text):
        run: list[int] = []
        for item in _SEPARATOR.split(sentence):
            size = len("".join(item.split()))
            total += size
            if size and is_noun_phrase(item):
                run.append(size)
                continue
            listed += _listed(run)
            run = []
        listed += _listed(run)
    return listed / total if total else 0.0


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


def _listed(run: list[int]) -> int:
    return sum(run) if len(run) >= MINIMUM_RUN else 0
