"""Words no other tokenizer can cut or respell, for an engine that analyses what it is given.

Each character of a word moves to the same place of Plane 15 (private use), which has no script,
no case and no decomposition: an engine takes the word as it is, and still sees its characters one
by one for prefixes and typing slips. Plain Latin words and numbers are safe as they are.
"""

import re

from search.analysis import Token, readings, tokenize

ARMOUR_VERSION = 1
_PLANE = 0xF0000
_SAFE = re.compile(r"[a-z0-9]+")
_LONGEST = 60  # characters; an engine drops words beyond 250 bytes
_SENTENCE_END = re.compile(r"[。．！？\n]")


def armour(word: str) -> str:
    """Return the opaque form of a word without spaces; rare ideographs beyond the BMP stay."""
    if _SAFE.fullmatch(word):
        return word
    return "".join(chr(_PLANE + ord(char)) if ord(char) < 0x10000 else char for char in word)


def unarmour(word: str) -> str:
    """Return the word an opaque form was made from."""
    return "".join(
        chr(ord(char) - _PLANE) if _PLANE <= ord(char) < _PLANE + 0x10000 else char for char in word
    )


def armoured_text(text: str) -> str:
    """Return the words of a text, opaque, with sentences kept apart for nearness."""
    sentences = (_sentence(tokenize(part)) for part in _SENTENCE_END.split(text))
    return ". ".join(sentence for sentence in sentences if sentence)


def armoured_readings(text: str) -> str:
    """Return the hiragana readings of a text, opaque."""
    return " ".join(armour(reading[:_LONGEST]) for reading in readings(text))


def _sentence(tokens: list[Token]) -> str:
    found = (word for token in tokens for word in (token.form, *token.units))
    return " ".join(armour(word[:_LONGEST]) for word in found)
