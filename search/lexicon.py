"""The words an index can offer to readers: what its listings really say, as they spell it."""

from collections.abc import Iterator

from search.analysis import Token, tokenize
from search.documents import SearchDocument

SEPARATOR = "\t"
_SHORTEST, _LONGEST = 2, 40  # characters


def lexicon_words(document: SearchDocument) -> set[str]:
    """Return "surface<tab>reading" of the words of title, summary and keywords.

    The surface is folded as typed, the reading is hiragana ("" when unknown). Compounds also give
    their short units. Single characters, bare numbers and endless words are left out.
    """
    texts = (document.title, document.summary, *document.keywords)
    found = (word for text in texts for token in tokenize(text) for word in _words(token))
    return {f"{surface}{SEPARATOR}{reading}" for surface, reading in found if _offered(surface)}


def _words(token: Token) -> Iterator[tuple[str, str]]:
    yield token.surface, token.reading
    for unit in token.units:
        # A unit in another spelling than the text's own is no word of the listing.
        if unit in token.surface:
            yield from ((part.surface, part.reading) for part in tokenize(unit))


def _offered(surface: str) -> bool:
    letters = any(char.isalpha() and not char.isnumeric() for char in surface)
    return letters and _SHORTEST <= len(surface) <= _LONGEST
