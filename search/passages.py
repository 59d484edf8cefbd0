"""The passages of a listing: short texts that each say one thing, for a model to make vectors of.

A whole notice drowns its few sentences of need in preamble and procedure, and a small model is
slow and vague on long texts. So: the title; the gist, which is title, summary and the first
sentences of need; the names of its themes, kind and places; then windows of one to three
sentences that state the need. Measured together, each of them earns its place.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, zip_longest

from search.documents import SearchDocument
from search.sentences import weighted_sentences

PASSAGES_VERSION = 3  # a new one has every listing's passages looked at again
MOST_PASSAGES = 7
GIST = 1  # its place among the passages
ENOUGH = 120  # characters: a window with as many is complete …
LONGEST = 200  # … and takes no sentence that would make it longer than this
MOST_SENTENCES = 3
LONGEST_GIST = 300
_SPACE = re.compile(r"\s+")


def passages(document: SearchDocument) -> tuple[str, ...]:
    """Return the different passages of a listing, the most telling first, at most MOST_PASSAGES.

    Of several parts each says its first window before any says its second.
    """
    title = _flat(document.title)
    parts = [list(windows(part)) for part in document.needs or (document.body,)]
    in_turn = [text for text in chain.from_iterable(zip_longest(*parts, fillvalue="")) if text]
    gist = "。".join(filter(None, (title, _flat(document.summary), *in_turn[:1])))
    # Names in Japanese; the model needs no second language for the same thing.
    names = "、".join(word for word in document.keywords if not word.isascii())
    found = dict.fromkeys((title, gist[:LONGEST_GIST], names, *in_turn))
    return tuple(text for text in found if text)[:MOST_PASSAGES]


def own_passages(document: SearchDocument) -> tuple[str, ...]:
    """Return those passages that are the listing's own words: all but the one of names.

    Whatever the names are, these are among `passages`.
    """
    return passages(replace(document, keywords=()))[: MOST_PASSAGES - 1]


def digest(passage: str) -> str:
    """Return what a passage's vector is kept by."""
    return hashlib.blake2b(passage.encode("utf-8", "replace"), digest_size=16).hexdigest()


def windows(text: str) -> Iterator[str]:
    """Yield the sentences of a text that state the need, a few neighbours at a time.

    Headings, preamble and procedure are left out; where nothing else is said, preamble speaks.
    """
    found = list(weighted_sentences(text))
    best = max((weight for _, weight in found), default=0.0)
    return _joined(_flat(sentence) for sentence, weight in found if weight == best)


def _joined(sentences: Iterable[str]) -> Iterator[str]:
    window: list[str] = []
    for sentence in sentences:
        size = sum(map(len, window))
        if window and (
            size >= ENOUGH or size + len(sentence) > LONGEST or len(window) == MOST_SENTENCES
        ):
            yield "".join(window)
            window = []
        window.append(sentence)
    if window:
        yield "".join(window)


def _flat(text: str) -> str:
    return _SPACE.sub(" ", text).strip()
