"""The words an index can offer to readers: what its listings really say, as they spell it."""

from collections.abc import Iterable, Iterator

from search.analysis import Token

SEPARATOR = "\t"
_SHORTEST, _LONGEST = 2, 40  # characters


def words_of(tokens: Iterable[Token]) -> set[str]:
    """Return "surface<tab>reading" of the words of a listing.

    The surface is folded as typed, the reading is hiragana ("" when unknown). Compounds also give
    their short units. Single characters, bare numbers and endless words are left out.
    """
    found = {pair for token in tokens for pair in _spelled(token)}
    return {f"{surface}{SEPARATOR}{reading}" for surface, reading in found if _offered(surface)}


def _spelled(token: Token) -> Iterator[tuple[str, str]]:
    yield token.surface, token.reading
    if len(token.units) == len(token.unit_readings):
        for unit, reading in zip(token.units, token.unit_readings, strict=True):
            # A unit in another spelling than the text's own is no word of the listing.
            if unit in token.surface:
                yield unit, reading


def _offered(surface: str) -> bool:
    letters = any(char.isalpha() and not char.isnumeric() for char in surface)
    return letters and _SHORTEST <= len(surface) <= _LONGEST
