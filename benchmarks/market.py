"""A synthetic market for matching: profiles joined from sentences that were analysed once.

The sentences are those of benchmarks.corpus. A listing's profile is the sum of the profiles of
its sentences, so hundreds of thousands of different listings can be had in minutes; the analysed
sentences are kept on disk between runs. As listings of many firms hardly share a sentence but
the general ones, the pieces by which copies are recognised are made the listing's own for all
other sentences; one solution in a hundred is a copy of an earlier one.
"""

import hashlib
import random
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import Corpus, Subject
from workers.matching import MATCHING_VERSION
from workers.matching.channels import NEED, WANTED, Profile, channel_numbers, profile
from workers.matching.facts import CallFacts
from workers.matching.listing import CallTraits, Listing, Meaning, SolutionTraits
from workers.matching.names import KINDS, OFFERS, THEMES
from workers.matching.passages import CALL_FIELDS

_CACHE = Path(tempfile.gettempdir()) / "local-hub-benchmarks"
_BITS = np.uint64(61)
_LOW = (np.uint64(1) << _BITS) - np.uint64(1)
_STAGES = ("concept", "prototype", "product", "proven")
_TOWNS, _POSTS_PER_FIRM = 900, 3
_DIMENSIONS, _PASSAGES = 384, 5
_REPOSTS = 100  # one solution in so many is a copy


@dataclass(frozen=True, slots=True)
class Sentence:
    """Counts of a sentence: of the text by key, and of what it says in a need field."""

    keys: NDArray[np.uint64]
    counts: NDArray[np.float32]
    needs: NDArray[np.uint64]
    need_counts: NDArray[np.float32]
    shingles: NDArray[np.uint32]


class Sentences:
    """Every sentence and title of the corpus, analysed."""

    def __init__(self, corpus: Corpus) -> None:
        texts = corpus.texts
        self.numbers = {text: i for i, text in enumerate(texts)}
        name = hashlib.sha256("\n".join((MATCHING_VERSION, *texts)).encode()).hexdigest()[:16]
        path = _CACHE / f"sentences-{name}.npz"
        if not path.exists():
            _CACHE.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new.npz")
            np.savez(fresh, **_flat([_analysed(text) for text in texts]))
            fresh.rename(path)
        flat = dict(np.load(path))
        names = ("keys", "counts", "needs", "need_counts", "shingles")
        ends = {name: flat[f"{name}-ends"] for name in names}
        self._sentences = [
            Sentence(*(flat[name][ends[name][i] : ends[name][i + 1]] for name in names))
            for i in range(len(texts))
        ]

    def __getitem__(self, text: str) -> Sentence:
        return self._sentences[self.numbers[text]]


class Market:
    """Calls and solutions of one corpus; the same number is always the same listing."""

    def __init__(self, *, meanings: bool = False) -> None:
        self.corpus = Corpus()
        self._sentences = Sentences(self.corpus)
        self._general = frozenset(self.corpus.general)
        self._meanings = meanings
        centres = np.random.default_rng(5).normal(size=(len(self.corpus.subjects), _DIMENSIONS))
        self._centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)

    def calls(self, count: int, first: int = 0) -> Iterator[Listing]:
        """Yield calls of 300 to 1,000 characters."""
        return (self._call(number) for number in range(first, first + count))

    def solutions(self, count: int, first: int = 0) -> Iterator[Listing]:
        """Yield solutions of about 230 characters."""
        return (self._solution(number) for number in range(first, first + count))

    def _call(self, number: int) -> Listing:
        seed = f"call {number}"
        chance = random.Random(seed)
        subject = self.corpus.subject(chance)
        title, *rest = self._texts(subject, chance, chance.triangular(300, 1_000, 520))
        third = max(len(rest) // 3, 1)
        parts = [(title, 2.0, None), (rest[0], 1.2, None)]
        parts += [(text, 1.5, NEED) for text in rest[1 : 1 + third]]
        parts += [(text, 1.2, WANTED) for text in rest[1 + third : 1 + 2 * third]]
        parts += [(text, 1.0, None) for text in rest[1 + 2 * third :]]
        traits = CallTraits(
            kind=chance.choice(tuple(KINDS)),
            themes=_themes(subject, chance),
            offers=_some(chance, tuple(OFFERS), 3),
            prefecture=f"{chance.randint(1, 47):02}",
            eligibility=("juridical_person",) if chance.random() < 0.3 else (),
            closes=chance.random() < 0.8,
        )
        town = chance.randrange(_TOWNS)
        text, said = self._profile(parts, seed), self._meaning(subject, seed)
        return Listing(number, town, text, traits, number, said)

    def _solution(self, number: int) -> Listing:
        again = number % _REPOSTS == _REPOSTS - 1
        seed = f"solution {number // 2 if again else number}"
        chance = random.Random(seed)
        subject = self.corpus.subject(chance)
        title, *rest = self._texts(subject, chance, chance.gauss(230, 60))
        half = max(len(rest) // 2, 1)
        parts = [(title, 2.0, None)]
        parts += [(text, 1.5, NEED) for text in rest[:half]]
        parts += [(text, 1.0, WANTED) for text in rest[half:]]
        wide = chance.random() < 0.4
        areas = (
            ("00",) if wide else tuple(f"{n:02}" for n in sorted(chance.sample(range(1, 48), 3)))
        )
        traits = SolutionTraits(
            themes=_themes(subject, chance),
            asks=_some(chance, tuple(OFFERS), 3),
            kinds=_some(chance, tuple(KINDS), 2),
            stage=chance.choice((None, *_STAGES)),
            areas=areas if chance.random() < 0.8 else (),
            juridical=chance.random() < 0.95,
        )
        firm = 10_000 + number // _POSTS_PER_FIRM
        text, said = self._profile(parts, seed), self._meaning(subject, seed)
        return Listing(number, firm, text, traits, number, said)

    def _texts(self, subject: Subject, chance: random.Random, longest: float) -> list[str]:
        return self.corpus.texts_of(subject, chance, longest)

    def _profile(self, parts: Sequence[tuple[str, float, int | None]], seed: str) -> Profile:
        keys, counts, shingles = [], [], []
        own_pieces = np.uint32(zlib.crc32(seed.encode()))
        for text, weight, channel in parts:
            own = self._sentences[text]
            keys.append(own.keys)
            counts.append(own.counts * np.float32(weight))
            shared = text in self._general
            shingles.append(own.shingles if shared else own.shingles ^ own_pieces)
            if channel is not None:
                keys.append((own.needs & _LOW) | (np.uint64(channel) << _BITS))
                counts.append(own.need_counts * np.float32(weight))
        different, places = np.unique(np.concatenate(keys), return_inverse=True)
        sums = np.bincount(places, np.concatenate(counts)).astype(np.float32)
        return Profile(different, sums, np.unique(np.concatenate(shingles)), 0.0)

    def _meaning(self, subject: Subject, seed: str) -> Meaning | None:
        """Return stand-in vectors: near those of the same subject, and random otherwise."""
        if not self._meanings:
            return None
        digest = hashlib.blake2b(seed.encode(), digest_size=8).digest()
        chance = np.random.default_rng(int.from_bytes(digest, "little"))
        rows = chance.normal(scale=_DIMENSIONS**-0.5, size=(_PASSAGES, _DIMENSIONS))
        rows += self._centres[self.corpus.subjects.index(subject)]
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float16)


def _analysed(text: str) -> Sentence:
    weight = CALL_FIELDS["problem"]
    found = profile(CallFacts(id=0, town=0, kind="pilot", title="", problem=text))
    channels = channel_numbers(found.keys)
    counts = found.counts / np.float32(weight)
    own, need = channels < NEED, channels == NEED
    return Sentence(found.keys[own], counts[own], found.keys[need], counts[need], found.shingles)


def _flat(sentences: Sequence[Sentence]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("keys", "counts", "needs", "need_counts", "shingles"):
        arrays = [getattr(own, name) for own in sentences]
        found[name] = np.concatenate(arrays)
        found[f"{name}-ends"] = np.cumsum([0, *map(len, arrays)])
    return found


def _themes(subject: Subject, chance: random.Random) -> tuple[str, ...]:
    others = chance.sample(tuple(THEMES), chance.choice((0, 0, 1, 2)))
    return tuple(sorted({subject.theme, *others}))


def _some(chance: random.Random, codes: tuple[str, ...], most: int) -> tuple[str, ...]:
    return tuple(sorted(chance.sample(codes, chance.randint(0, most))))
