"""Profiles, meanings and traits of many listings end to end, so that they can be mapped from disk."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.matching import meaning
from workers.matching.channels import Profile
from workers.matching.listing import Listing, Meaning, Traits, read_traits
from workers.matching.meaning import Passages, Prepared

Gists = NDArray[np.float32]
Slots = NDArray[np.int64]

_TYPES: dict[str, Any] = {"keys": np.uint64, "counts": np.float32, "shingles": np.uint32}
_ARRAYS = (
    *_TYPES,
    "ends",
    "meaning",
    "meaning-ends",
    "passages",
    "weights",
    "passage-ends",
    "gists",
    "gist-slots",
)


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Flat arrays by name; row i of the "ends" says where listing i begins in each."""

    arrays: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, posts: Sequence[Listing], frame: meaning.Side | None) -> "Stored":
        """Put listings end to end, and their passages as they look in a frame."""
        arrays = {
            name: _joined([getattr(post.profile, name) for post in posts], kind)
            for name, kind in _TYPES.items()
        }
        sizes = [(len(post.profile.keys), len(post.profile.shingles)) for post in posts]
        arrays["ends"] = np.cumsum(np.array([(0, 0), *sizes], np.int64), axis=0)
        none: Meaning = np.zeros((0, 0), np.float16)
        rows = [none if post.meaning is None else post.meaning for post in posts]
        arrays["meaning"] = _joined([own for own in rows if len(own)], np.float16)
        arrays["meaning-ends"] = np.cumsum([0, *map(len, rows)])
        seen = [i for i, own in enumerate(rows) if len(own) and framed(own, frame)]
        dim = 0 if frame is None else len(frame.mean)
        if frame is None or not seen:
            passages = Passages(
                np.zeros((0, dim), np.float16), np.zeros(0, np.float32), meaning.ZERO
            )
        else:
            passages = meaning.prepare_all([rows[i] for i in seen], frame)
        counts = np.zeros(len(posts), np.int64)
        counts[seen] = np.diff(passages.ends)
        arrays |= {
            "passages": passages.rows,
            "weights": passages.weights,
            "passage-ends": np.cumsum([0, *counts.tolist()]),
            "gists": passages.rows[passages.ends[:-1]].astype(np.float32),
            "gist-slots": np.array(seen, np.int64),
        }
        return cls(arrays)

    def __len__(self) -> int:
        return len(self.arrays["ends"]) - 1

    def profile(self, slot: int, enumeration: float) -> Profile:
        """Return the profile of a listing."""
        start, end = self.arrays["ends"][slot : slot + 2, 0]
        keys, counts = (self.arrays[name][start:end] for name in ("keys", "counts"))
        return Profile(keys, counts, self.shingles(slot), enumeration)

    def shingles(self, slot: int) -> NDArray[np.uint32]:
        """Return the pieces of a listing's text."""
        start, end = self.arrays["ends"][slot : slot + 2, 1]
        return np.asarray(self.arrays["shingles"][start:end])

    def meaning(self, slot: int) -> Meaning | None:
        """Return the meaning of a listing."""
        start, end = self.arrays["meaning-ends"][slot : slot + 2]
        return np.asarray(self.arrays["meaning"][start:end]) if end > start else None

    def prepared(self, slot: int) -> Prepared | None:
        """Return the passages of a listing in the frame."""
        start, end = self.arrays["passage-ends"][slot : slot + 2]
        if start == end:
            return None
        return Prepared(self.arrays["passages"][start:end], self.arrays["weights"][start:end])

    def passages(self, slots: Slots) -> Passages:
        """Return the passages of listings in the frame, end to end; some may have none."""
        starts = self.arrays["passage-ends"][slots]
        counts = self.arrays["passage-ends"][slots + 1] - starts
        ends = np.concatenate([[0], np.cumsum(counts)])
        at = np.arange(ends[-1]) + np.repeat(starts - ends[:-1], counts)
        return Passages(self.arrays["passages"][at], self.arrays["weights"][at], ends)

    def gists(self) -> tuple[Gists, Slots]:
        """Return the first passages of all listings that have some, and which those are.

        They are whole numbers, so that a product of two is exact in whatever order.
        """
        return self.arrays["gists"], self.arrays["gist-slots"]

    def save(self, folder: Path, prefix: str) -> None:
        """Write the arrays into an existing folder, one file each."""
        for name in _ARRAYS:
            np.save(folder / f"{prefix}-{name}.npy", self.arrays[name])

    @classmethod
    def load(cls, folder: Path, prefix: str) -> "Stored":
        """Map saved arrays. Raises OSError or ValueError when one is missing."""
        return cls(
            {name: np.load(folder / f"{prefix}-{name}.npy", mmap_mode="r") for name in _ARRAYS}
        )


class TraitTable:
    """Traits by number: those of a saved table are read when they are asked for."""

    def __init__(self) -> None:
        self._text = np.zeros(0, np.uint8)
        self._ends = np.zeros(1, np.int64)
        self._read: dict[int, Traits] = {}
        self._new: list[Traits] = []
        self._numbers: dict[Traits, int] = {}

    def __len__(self) -> int:
        return len(self._ends) - 1 + len(self._new)

    def __getitem__(self, number: int) -> Traits:
        stored = len(self._ends) - 1
        if number >= stored:
            return self._new[number - stored]
        if number not in self._read:
            start, end = self._ends[number : number + 2]
            self._read[number] = read_traits(*json.loads(self._text[start:end].tobytes()))
        return self._read[number]

    def number(self, traits: Traits) -> int:
        """Return the number of traits, a new one for new ones."""
        number = self._numbers.setdefault(traits, len(self))
        if number == len(self):
            self._new.append(traits)
        return number

    def save(self, folder: Path, prefix: str) -> None:
        """Write the table into an existing folder."""
        every = (self[number] for number in range(len(self)))
        lines = [json.dumps([type(own).__name__, asdict(own)]).encode() for own in every]
        np.save(folder / f"{prefix}-traits.npy", np.frombuffer(b"".join(lines), np.uint8))
        np.save(folder / f"{prefix}-trait-ends.npy", np.cumsum([0, *map(len, lines)]))

    @classmethod
    def load(cls, folder: Path, prefix: str) -> "TraitTable":
        """Map a saved table. Raises OSError or ValueError when it is not whole."""
        table = cls()
        table._text = np.load(folder / f"{prefix}-traits.npy", mmap_mode="r")
        table._ends = np.load(folder / f"{prefix}-trait-ends.npy", mmap_mode="r")
        return table


def framed(rows: Meaning, frame: meaning.Side | None) -> bool:
    """Tell whether a listing's vectors are of the kind that a frame was made of."""
    return frame is not None and rows.shape[1] == len(frame.mean)


def _joined(arrays: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, kind)
