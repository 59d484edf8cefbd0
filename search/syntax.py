"""The few signs of a typed query: "an exact phrase", -without, this OR that.

Everything else is words. Signs are taken in any width, since people type in Japanese input mode;
a sign that cannot be one (a quote that never closes, a minus inside a word) is text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_QUOTES = '"“”„‟〝〞〟＂'
_MINUS = "-－−–‐"
_PIECE = re.compile(
    rf"(?P<minus>(?<!\S)[{_MINUS}])?(?:[{_QUOTES}](?P<phrase>[^{_QUOTES}]+)[{_QUOTES}]|(?P<chunk>[^\s{_QUOTES}]+))"
    rf"|[{_QUOTES}]"
)
_OR = frozenset(("OR", "ＯＲ", "|", "｜", "または", "又は"))
_AND = frozenset(("AND", "ＡＮＤ", "&", "＆"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the query between spaces or quotes. Offsets are those of the typed text."""

    start: int
    end: int
    phrase: bool = False
    without: bool = False
    joined: bool = False  # "OR" stands before it


def pieces(text: str) -> list[Piece]:
    """Return the parts of a query in order, without the signs."""
    found: list[Piece] = []
    joined = False
    for match, group in _matches(text):
        start, end = match.span(group)
        typed = text[start:end]
        if group == "chunk" and typed in _AND and not match["minus"]:
            continue
        if group == "chunk" and typed in _OR and not match["minus"]:
            joined = bool(found)
            continue
        without = match["minus"] is not None
        found.append(Piece(start, end, group == "phrase", without, joined and not without))
        joined = False
    return found


def _matches(text: str) -> Iterator[tuple[re.Match[str], str]]:
    for match in _PIECE.finditer(text):
        for group in ("phrase", "chunk"):
            if match[group] and match[group].strip():
                yield match, group
