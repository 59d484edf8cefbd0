"""Words no other tokenizer can cut or respell, for an engine that analyses what it is given.

Each character of a word moves to the same place of Plane 15 (private use), which has no script,
no case and no decomposition: an engine takes the word as it is. The letters of exact phrases move
to Plane 16, so that a letter is never taken for a word. Plain Latin words and numbers are safe as
they are.
"""

import re
from collections.abc import Iterable

from search.channels import PART_END

ARMOUR_VERSION = 2
_WORDS, _LETTERS = 0xF0000, 0x100000
_SAFE = re.compile(r"[a-z0-9]+")
_LONGEST = 60  # characters; an engine drops words beyond 250 bytes


def armour(word: str) -> str:
    """Return the opaque form of a word without spaces; rare ideographs beyond the BMP stay."""
    return word if _SAFE.fullmatch(word) else _moved(word, _WORDS)


def unarmour(word: str) -> str:
    """Return the word or the letters that an opaque form was made from."""
    return "".join(chr(ord(char) & 0xFFFF) if ord(char) >= _WORDS else char for char in word)


def armoured(words: Iterable[str]) -> str:
    """Return words as an opaque text."""
    return " ".join(armour(word[:_LONGEST]) for word in words)


def spelled(exact: str) -> str:
    """Return the letters of exact phrases as an opaque text; parts of a listing stay apart."""
    parts = (part.split() for part in exact.split(PART_END))
    opaque = (" ".join(_moved(unit[:_LONGEST], _LETTERS) for unit in part) for part in parts)
    return ". ".join(part for part in opaque if part)


def _moved(word: str, plane: int) -> str:
    return "".join(chr(plane + ord(char)) if ord(char) < 0x10000 else char for char in word)


EVERY = _moved("*", _WORDS)  # a word that every listing is given; no text has a word of it
