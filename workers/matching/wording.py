"""Sentences in both languages, and how they quote."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workers.matching.facts import Facts

_LONGEST, _SHORTEST = 40, 12
_SENTENCE = re.compile(r"[^。！？!?\n]+")
_SPACE = re.compile(r"\s+")
_INNER = str.maketrans("「」", "『』")
_CUT = "…"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement in both languages."""

    ja: str
    en: str


def quotes(phrases: Iterable[str]) -> str:
    """Return phrases in Japanese quotation marks; those inside them become double ones."""
    return "".join(f"「{phrase.translate(_INNER)}」" for phrase in phrases)


def english_quotes(phrases: Iterable[str]) -> str:
    """Return phrases in English quotation marks, as a sentence lists them."""
    *first, last = (f"“{phrase}”" for phrase in phrases)
    return f"{', '.join(first)} and {last}" if first else last


def excerpt(passage: str, texts: Sequence[str]) -> str | None:
    """Return the first whole sentence of the texts that a passage holds; None if there is none.

    A passage is joined of sentences that may stand apart, so no more than one of them is quoted.
    A long one is cut at a comma where it has one, and the cut is marked.
    """
    found = {
        at: sentence
        for text in texts
        for match in _SENTENCE.finditer(text)
        if len(sentence := _SPACE.sub(" ", match.group()).strip()) >= _SHORTEST
        and (at := passage.find(sentence)) >= 0
    }
    cut = (_shortened(found[at]) for at in sorted(found))
    return next((said for said in cut if _is_balanced(said)), None)


def _shortened(sentence: str) -> str:
    if len(sentence) <= _LONGEST:
        return sentence
    commas = [at for at in range(_SHORTEST, _LONGEST) if sentence[at] == "、"]
    cuts = [at for at in commas if _is_balanced(sentence[:at])] or [_LONGEST - 1]
    return sentence[: cuts[-1]] + _CUT


def _is_balanced(text: str) -> bool:
    """Tell whether every bracket that opens in a text closes there, and the other way round."""
    depth = 0
    for letter in text:
        depth += (letter in "「『（(【") - (letter in "」』）)】")
        if depth < 0:
            return False
    return depth == 0


def all_texts(facts: Facts) -> list[str]:
    """Return every text of a listing."""
    values = (getattr(facts, name) for name in facts.__slots__)
    return [value for value in values if isinstance(value, str)]
