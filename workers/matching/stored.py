"""Profiles and meanings of many listings end to end, so that they can be mapped from disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.matching.channels import Profile
from workers.matching.listing import Listing, Meaning

Gists = NDArray[np.float32]
Slots = NDArray[np.int64]

# A gist is kept as whole numbers of this scale. Products of two are exact in single precision,
# so a score is the same however a product of matrices is cut up.
GIST_SCALE = 2048

_TYPES: dict[str, Any] = {"keys": np.uint64, "counts": np.float32, "shingles": np.uint32}
_ARRAYS = (*_TYPES, "ends", "meaning", "meaning-ends", "gists", "gist-slots")


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Flat arrays by name; row i of the "ends" says where listing i begins in each."""

    arrays: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, posts: Sequence[Listing]) -> "Stored":
        """Put listings end to end."""
        arrays = {
            name: _joined([getattr(post.profile, name) for post in posts], kind)
            for name, kind in _TYPES.items()
        }
        sizes = [(len(post.profile.keys), len(post.profile.shingles)) for post in posts]
        arrays["ends"] = np.cumsum(np.array([(0, 0), *sizes], np.int64), axis=0)
        meanings = [post.meaning for post in posts]
        dim = next((own.shape[1] for own in meanings if own is not None and len(own)), 0)
        known = [np.zeros((0, dim), np.float16) if own is None else own for own in meanings]
        arrays["meaning"] = _joined([np.zeros((0, dim), np.float16), *known], np.float16)
        arrays["meaning-ends"] = np.cumsum([0, *map(len, known)])
        slots = [i for i, own in enumerate(known) if len(own)]
        gists = [gist(known[i]) for i in slots]
        arrays["gists"] = np.stack(gists) if gists else np.zeros((0, dim), np.float32)
        arrays["gist-slots"] = np.array(slots, np.int64)
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

    def gists(self) -> tuple[Gists, Slots]:
        """Return the gists of all listings that have one, and which those are."""
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


def gist(meaning: Meaning) -> Gists:
    """Return the gist, the first row of a meaning, as whole numbers."""
    return np.asarray(np.rint(meaning[0].astype(np.float32) * GIST_SCALE), np.float32)


def _joined(arrays: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, kind)
