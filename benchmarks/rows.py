"""The words of listings, ready-made: those of each sentence of the pool are cut once and joined.

`text_fields` of search.channels cuts whole listings, which for a million takes half an hour. Here
the very same function cuts each sentence, title and name by itself, and a listing gets the joined
words of its parts. A cut seldom depends on the sentence before; `agreement` measures how seldom.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from multiprocessing import Pool
from typing import Any
from unittest.mock import patch

from search.channels import PART_END, text_fields
from search.documents import SearchDocument
from search.names import name_units

Row = dict[str, Any]
_JOINED = ("text", "grams", "kana", "groups")


@dataclass(frozen=True, slots=True)
class _Piece:
    title: str
    joined: tuple[str, ...]
    exact: str
    lexicon: frozenset[str]


class ReadyRows:
    """Words of listings by channel, from pieces that were cut before."""

    def __init__(self) -> None:
        self._pieces: dict[str, _Piece] = {}
        self._names: dict[str, str] = {}

    def __call__(self, document: SearchDocument) -> Row:
        """Return what `text_fields` returns, out of the words of the parts."""
        own = [self._piece(document.title), self._piece(document.summary)]
        body = [self._piece(sentence) for sentence in document.needs]
        told = [self._piece(word) for word in document.keywords]
        owner = self._piece(document.owner)
        said = [*own, *body, *told]
        exact = [*(p.exact for p in own), " ".join(p.exact for p in body)]
        exact += [p.exact for p in (*told, owner)]
        joined = zip(*(piece.joined for piece in (*said, owner)), strict=True)
        return {
            "title": own[0].title,
            **{field: " ".join(parts) for field, parts in zip(_JOINED, joined, strict=True)},
            "exact": f" {PART_END} ".join(exact),
            "name": self._name(document),
            "lexicon": sorted(set(chain.from_iterable(piece.lexicon for piece in said))),
        }

    def cut(self, texts: Sequence[str], processes: int = 2) -> None:
        """Cut many texts at once."""
        with Pool(processes) as pool:
            self._pieces |= zip(texts, pool.imap(_cut, texts, 500), strict=True)

    def flat(self, document: SearchDocument) -> tuple[str, str]:
        """Return the words of the title, and of everything: two of the fields of the row."""
        said = (document.title, document.summary, *document.needs, *document.keywords)
        pieces = [self._piece(text) for text in (*said, document.owner)]
        return pieces[0].title, " ".join(piece.joined[0] for piece in pieces)

    def _piece(self, text: str) -> _Piece:
        found = self._pieces.get(text)
        if found is None:
            found = self._pieces[text] = _cut(text)
        return found

    def _name(self, document: SearchDocument) -> str:
        found = self._names.get(document.owner)
        if found is None:
            found = self._names[document.owner] = " ".join(name_units(document))
        return found


def _cut(text: str) -> _Piece:
    alone = SearchDocument(
        id="call-0", version=1, target="call", title=text, summary="", body="", owner=""
    )
    fields = text_fields(alone)
    return _Piece(
        fields["title"],
        tuple(fields[field] for field in _JOINED),
        fields["exact"].rstrip(f" {PART_END}"),
        frozenset(fields["lexicon"]),
    )


@contextmanager
def ready_made(rows: Callable[[SearchDocument], Row]) -> Iterator[None]:
    """Have the indexes take the words of listings from `rows` instead of cutting the texts."""
    with (
        patch("search.embedded.text_fields", rows),
        patch("search.meilisearch.text_fields", rows),
    ):
        yield


def agreement(rows: ReadyRows, documents: Sequence[SearchDocument]) -> float:
    """Return the share of words by channel that are the same when whole listings are cut."""
    same = total = 0
    for document in documents:
        made, cut = rows(document), text_fields(document)
        for field in _JOINED:
            ours, theirs = Counter(made[field].split()), Counter(cut[field].split())
            total += max(ours.total(), theirs.total())
            same += (ours & theirs).total()
    return same / total
