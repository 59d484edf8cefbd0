"""One side of the market: all calls or all solutions, searchable, with their copies known.

Listings sit in slots. The bulk sits in a read-only base, mapped from disk where it was saved;
what came since in a small tail. A slot is never used twice: a changed listing gets a new one.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from search.enumeration import prose_factor
from workers.matching import meaning
from workers.matching import segment as segments
from workers.matching.copies import COPY, Clusters, Pieces, copy_pairs, heads_of, jaccard
from workers.matching.epoch import Epoch
from workers.matching.listing import CallTraits, Listing
from workers.matching.meaning import Passages, Prepared
from workers.matching.places import masks, numbers
from workers.matching.score import Coded, coded_calls, coded_solutions
from workers.matching.segment import PARTS, Row, Segment, Terms, segment
from workers.matching.stored import Gists, Stored, TraitTable, framed
from workers.matching.themes import Spread

Slots = NDArray[np.int64]
Scores = NDArray[np.float32]
Places = tuple[NDArray[np.int64], NDArray[np.int64]]

# What is known of a post, one array for each.
_COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("id", "owner", "since", "traits", "themes", "places", "head"), np.int64),
    **dict.fromkeys(("digest", "text"), np.uint64),
    **dict.fromkeys(("prose", "enumeration"), np.float64),
    "alive": np.bool_,
}


@dataclass(slots=True)
class Moves:
    """What a change did to a side.

    `came` and `gone` are slots of posts, `voiced` and `silent` those that have begun or ceased
    to stand for an offer, `stale` the ids of all whose pairs must be looked at again.
    """

    came: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    voiced: list[int] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)
    stale: set[int] = field(default_factory=set)


class Side:
    """Listings of one kind under an epoch."""

    def __init__(
        self,
        epoch: Epoch,
        terms: Terms,
        frame: meaning.Side | None,
        listings: Iterable[Listing] = (),
    ) -> None:
        posts = sorted(listings, key=lambda listing: listing.id)
        self.epoch, self.terms, self._frame = epoch, terms, frame
        self._stored = Stored.of(posts, frame)
        self._base = segment((self._row(post) for post in posts), terms)
        self._pieces = Pieces.of([post.profile.shingles for post in posts])
        self._prepare()
        self._add(posts)
        self._join_all([post.profile.shingles for post in posts])

    def _prepare(self) -> None:
        """Begin without posts and without a tail."""
        self._tail: list[Listing] = []
        self._tail_rows: list[Row] = []
        self._tail_pieces: dict[int, list[int]] = {}
        self._tail_prepared: list[Prepared | None] = []
        self._tail_parts: tuple[csr_matrix, ...] | None = None
        self._posts = {name: np.zeros(0, kind) for name, kind in _COLUMNS.items()}
        self._canonical: NDArray[np.bool_] | None = None
        self._count = 0
        self._slots: dict[int, int] = {}
        self._clusters = Clusters()
        self.traits = TraitTable()
        self.themes = Distinct()
        self.places = Distinct()
        self._spread = self.epoch.spread_themes((), -1)
        self._is_coded = np.zeros(0, bool)
        self._codes: list[NDArray[Any]] = _columns_of(coded_calls([]))
        self._areas: Places = np.zeros(0, np.int64), np.zeros(0, np.int64)

    # What is there

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, id_: int) -> bool:
        return id_ in self._slots

    def __iter__(self) -> Iterator[int]:
        return iter(self._slots)

    def __getitem__(self, id_: int) -> Listing:
        """Return a listing by id. Raises KeyError."""
        return self.at(self._slots[id_])

    @property
    def size(self) -> int:
        """Return the number of slots."""
        return self._count

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of all slots, those of posts that are gone included."""
        return self._posts[name][: self._count]

    def slot(self, id_: int) -> int | None:
        """Return the slot of a listing."""
        return self._slots.get(id_)

    def slots(self, ids: Iterable[int]) -> Slots:
        """Return the slots of those listings that are there."""
        found = (self._slots.get(id_) for id_ in ids)
        return np.array([slot for slot in found if slot is not None], np.int64)

    def at(self, slot: int) -> Listing:
        """Return the listing in a slot."""
        if slot >= len(self._base):
            return self._tail[slot - len(self._base)]
        posts = self._posts
        return Listing(
            int(posts["id"][slot]),
            int(posts["owner"][slot]),
            self._stored.profile(slot, float(posts["enumeration"][slot])),
            self.traits[posts["traits"][slot]],
            int(posts["since"][slot]),
            self._stored.meaning(slot),
        )

    def shingles(self, slot: int) -> NDArray[np.uint32]:
        """Return the pieces of the text in a slot."""
        if slot >= len(self._base):
            return self._tail[slot - len(self._base)].profile.shingles
        return self._stored.shingles(slot)

    @property
    def live(self) -> Slots:
        """Return the slots of all posts."""
        return np.flatnonzero(self.column("alive"))

    @property
    def canonical(self) -> NDArray[np.bool_]:
        """Tell for every slot whether its post stands for an offer."""
        if self._canonical is None:
            heads = self.column("head") == np.arange(self._count)
            self._canonical = heads & self.column("alive")
        return self._canonical

    def head(self, id_: int) -> int:
        """Return the id of the post that stands for a listing's offer. Raises KeyError."""
        return int(self._posts["id"][self._posts["head"][self._slots[id_]]])

    @property
    def heads(self) -> dict[int, int]:
        """Return for every id the id of the post that stands for its offer."""
        live = self.live
        ids = self.column("id")
        return dict(zip(ids[live].tolist(), ids[self.column("head")[live]].tolist(), strict=True))

    def is_head(self, id_: int) -> bool:
        """Tell whether a listing stands for its offer."""
        return self.head(id_) == id_

    def offer(self, id_: int) -> set[int]:
        """Return the ids of all posts of a listing's offer, itself among them. Raises KeyError."""
        slot = self._slots[id_]
        cluster = self._clusters.of(slot, int(self._posts["text"][slot]))
        return {int(self._posts["id"][own]) for own in cluster}

    # How alike

    def text_scores(self, row: Row) -> Scores:
        """Return the text score by the terms that are searched for, for every slot."""
        numbers, values = row.query(self.terms)
        found = np.zeros(self._count, np.float32)
        known = numbers < self._base.postings.shape[0]
        query = segments.sparse(
            [(numbers[known], values[known])], int(self._base.postings.shape[0])
        )
        hits = query @ self._base.postings
        found[hits.indices] = hits.data
        if self._tail:
            dense = np.zeros(len(self.terms), np.float32)
            dense[numbers] = values
            found[len(self._base) :] = self._tails()[0] @ dense
        return found

    def products(self, part: int, slots: Slots, dense: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the products of posts with a listing spread out over all terms."""
        base = slots < len(self._base)
        if base.all():
            return np.asarray(_matrix(self._base.parts[part], slots, len(dense)) @ dense)
        found = np.zeros(len(slots))
        for rows, own, start in (
            (self._base.parts[part], base, 0),
            (self._tails()[part], ~base, len(self._base)),
        ):
            found[own] = _matrix(rows, slots[own] - start, len(dense)) @ dense
        return found

    def lengths(self, part: int, slots: Slots) -> NDArray[np.int64]:
        """Return how many terms of a part each post has."""
        sizes = np.diff(self._base.parts[part].indptr)
        if self._tail:
            sizes = np.concatenate([sizes, np.diff(self._tails()[part].indptr)])
        return np.asarray(sizes[slots], np.int64)

    def row(self, slot: int) -> Row:
        """Return the vector of a post."""
        if slot >= len(self._base):
            return self._tail_rows[slot - len(self._base)]
        cells = []
        for rows in self._base.parts:
            start, end = rows.indptr[slot], rows.indptr[slot + 1]
            cells.append((rows.indices[start:end], rows.data[start:end]))
        return Row(tuple(cells))

    def rows(self, part: str) -> csr_matrix:
        """Return the rows of the base by a part of the vectors."""
        return self._base.parts[PARTS.index(part)]

    def searched(self, slots: Slots) -> csr_matrix:
        """Return the rows of posts of the base over the terms that are searched for."""
        return segments.without(_matrix(self._base.parts[0], slots, len(self.terms)), self.terms)

    @property
    def postings(self) -> csr_matrix:
        """Return the postings of the base; copies and posts that are gone have no value there."""
        found = self._base.postings
        voices = self.canonical[: len(self._base)]
        values = np.where(voices[found.indices], found.data, np.float32(0))
        return csr_matrix((values, found.indices, found.indptr), shape=found.shape, copy=False)

    @property
    def in_base(self) -> bool:
        """Tell whether everything sits in the base."""
        return not self._tail

    def spread(self) -> Spread:
        """Return the different sets of themes."""
        have = len(self._spread.norms)
        if have < len(self.themes.values):
            more = self.epoch.spread_themes(self.themes.values[have:], -1)
            self._spread = _both(self._spread, more)
        return self._spread

    def coded(self, wanted: Slots) -> Coded:
        """Return the traits by number, coded as far as they were ever `wanted`."""
        if len(self._is_coded) < len(self.traits):
            room = np.zeros(len(self.traits) - len(self._is_coded), bool)
            self._is_coded = np.concatenate([self._is_coded, room])
            grown = (np.concatenate([own, np.zeros(len(room), own.dtype)]) for own in self._codes)
            self._codes = list(grown)
        new = wanted[~self._is_coded[wanted]]
        if len(new):
            traits: list[Any] = [self.traits[number] for number in new.tolist()]
            code = coded_calls if isinstance(traits[0], CallTraits) else coded_solutions
            for own, found in zip(self._codes, _columns_of(code(traits)), strict=True):
                own[new] = found
            self._is_coded[new] = True
        return Coded(*self._codes)

    def areas(self) -> Places:
        """Return the different sets of places, as bits and as the number of the first one."""
        have = len(self._areas[0])
        if have < len(self.places.values):
            new = self.places.values[have:]
            codes = masks(new), numbers([own[0] if own else None for own in new])
            bits, first = (np.concatenate(own) for own in zip(self._areas, codes, strict=True))
            self._areas = bits, first
        return self._areas

    def prepared(self, slot: int) -> Prepared | None:
        """Return the passages of a post in the epoch's frame, None where it has none."""
        if slot < len(self._base):
            return self._stored.prepared(slot)
        return self._tail_prepared[slot - len(self._base)]

    def passages(self, slots: Slots) -> Passages:
        """Return the passages of posts, end to end; some may have none."""
        if (slots < len(self._base)).all():
            return self._stored.passages(slots)
        found = [self.prepared(slot) for slot in slots.tolist()]
        known = [one for one in found if one is not None]
        ends = np.cumsum([0, *(0 if one is None else len(one.rows) for one in found)])
        if not known:
            return Passages(np.zeros((0, 0), np.float16), np.zeros(0, np.float32), ends)
        rows, weights = ([getattr(one, name) for one in known] for name in ("rows", "weights"))
        return Passages(np.concatenate(rows), np.concatenate(weights), ends)

    def prepare(self, post: Listing) -> Prepared | None:
        """Return the passages of any listing as this side's frame sees them."""
        if post.meaning is None or self._frame is None or not framed(post.meaning, self._frame):
            return None
        return meaning.prepare(post.meaning, self._frame)

    def gist_scores(self, other: Prepared | None) -> Scores:
        """Return how near the gists of all posts are to a listing's, 0 where there is none."""
        found = np.zeros(self._count, np.float32)
        if other is None:
            return found
        gist = other.rows[0].astype(np.float32)
        matrix, slots = self._stored.gists()
        if len(slots):
            found[slots] = matrix @ gist
        for slot, own in enumerate(self._tail_prepared, len(self._base)):
            if own is not None:
                found[slot] = own.rows[0].astype(np.float32) @ gist
        return found

    def gists(self) -> tuple[Gists, Slots]:
        """Return the gists of the base and the slots they belong to."""
        return self._stored.gists()

    # What changes

    def change(self, puts: Sequence[Listing], drops: Iterable[int]) -> Moves:
        """Add or replace listings and take others out; unknown ids are fine."""
        moves = Moves()
        before: dict[int, int] = {}  # slot -> its head
        changed = {*drops, *(post.id for post in puts)}
        for id_ in changed:
            slot = self._slots.pop(id_, None)
            if slot is None:
                continue
            cluster = self._clusters.of(slot, int(self._posts["text"][slot]))
            before |= {own: int(self._posts["head"][own]) for own in cluster if own not in before}
            self._clusters.leave(slot, int(self._posts["text"][slot]))
            self._posts["alive"][slot] = False
            moves.gone.append(slot)
        latest = list({post.id: post for post in puts}.values())
        for post in latest:
            slot = self._append(post)
            moves.came.append(slot)
            others = self._copies_of(slot, post)
            if not others:
                continue
            text = int(self._posts["text"][slot])
            for own, its_text in others:
                for near in self._clusters.of(own, its_text):
                    before.setdefault(near, int(self._posts["head"][near]))
            self._clusters.join(slot, text, others)
        self._elect(moves, before)
        moves.stale |= changed
        return moves

    def _elect(self, moves: Moves, before: dict[int, int]) -> None:
        """Choose who stands for the offers that changed, and note who it was before."""
        posts, came = self._posts, set(moves.came)
        waiting = {slot for slot in (*before, *came) if posts["alive"][slot]}
        while waiting:
            slot = next(iter(waiting))
            cluster = self._clusters.of(slot, int(posts["text"][slot]))
            oldest: dict[int, int] = {}
            for own in sorted(cluster, key=self._seniority):
                oldest.setdefault(int(posts["text"][own]), own)
            heads = heads_of(oldest, self._clusters.links)
            for own in cluster:
                posts["head"][own] = oldest[heads[int(posts["text"][own])]]
            waiting -= cluster
        self._canonical = None
        for slot in dict.fromkeys((*before, *moves.came)):
            was = before.get(slot) == slot and slot not in came
            now = bool(posts["alive"][slot]) and posts["head"][slot] == slot
            if was and not now:
                moves.silent.append(slot)
            if now and not was:
                moves.voiced.append(slot)
            if slot in before and before[slot] != posts["head"][slot]:
                moves.stale.add(int(posts["id"][slot]))

    def _seniority(self, slot: int) -> tuple[int, int, int]:
        since, digest, id_ = (int(self._posts[name][slot]) for name in ("since", "digest", "id"))
        return since, digest, id_

    def _append(self, post: Listing) -> int:
        self._add([post])
        self._tail.append(post)
        self._tail_rows.append(self._row(post))
        self._tail_prepared.append(self.prepare(post))
        self._tail_parts = None
        return self._count - 1

    def _add(self, posts: Sequence[Listing]) -> None:
        """Take slots for listings, each standing for itself."""
        end = self._count + len(posts)
        room = end - len(self._posts["id"])
        if room > 0:
            room = max(room, end // 8)
            for name, kind in _COLUMNS.items():
                self._posts[name] = np.concatenate([self._posts[name], np.zeros(room, kind)])
        for slot, post in enumerate(posts, self._count):
            values = {
                "id": post.id,
                "owner": post.owner,
                "since": post.since,
                "digest": int(post.profile.digest, 16),
                "text": _hash(post.profile.shingles),
                "prose": prose_factor(post.profile.enumeration),
                "enumeration": post.profile.enumeration,
                "traits": self.traits.number(post.traits),
                "themes": self.themes.number(post.themes),
                "places": self.places.number(post.places),
                "head": slot,
                "alive": True,
            }
            for name, value in values.items():
                self._posts[name][slot] = value
            self._slots[post.id] = slot
        self._count = end
        self._canonical = None

    def _row(self, post: Listing) -> Row:
        return Row.of(self.epoch.vector(post.profile), self.terms)

    def _copies_of(self, slot: int, post: Listing) -> list[tuple[int, int]]:
        """Return (slot, text) of the copies of a new post, one for each text."""
        shingles = post.profile.shingles
        hits = Counter(
            other for piece in shingles.tolist() for other in self._tail_pieces.get(piece, ())
        )
        found: dict[int, int] = {}
        alive, texts = self._posts["alive"], self._posts["text"]
        near = [slot for slot, count in hits.items() if count >= COPY / (1 + COPY) * len(shingles)]
        for other in (*self._pieces.overlapping(shingles).tolist(), *near):
            text = int(texts[other])
            if other == slot or not alive[other] or text in found:
                continue
            if jaccard(self.shingles(other), shingles) >= COPY:
                found[text] = other
        for piece in shingles.tolist():
            self._tail_pieces.setdefault(piece, []).append(slot)
        return [(other, text) for text, other in found.items()]

    def _join_all(self, shingles: Sequence[NDArray[np.uint32]]) -> None:
        """Find the copies among all listings."""
        texts = self.column("text")
        for i, j in copy_pairs(shingles):
            self._clusters.join(i, int(texts[i]), [(j, int(texts[j]))])
        self._elect(Moves(), {slot: slot for own in self._clusters.posts.values() for slot in own})

    def _tails(self) -> tuple[csr_matrix, ...]:
        """Return the rows of the tail by part."""
        if self._tail_parts is None:
            width = len(self.terms)
            parts = ([row.parts[i] for row in self._tail_rows] for i in range(len(PARTS)))
            self._tail_parts = tuple(segments.sparse(rows, width) for rows in parts)
        for rows in self._tail_parts:
            rows.resize(rows.shape[0], len(self.terms))
        return self._tail_parts

    # On disk

    def save(self, folder: Path, prefix: str) -> None:
        """Write everything into an existing folder; all listings must sit in the base."""
        self._base.save(folder, prefix)
        self._stored.save(folder, prefix)
        self.traits.save(folder, prefix)
        for name in _COLUMNS:
            np.save(folder / f"{prefix}-post-{name}.npy", self.column(name))
        for name in ("pieces", "texts", "sizes"):
            np.save(folder / f"{prefix}-copies-{name}.npy", getattr(self._pieces, name))
        head = {
            "themes": self.themes.values,
            "places": self.places.values,
            "posts": [[text, sorted(own)] for text, own in self._clusters.posts.items()],
            "links": [[text, sorted(own)] for text, own in self._clusters.links.items()],
        }
        (folder / f"{prefix}.json").write_text(json.dumps(head))

    @classmethod
    def load(
        cls, epoch: Epoch, terms: Terms, frame: meaning.Side | None, folder: Path, prefix: str
    ) -> "Side":
        """Map a saved side. Raises OSError, ValueError or KeyError when it is not whole."""
        head = json.loads((folder / f"{prefix}.json").read_text())
        side = cls.__new__(cls)
        side.epoch, side.terms, side._frame = epoch, terms, frame
        side._prepare()
        side._stored = Stored.load(folder, prefix)
        side._base = Segment.load(folder, prefix, len(terms))
        side._pieces = Pieces(
            *(
                np.load(folder / f"{prefix}-copies-{name}.npy", mmap_mode="r")
                for name in ("pieces", "texts", "sizes")
            )
        )
        side._posts = {name: np.load(folder / f"{prefix}-post-{name}.npy") for name in _COLUMNS}
        side._count = len(side._posts["id"])
        side._slots = dict(zip(side._posts["id"].tolist(), range(side._count), strict=True))
        side.traits = TraitTable.load(folder, prefix)
        side.themes = Distinct([tuple(own) for own in head["themes"]])
        side.places = Distinct([tuple(own) for own in head["places"]])
        side._clusters.posts.update((text, set(own)) for text, own in head["posts"])
        side._clusters.links.update((text, set(own)) for text, own in head["links"])
        return side


class Distinct:
    """Different values and their numbers."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.values: list[Any] = list(values)
        self._numbers = {value: i for i, value in enumerate(self.values)}

    def number(self, value: Any) -> int:
        """Return the number of a value, a new one for a new value."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


def _columns_of(coded: Coded) -> list[NDArray[Any]]:
    """Return the columns of coded traits in the order of their fields."""
    return [getattr(coded, own.name) for own in fields(coded)]


def _both(first: Spread, more: Spread) -> Spread:
    """Return the rows of two spreads, one after the other."""
    width = max(first.numbers.shape[1], more.numbers.shape[1])
    numbers, sizes = (
        np.concatenate(
            [
                np.pad(one, ((0, 0), (0, width - one.shape[1])), constant_values=spare)
                for one in both
            ]
        )
        for both, spare in (((first.numbers, more.numbers), -1), ((first.sizes, more.sizes), 0))
    )
    return Spread(numbers, sizes, np.concatenate([first.norms, more.norms]))


def _matrix(rows: csr_matrix, slots: Slots, width: int) -> csr_matrix:
    """Return some rows over so many terms."""
    found = rows[slots]
    found.resize(found.shape[0], width)
    return found


def _hash(shingles: NDArray[np.uint32]) -> int:
    digest = hashlib.blake2b(shingles.tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
