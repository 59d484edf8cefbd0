"""For every listing the best of the other side, kept true while listings come and go."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Slots = NDArray[np.int64]
Scores = NDArray[np.float32]
Ties = NDArray[np.uint64]

NOBODY = -1
# Entries kept beyond the first ones, so that a list survives that many departures.
_SPARE = 0.25
_FEW = 8
_ARRAYS = ("members", "scores", "whole")


class Nearest:
    """Lists of members for owners: the greatest scores above 0, equal ones by a hash of the pair.

    A list is always the first so many of all members. It holds some more than `count`, and all
    there are when it is `whole`.
    """

    def __init__(self, count: int, tie: "Mixed") -> None:
        self.count = count
        self.width = count + max(4, int(count * _SPARE))
        self.tie = tie
        self.members = np.full((0, self.width), NOBODY, np.int32)
        self.scores = np.zeros((0, self.width), np.float32)
        self.whole = np.zeros(0, bool)
        self._before: dict[int, NDArray[np.int32]] = {}

    def grow(self, owners: int) -> None:
        """Make room for so many owners; their lists are empty."""
        have = len(self.whole)
        if owners <= have:
            return
        more = max(owners - have, have // 8)
        self.members = np.concatenate([self.members, np.full((more, self.width), NOBODY, np.int32)])
        self.scores = np.concatenate([self.scores, np.zeros((more, self.width), np.float32)])
        self.whole = np.concatenate([self.whole, np.zeros(more, bool)])

    def first(self, owners: Slots) -> NDArray[np.int32]:
        """Return the members of the lists, best first, NOBODY where a list is shorter."""
        return self.members[owners, : self.count]

    def pairs(self, owners: Slots) -> tuple[Slots, Slots]:
        """Return (owner, member) of the lists."""
        return _pairs(owners, self.first(owners))

    def owners_of(self, members: Slots) -> tuple[Slots, Slots]:
        """Return (owner, member) of all lists that hold one of these members."""
        if not len(members):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        rows, cols = self._places(members)
        first = cols < self.count
        rows, cols = rows[first], cols[first]
        return rows, self.members[rows, cols].astype(np.int64)

    def _places(self, members: Slots) -> tuple[Slots, Slots]:
        """Return the rows and columns where members (one or more) stand."""
        flat = self.members.ravel()
        if len(members) > _FEW:
            at = np.flatnonzero(np.isin(flat, members))
        else:
            found = [np.flatnonzero(flat == member) for member in members.astype(np.int32)]
            at = np.sort(np.concatenate(found))
        return at // self.width, at % self.width

    def holds(self, owners: Slots, members: Slots, *, before: bool = False) -> NDArray[np.bool_]:
        """Tell for each pair whether it stands in a list now, or stood before the changes."""
        held = self.first(owners)
        if before and self._before:
            for i, owner in enumerate(owners.tolist()):
                if owner in self._before:
                    held[i] = self._before[owner]
        return np.asarray((held == members[:, None]).any(axis=1))

    def admits(self, owners: Slots, scores: Scores, digest: int) -> NDArray[np.bool_]:
        """Tell for each owner whether a newcomer with this score would be among the first."""
        last = self.members[owners, self.count - 1]
        least = self.scores[owners, self.count - 1]
        ties = self.tie.with_member(owners, digest), self.tie(owners, np.maximum(last, 0))
        level = (scores == least) & (ties[0] < ties[1])
        return np.asarray((scores > 0) & ((last == NOBODY) | (scores > least) | level))

    def floor(self, scores: Scores) -> float:
        """Return what a member must exceed to come near any list, whatever the ties."""
        if np.count_nonzero(scores > 0) <= self.width:
            return 0.0
        least = np.partition(scores, len(scores) - self.width)[len(scores) - self.width]
        return float(np.nextafter(least, np.float32(0)))

    def best(self, digest: int, scores: Scores) -> Slots:
        """Return the list that a newcomer would have."""
        return self._chosen(digest, np.arange(len(scores)), scores, self.count)[0]

    def fill(self, owner: int, members: Slots, scores: Scores, *, whole: bool = True) -> None:
        """Write a list anew from its members; all there are, unless it is not the `whole`."""
        self._note(np.array([owner]))
        kept, values = self._chosen(self.tie.digest(owner), members, scores, self.width)
        self.members[owner] = NOBODY
        self.members[owner, : len(kept)] = kept
        self.scores[owner] = 0
        self.scores[owner, : len(kept)] = values
        self.whole[owner] = whole and np.count_nonzero(scores > 0) <= self.width

    def _chosen(
        self, digest: int, members: Slots, scores: Scores, count: int
    ) -> tuple[Slots, Scores]:
        """Return the first so many members for an owner, and their scores."""
        kept = np.flatnonzero(scores > 0)
        if len(kept) > count:
            own = scores[kept]
            least = np.partition(own, len(own) - count)[len(own) - count]
            above, level = kept[own > least], kept[own == least]
            room = count - len(above)
            if len(level) > room:
                ties = self.tie.with_owner(digest, members[level])
                level = level[np.argpartition(ties, room - 1)[:room]]
            kept = np.concatenate([above, level])
        order = np.lexsort((self.tie.with_owner(digest, members[kept]), -scores[kept]))
        kept = kept[order]
        return members[kept], scores[kept]

    def clear(self, owners: Slots) -> None:
        """Empty the lists of owners that are gone."""
        self._note(owners)
        self.members[owners] = NOBODY
        self.scores[owners] = 0
        self.whole[owners] = True

    def enter(self, member: int, scores: Scores, eligible: NDArray[np.bool_]) -> None:
        """Put a new member into the lists of eligible owners where its score is good enough.

        `scores` and `eligible` are by owner.
        """
        count = len(scores)
        likely = (scores >= self.scores[:count, -1]) | self.whole[:count]
        owners = np.flatnonzero(likely & (scores > 0) & eligible)
        scores = scores[owners]
        level = np.flatnonzero((scores == self.scores[owners, -1]) & ~self.whole[owners])
        if len(level):
            last = self.members[owners[level], -1]
            worse = self.tie(owners[level], np.array([member])) > self.tie(owners[level], last)
            owners, scores = np.delete(owners, level[worse]), np.delete(scores, level[worse])
        if not len(owners):
            return
        members = np.column_stack([self.members[owners], np.full(len(owners), member, np.int32)])
        values = np.column_stack([self.scores[owners], scores])
        full = members[:, self.width - 1] != NOBODY
        ties = self.tie(owners[:, None], np.maximum(members, 0))
        order = np.lexsort((ties, -values), axis=-1)
        members = np.take_along_axis(members, order, axis=1)
        values = np.take_along_axis(values, order, axis=1)
        # Beyond the end of a list that is not whole others may be better.
        last = np.argmax(members == member, axis=1)
        size = (members != NOBODY).sum(axis=1)
        kept = self.whole[owners] | (last < size - 1)
        owners, members, values, full = owners[kept], members[kept], values[kept], full[kept]
        self._note(owners)
        self.members[owners] = members[:, : self.width]
        self.scores[owners] = values[:, : self.width]
        self.whole[owners] &= ~full

    def leave(self, members: Slots) -> Slots:
        """Take members out of all lists; return the owners whose lists must be filled again."""
        if not len(members):
            return np.zeros(0, np.int64)
        owners = np.unique(self._places(members)[0])
        gone = np.isin(self.members[owners], members)
        self._note(owners)
        left = np.where(gone, NOBODY, self.members[owners])
        values = np.where(gone, np.float32(0), self.scores[owners])
        order = np.argsort(left == NOBODY, axis=1, kind="stable")
        self.members[owners] = np.take_along_axis(left, order, axis=1)
        self.scores[owners] = np.take_along_axis(values, order, axis=1)
        short = self.members[owners, self.count - 1] == NOBODY
        return np.asarray(owners[short & ~self.whole[owners]], np.int64)

    def set_all(self, owners: Slots, members: Any, scores: Any, whole: Any) -> None:
        """Write many lists that are already in order."""
        self.members[owners], self.scores[owners], self.whole[owners] = members, scores, whole

    def save(self, folder: Path, prefix: str) -> None:
        """Write the lists into an existing folder."""
        for name in _ARRAYS:
            np.save(folder / f"{prefix}-{name}.npy", getattr(self, name))

    def load(self, folder: Path, prefix: str) -> None:
        """Read saved lists. Raises OSError or ValueError when they are not whole."""
        for name in _ARRAYS:
            setattr(self, name, np.load(folder / f"{prefix}-{name}.npy"))

    def begin(self) -> None:
        """Start to note what changes."""
        self._before = {}

    def changed(self) -> tuple[Slots, Slots, Slots, Slots]:
        """Return the pairs (owner, member) that have entered since `begin`, then those that left."""
        owners = np.array(list(self._before), np.int64)
        if not len(owners):
            return owners, owners, owners, owners
        before = _pairs(owners, np.stack(list(self._before.values())))
        after = self.pairs(owners)
        codes = [(rows << 32) | cols for rows, cols in (before, after)]
        fresh = np.setdiff1d(codes[1], codes[0], assume_unique=True)
        gone = np.setdiff1d(codes[0], codes[1], assume_unique=True)
        low = (1 << 32) - 1
        return fresh >> 32, fresh & low, gone >> 32, gone & low

    def _note(self, owners: Slots) -> None:
        for owner in owners.tolist():
            if owner not in self._before:
                self._before[owner] = self.members[owner, : self.count].copy()


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """The hash that decides between equal scores: of both texts, so that no text always wins."""

    owners: Callable[[], Ties]
    members: Callable[[], Ties]

    def __call__(self, owners: Slots, members: Any) -> Ties:
        """Return the hash of pairs of slots; 0 for a slot beyond the last one."""
        known = self.members()
        texts = known[members] if len(known) else np.zeros(np.shape(members), np.uint64)
        return mixed(self.owners()[owners], texts)

    def digest(self, owner: int) -> int:
        """Return the hash of an owner's text."""
        return int(self.owners()[owner])

    def with_owner(self, digest: int, members: Slots) -> Ties:
        """Return the hash of members with an owner of this text."""
        return mixed(np.array([digest], np.uint64), self.members()[members])

    def with_member(self, owners: Slots, digest: int) -> Ties:
        """Return the hash of owners with a member of this text."""
        return mixed(self.owners()[owners], np.array([digest], np.uint64))


def mixed(owners: Ties, members: Ties) -> Ties:
    """Return a hash of pairs of hashes."""
    found = owners ^ (members * np.uint64(0x9E3779B97F4A7C15))
    found ^= found >> np.uint64(29)
    found = found * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray(found ^ (found >> np.uint64(32)), np.uint64)


def _pairs(owners: Slots, members: NDArray[np.int32]) -> tuple[Slots, Slots]:
    rows, cols = np.nonzero(members != NOBODY)
    return owners[rows], members[rows, cols].astype(np.int64)
