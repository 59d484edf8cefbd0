"""The statistics of a market, frozen for an epoch.

Within an epoch the score of a pair depends on the two texts alone, so it does not matter in
which order listings arrived or whether one or all were scored. An epoch holds, for every term
seen, its rarity; per channel the scale that makes cosines comparable; the rarity of themes; and
the frame in which meanings are compared, where listings have vectors.
It is built from canonical posts only: copies change nothing.

    rarity of a term = -log max(share of calls, share of solutions that use it)

A word that every call uses (応募, 個人情報) is common even where no solution uses it, which keeps
boilerplate out. Shares are drawn towards the pooled share while a side is small.
"""

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from workers.matching import MATCHING_VERSION, meaning, themes
from workers.matching.channels import CHANNELS, Floats, Keys, Profile, channel_numbers
from workers.matching.copies import canonical
from workers.matching.listing import Listing
from workers.matching.meaning import Frame, Matrix, Prepared
from workers.matching.themes import Spread

# Shares of the text score by channel, in the order of CHANNELS; "need" and "wanted" are
# parts of their own.
TEXT_SHARES = (0.10 / 0.60, 0.05 / 0.60, 0.15 / 0.60, 0.05 / 0.60, 0.25 / 0.60, 1.0, 1.0)
_CONCEPTS = CHANNELS.index("concepts")

# Scales of a market too small to measure its own, and how many pairs they count for.
USUAL_SCALES = (0.15, 0.09, 0.26, 0.21, 0.70, 0.40, 0.40)
_USUAL_PAIRS = 2000
_SCALE_QUANTILE = 0.995
_SAMPLE = (150, 1500)
_POOLED = 10.0
# A term is common when more than a tenth of one side use it; in a small market, where one more
# listing changes much, when its rarity is below this share of the greatest.
_RARE, _RARE_SHARE = -math.log(0.1), 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """A listing in an epoch: sorted keys and values whose products add up to the text score.

    Per channel the values have the length sqrt(share / scale), so that the dot product of two
    vectors over a channel is share * cosine / scale.
    """

    keys: Keys
    values: Floats

    def speaks(self, channel: int) -> bool:
        """Tell whether the listing has a term in a channel."""
        return bool((channel_numbers(self.keys) == channel).any())


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """Frozen statistics: term `keys` (sorted) with their `rarities`, `unseen` for all others."""

    name: str
    keys: Keys
    rarities: Floats
    unseen: float
    scales: tuple[float, ...]
    themes: dict[str, float]
    unseen_theme: float
    calls: int
    solutions: int
    frame: Frame | None = None

    def call_meaning(self, matrix: Matrix | None) -> Prepared | None:
        """Return a call's passages in this frame; None where there are none, or no frame."""
        return _prepared(matrix, self.frame.calls if self.frame else None)

    def solution_meaning(self, matrix: Matrix | None) -> Prepared | None:
        """Return a solution's passages in this frame; None where there are none, or no frame."""
        return _prepared(matrix, self.frame.solutions if self.frame else None)

    def vector(self, text: Profile) -> Vector:
        """Return the listing's vector under these statistics."""
        return _vector(text, self.keys, self.rarities, self.unseen, self.scales)

    def is_common(self, key: int) -> bool:
        """Tell whether a term stands in so many listings that sharing it says little."""
        rarity = _lookup(np.array([key], np.uint64), self.keys, self.rarities, self.unseen)[0]
        return bool(rarity < min(_RARE, _RARE_SHARE * self.unseen))

    def spread_themes(self, listings: Sequence[Sequence[str]], spare: int) -> Spread:
        """Return the themes of many listings, weighted by their rarity; see `themes.spread_all`."""
        return themes.spread_all(listings, self.themes, self.unseen_theme, spare)

    def theme_likeness(self, a: Sequence[str], b: Sequence[str]) -> float | None:
        """Return how alike two lists of themes are (0..1), None when a side names none."""
        return themes.likeness(a, b, self.themes, self.unseen_theme)


def build(calls: Sequence[Listing], solutions: Sequence[Listing], model: str = "") -> Epoch:
    """Count a market. Order, ids and copies of listings do not matter.

    `model` names what made the listings' vectors; all of them must be of that model.
    """
    call_posts, solution_posts = _posts(calls), _posts(solutions)
    call_texts = [post.profile for post in call_posts]
    solution_texts = [post.profile for post in solution_posts]
    keys, rarities = _rarities(call_texts, solution_texts)
    unseen = math.log(len(call_texts) + len(solution_texts) + 2)
    scales = _scales(call_texts, solution_texts, keys, rarities, unseen)
    found = themes.rarity(post.themes for post in (*call_posts, *solution_posts))
    frame = meaning.frame(_meanings(call_posts), _meanings(solution_posts), model)
    stored: list[NDArray[Any]] = [keys, rarities, *_frame_arrays(frame).values()]
    arrays = [array.tobytes() for array in stored]
    parts = [MATCHING_VERSION, *arrays, scales, found, frame and (frame.model, frame.scale)]
    digest = hashlib.sha256(b"".join(str(part).encode() for part in parts))
    return Epoch(
        name=digest.hexdigest()[:16],
        keys=keys,
        rarities=rarities,
        unseen=unseen,
        scales=scales,
        themes=found,
        unseen_theme=unseen,
        calls=len(call_posts),
        solutions=len(solution_posts),
        frame=frame,
    )


def save(epoch: Epoch, root: Path) -> Path:
    """Write an epoch below `root` and make it the current one; a crash leaves the old one.

    Returns its folder, `root/<name>`. Saving the same epoch again changes nothing.
    """
    root.mkdir(parents=True, exist_ok=True)
    folder = root / epoch.name
    if not folder.exists():
        fresh = Path(tempfile.mkdtemp(dir=root, prefix=".epoch-"))
        np.save(fresh / "keys.npy", epoch.keys)
        np.save(fresh / "rarities.npy", epoch.rarities)
        for name, array in _frame_arrays(epoch.frame).items():
            np.save(fresh / f"{name}.npy", array)
        (fresh / "epoch.json").write_text(json.dumps(_head(epoch), ensure_ascii=False))
        try:
            fresh.rename(folder)
        except OSError:  # another process has saved the same epoch meanwhile
            shutil.rmtree(fresh)
            if not folder.exists():
                raise
    pointer = root / f".current-{os.getpid()}"
    pointer.write_text(epoch.name)
    pointer.replace(root / "current")
    return folder


def current(root: Path) -> Epoch | None:
    """Return the current epoch, its arrays mapped from disk.

    None when there is none, or when it was made by other rules and must be built again.
    """
    try:
        folder = root / (root / "current").read_text().strip()
        head = json.loads((folder / "epoch.json").read_text())
        if head.pop("version") != MATCHING_VERSION:
            return None
        head["scales"] = tuple(head["scales"])
        keys = np.load(folder / "keys.npy", mmap_mode="r")
        rarities = np.load(folder / "rarities.npy", mmap_mode="r")
        frame = _read_frame(folder, head.pop("model"), head.pop("meaning_scale"))
    except (OSError, ValueError, KeyError):
        return None
    return Epoch(keys=keys, rarities=rarities, frame=frame, **head)


def shared(a: Vector, b: Vector) -> tuple[Keys, NDArray[np.float64]]:
    """Return the keys two vectors have in common and the product of their values at each."""
    if len(a.keys) > len(b.keys):
        a, b = b, a
    if not len(a.keys):
        return np.zeros(0, np.uint64), np.zeros(0)
    at = np.searchsorted(b.keys, a.keys)
    at[at == len(b.keys)] = 0
    same = b.keys[at] == a.keys
    return a.keys[same], a.values[same].astype(np.float64) * b.values[at[same]]


def products(a: Vector, b: Vector) -> NDArray[np.float64]:
    """Return the dot product of two vectors per channel, in the order of CHANNELS."""
    keys, terms = shared(a, b)
    return np.asarray(np.bincount(channel_numbers(keys), terms, len(CHANNELS)), np.float64)


def _head(epoch: Epoch) -> dict[str, object]:
    return {
        "version": MATCHING_VERSION,
        "name": epoch.name,
        "unseen": epoch.unseen,
        "scales": epoch.scales,
        "themes": epoch.themes,
        "unseen_theme": epoch.unseen_theme,
        "calls": epoch.calls,
        "solutions": epoch.solutions,
        "model": epoch.frame and epoch.frame.model,
        "meaning_scale": epoch.frame and epoch.frame.scale,
    }


def _frame_arrays(frame: Frame | None) -> dict[str, NDArray[Any]]:
    """Return the arrays of a frame by the names of their files."""
    if frame is None:
        return {}
    sides = {"calls": frame.calls, "solutions": frame.solutions}
    return {
        f"meaning-{side}-{field.name}": getattr(own, field.name)
        for side, own in sides.items()
        for field in fields(own)
    }


def _read_frame(folder: Path, model: str | None, scale: float | None) -> Frame | None:
    if model is None or scale is None:
        return None
    calls, solutions = (
        meaning.Side(
            *(
                np.load(folder / f"meaning-{side}-{field.name}.npy")
                for field in fields(meaning.Side)
            )
        )
        for side in ("calls", "solutions")
    )
    return Frame(model, calls, solutions, scale)


def _prepared(matrix: Matrix | None, side: meaning.Side | None) -> Prepared | None:
    if matrix is None or side is None or matrix.shape[1] != len(side.mean):
        return None
    return meaning.prepare(matrix, side)


def _meanings(posts: Sequence[Listing]) -> list[Matrix]:
    return [post.meaning for post in posts if post.meaning is not None]


def _posts(listings: Sequence[Listing]) -> list[Listing]:
    """Return the canonical posts in the order of their texts."""
    ids = list(range(len(listings)))
    texts = [post.profile.shingles for post in listings]
    heads = set(canonical(ids, [post.seniority for post in listings], texts).values())
    return sorted((listings[i] for i in heads), key=lambda post: post.profile.digest)


def _rarities(calls: Sequence[Profile], solutions: Sequence[Profile]) -> tuple[Keys, Floats]:
    texts = [*calls, *solutions]
    if not texts:
        return np.zeros(0, np.uint64), np.zeros(0, np.float32)
    keys = np.unique(np.concatenate([text.keys for text in texts]))
    used = [_use(keys, calls), _use(keys, solutions)]
    total = len(texts)
    pooled = (used[0] + used[1]) / (total + 1)
    shares = [
        (use + _POOLED * pooled) / (count + _POOLED)
        for use, count in zip(used, (len(calls), len(solutions)), strict=True)
    ]
    share = np.maximum(np.maximum(*shares), 1 / (total + 2))
    return keys, np.maximum(-np.log(share), 0).astype(np.float32)


def _use(keys: Keys, texts: Sequence[Profile]) -> NDArray[np.float64]:
    """Return in how many texts each key stands; a mention of small weight counts as little."""
    use = np.zeros(len(keys))
    for text in texts:
        use[np.searchsorted(keys, text.keys)] += np.minimum(text.counts, 1)
    return use


def _vector(
    text: Profile, keys: Keys, rarities: Floats, unseen: float, scales: Sequence[float]
) -> Vector:
    values = _damped(text) * _lookup(text.keys, keys, rarities, unseen)
    numbers = channel_numbers(text.keys)
    lengths = np.sqrt(np.bincount(numbers, values**2, len(CHANNELS)))
    aims = np.sqrt(np.array(TEXT_SHARES) / np.array(scales))
    factors = np.divide(aims, lengths, out=np.zeros(len(CHANNELS)), where=lengths > 0)
    return Vector(text.keys, (values * factors[numbers]).astype(np.float32))


def _damped(text: Profile) -> NDArray[np.float64]:
    """Return the counts with repetition damped: 1 + log n, and log(1 + n) for concepts."""
    counts = text.counts.astype(np.float64)
    plain = np.where(counts >= 1, 1 + np.log(np.maximum(counts, 1)), counts)
    return np.where(channel_numbers(text.keys) == _CONCEPTS, np.log1p(counts), plain)


def _lookup(wanted: Keys, keys: Keys, rarities: Floats, unseen: float) -> NDArray[np.float64]:
    if not len(keys):
        return np.full(len(wanted), unseen)
    at = np.searchsorted(keys, wanted)
    at[at == len(keys)] = 0
    return np.where(keys[at] == wanted, rarities[at], unseen).astype(np.float64)


def _scales(
    calls: Sequence[Profile],
    solutions: Sequence[Profile],
    keys: Keys,
    rarities: Floats,
    unseen: float,
) -> tuple[float, ...]:
    """Return per channel the 99.5th percentile of the cosines of a sample of pairs."""
    raw = TEXT_SHARES  # with scales equal to the shares, a product is a plain cosine
    sides = [
        [_vector(text, keys, rarities, unseen, raw) for text in side[:limit]]
        for side, limit in zip((calls, solutions), _SAMPLE, strict=True)
    ]
    pairs = len(sides[0]) * len(sides[1])
    scales = []
    for number, usual in enumerate(USUAL_SCALES):
        left, right = (_matrix(side, keys, number) for side in sides)
        cosines = (left @ right.T).toarray().ravel() if pairs else np.zeros(1)
        measured = float(np.quantile(cosines, _SCALE_QUANTILE))
        scales.append((measured * pairs + usual * _USUAL_PAIRS) / (pairs + _USUAL_PAIRS))
    return tuple(round(scale, 6) for scale in scales)


def _matrix(vectors: Sequence[Vector], keys: Keys, number: int) -> csr_matrix:
    """Return one channel of the vectors as rows over the epoch's keys."""
    rows, columns, values = [], [], []
    for row, vector in enumerate(vectors):
        own = channel_numbers(vector.keys) == number
        columns.append(np.searchsorted(keys, vector.keys[own]))
        values.append(vector.values[own])
        rows.append(np.full(len(columns[-1]), row))
    if not vectors:
        return csr_matrix((0, len(keys)))
    cells = (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix((np.concatenate(values), cells), shape=(len(vectors), len(keys)))
