"""Recognising copies: posts that are nearly the same text are one offer.

Two texts are copies when their sets of five-letter pieces overlap by a Jaccard index of 0.4 or
more. Oldest first (by since when they say most of it), a text stands for itself unless it is a copy
of one that does; then the oldest of those stands for it. So nobody is silenced by what only a
third text, half the one and half the other, resembles.

A set of n pieces that overlaps another so much shares at least 0.4 n pieces with it, so it has
one of any 0.6 n + 1 pieces in common with it: looking for the rarest of them finds every copy.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

COPY = 0.4

Text = TypeVar("Text", bound=Hashable)
Shingles = NDArray[np.uint32]
Slots = NDArray[np.int64]
_BLOCK = 2048
_CHECKED = 1 << 15
_ROUNDING = 1e-3


def jaccard(a: Shingles, b: Shingles) -> float:
    """Return the Jaccard index of two sorted, unique arrays; 0 when both are empty."""
    common = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - common
    return common / union if union else 0.0


def said_since(versions: Sequence[tuple[int, Shingles]]) -> int:
    """Return since when a post has said most of what it says now.

    `versions` are what it said, oldest first: since when, and the pieces. Its time begins anew
    with the version of which 0.4 or more was not there when it began last, in one edit or in many.
    So a post that takes over a text that is not its own, beside the old one too, is never a copy
    that is older than the text.
    """
    since, then = versions[0]
    for when, text in versions[1:]:
        kept = len(np.intersect1d(text, then, assume_unique=True))
        if len(text) - kept >= COPY * len(text):
            since, then = when, text
    return since


def copy_pairs(texts: Sequence[Shingles]) -> list[tuple[int, int]]:
    """Return pairs of positions (i < j) of copies, enough of them to join all copies.

    Of equal texts only the first is compared with others.
    """
    first: dict[bytes, int] = {}
    pairs: list[tuple[int, int]] = []
    for i, text in enumerate(texts):
        twin = first.setdefault(text.tobytes(), i)
        if twin != i and len(text):
            pairs.append((twin, i))
    distinct = np.array(list(first.values()), np.int64)
    for rows, cols in _alike([texts[i] for i in distinct]):
        pairs.extend(zip(distinct[rows].tolist(), distinct[cols].tolist(), strict=True))
    return pairs


def canonical(
    ids: Sequence[int], seniority: Sequence[tuple[int, str]], texts: Sequence[Shingles]
) -> dict[int, int]:
    """Map every id to the id that stands for its offer.

    The smaller a seniority, (since when it says most of this, hash of the text), the older a post.
    """
    order = sorted(range(len(ids)), key=lambda i: (*seniority[i], ids[i]))
    names = [text.tobytes() or f"nothing {i}".encode() for i, text in enumerate(texts)]
    oldest: dict[bytes, int] = {}
    for i in order:
        oldest.setdefault(names[i], i)
    said = list(oldest)
    links: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for i, j in copy_pairs([texts[i] for i in oldest.values()]):
        links[said[i]].add(said[j])
        links[said[j]].add(said[i])
    heads = heads_of(said, links)
    return {ids[i]: ids[oldest[heads[name]]] for i, name in enumerate(names)}


def heads_of(texts: Iterable[Text], links: Mapping[Text, Collection[Text]]) -> dict[Text, Text]:
    """Map texts to those that stand for them; `texts` are oldest first, `links` name the copies."""
    heads: dict[Text, Text] = {}
    place: dict[Text, int] = {}
    for text in texts:
        place[text] = len(place)
        older = [other for other in links.get(text, ()) if heads.get(other) == other]
        heads[text] = min(older, key=place.__getitem__, default=text)
    return heads


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Which texts hold a piece: `pieces`, sorted, and the text each stands in."""

    pieces: Shingles
    texts: NDArray[np.int32]
    sizes: NDArray[np.int32]

    @classmethod
    def of(cls, texts: Sequence[Shingles]) -> "Pieces":
        """Return the index of these texts, numbered in their order."""
        sizes = np.array([len(text) for text in texts], np.int32)
        flat = np.concatenate(texts) if texts else np.zeros(0, np.uint32)
        order = np.argsort(flat, kind="stable")
        owners = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)
        return cls(flat[order], owners[order], sizes)

    def overlapping(self, text: Shingles) -> Slots:
        """Return the texts that may be copies of a text, among them all that are."""
        starts = np.searchsorted(self.pieces, text, side="left")
        ends = np.searchsorted(self.pieces, text, side="right")
        rest = _rest(len(text))
        rarest = np.argsort(ends - starts, kind="stable")[: len(text) - rest]
        spans = [self.texts[a:b] for a, b in zip(starts[rarest], ends[rarest], strict=True)]
        if not spans:
            return np.zeros(0, np.int64)
        found, hits = np.unique(np.concatenate(spans), return_counts=True)
        likely = hits + rest >= _needed(len(text), self.sizes[found])
        return np.asarray(found[likely], np.int64)


@dataclass(slots=True)
class Clusters:
    """Which texts (by hash) are copies of one another, and the posts that say them.

    A text that one post alone says and that resembles no other is not kept.
    """

    posts: dict[int, set[int]] = field(default_factory=dict)
    links: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def join(self, post: int, text: int, others: Iterable[tuple[int, int]]) -> None:
        """Add a post; `others` are (post, text) of its copies, one for each text is enough."""
        for other, its_text in others:
            self.posts.setdefault(text, set()).add(post)
            self.posts.setdefault(its_text, set()).add(other)
            if its_text != text:
                self.links[text].add(its_text)
                self.links[its_text].add(text)

    def leave(self, post: int, text: int) -> None:
        """Take a post out."""
        posts = self.posts.get(text)
        if posts is None:
            return
        posts.discard(post)
        if not posts:
            del self.posts[text]
            for other in self.links.pop(text, ()):
                self.links[other].discard(text)

    def of(self, post: int, text: int) -> set[int]:
        """Return all posts that chains of copies join with a post, itself among them."""
        if text not in self.posts:
            return {post}
        seen, ahead = {text}, [text]
        while ahead:
            fresh = self.links.get(ahead.pop(), set()) - seen
            seen |= fresh
            ahead += fresh
        return {own for one in seen for own in self.posts[one]}


def _rest(size: Any) -> Any:
    """Return how many pieces of a text need not be looked for."""
    return np.maximum(np.ceil(COPY * np.asarray(size) - 1e-9).astype(np.int64) - 1, 0)


def _needed(size: Any, sizes: Any) -> Any:
    """Return the number of common pieces that makes copies of texts of these sizes.

    A hair less: what passes is compared exactly.
    """
    return np.maximum(COPY / (1 + COPY) * (np.asarray(size) + sizes) - 1e-6, 1)


def _alike(texts: Sequence[Shingles]) -> Iterator[tuple[Slots, Slots]]:
    """Yield the pairs (i < j) of different texts that are copies, block by block."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    whole = _matrix([texts[i] for i in order])
    sizes = np.diff(whole.indptr)
    rare = _rarest(whole)
    # Of a text and a longer one, what is common beyond their rarest pieces is at most the rest
    # of the longer one.
    least = COPY / (1 + COPY) * sizes - 1e-6
    longer = (least - _rest(sizes)).astype(np.float32)
    for start in range(0, len(texts), _BLOCK):
        block = rare[start : start + _BLOCK]
        end = np.searchsorted(sizes, sizes[start : start + _BLOCK].max() / COPY, side="right")
        found = block @ rare[start:end].T.tocsr()
        wanted = longer[start:end][found.indices] + np.repeat(
            least[start : start + _BLOCK].astype(np.float32), np.diff(found.indptr)
        )
        likely = np.flatnonzero(found.data >= wanted - _ROUNDING)
        rows = np.searchsorted(found.indptr, likely, side="right") - 1 + start
        cols = found.indices[likely].astype(np.int64) + start
        rows, cols = rows[rows < cols], cols[rows < cols]
        for a in range(0, len(rows), _CHECKED):
            i, j = rows[a : a + _CHECKED], cols[a : a + _CHECKED]
            common = np.asarray(whole[i].multiply(whole[j]).sum(axis=1)).ravel()
            same = common >= COPY * (sizes[i] + sizes[j] - common)
            pairs = np.sort(np.stack([order[i[same]], order[j[same]]]), axis=0)
            yield pairs[0], pairs[1]


def _matrix(texts: Sequence[Shingles]) -> csr_matrix:
    """Return one row of ones per text; the columns are pieces, the rarest first."""
    starts = np.cumsum([0, *(len(text) for text in texts)])
    flat = np.concatenate(texts) if texts else np.zeros(0, np.uint32)
    pieces, columns, counts = np.unique(flat, return_inverse=True, return_counts=True)
    number = np.empty(len(pieces), np.int32)
    number[np.argsort(counts, kind="stable")] = np.arange(len(pieces), dtype=np.int32)
    ones = np.ones(len(flat), np.int32)
    rows = csr_matrix((ones, number[columns], starts), shape=(len(texts), len(pieces)))
    rows.sort_indices()
    return rows


def _rarest(rows: csr_matrix) -> csr_matrix:
    """Return of every row its rarest pieces: as many as a copy cannot avoid."""
    sizes = np.diff(rows.indptr)
    place = np.arange(len(rows.indices)) - np.repeat(rows.indptr[:-1], sizes)
    kept = place < np.repeat(sizes - _rest(sizes), sizes)
    shared = np.bincount(rows.indices[kept], minlength=rows.shape[1]) > 1
    kept &= shared[rows.indices]
    ends = np.concatenate([[0], np.cumsum(kept)])[rows.indptr]
    return csr_matrix((rows.data[kept], rows.indices[kept], ends), shape=rows.shape)
