"""Text to counts: the profile of a listing, computed once per content and kept as bytes.

A profile is independent of the market. Its keys are 61-bit hashes of a channel's terms with the
channel's number in the top three bits, so that one sorted array holds all channels and two
profiles are compared by one merge. Counts are sums of passage weights.
"""

import hashlib
import math
import struct
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.analysis import Token, bigrams, characters, fold, tokenize
from workers.matching.concepts import find_words, glossary
from workers.matching.facts import Facts
from workers.matching.passages import NEED_FIELDS, WANTED_FIELDS, Passage, passages

Counts = defaultdict[str, float]
Keys = NDArray[np.uint64]
Floats = NDArray[np.float32]

# Channel names by number. "need" and "wanted" repeat what the fields of passages.NEED_FIELDS and
# passages.WANTED_FIELDS say, which are compared across the two sides: parts of their own.
CHANNELS = ("words", "pairs", "characters", "synonyms", "concepts", "need", "wanted")
NEED, WANTED = CHANNELS.index("need"), CHANNELS.index("wanted")
_ACROSS = tuple((NEED, field) for field in NEED_FIELDS) + tuple(
    (WANTED, field) for field in WANTED_FIELDS
)
_CHANNEL_BITS = np.uint64(61)
# A concept also speaks, more softly, for its theme.
_THEME_SHARE = 0.5
_SHINGLE = 5
_HEADER = struct.Struct("<4sIIf")
_MAGIC = b"LHp1"


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What a listing's text says, as counts.

    `keys` are sorted and unique, `counts` (> 0) belong to them; `shingles` are the sorted hashes
    of the text's five-character pieces, for recognising copies; `enumeration` is the share of
    bare lists (0..1).
    """

    keys: Keys
    counts: Floats
    shingles: NDArray[np.uint32]
    enumeration: float

    @property
    def digest(self) -> str:
        """Return a hash of the text (hex): decides ties, where ids and dates must not."""
        return hashlib.sha256(self.shingles.tobytes() + self.keys.tobytes()).hexdigest()[:16]

    def to_bytes(self) -> bytes:
        """Return the profile as bytes for a database column."""
        head = _HEADER.pack(_MAGIC, len(self.keys), len(self.shingles), self.enumeration)
        body = self.keys.tobytes() + self.counts.tobytes() + self.shingles.tobytes()
        return head + zlib.compress(body, 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Profile":
        """Read what `to_bytes` wrote. Raises ValueError for anything else."""
        try:
            magic, keys, shingles, enumeration = _HEADER.unpack_from(data)
            body = zlib.decompress(data[_HEADER.size :])
        except (struct.error, zlib.error) as error:
            raise ValueError("no profile") from error
        if magic != _MAGIC or len(body) != 12 * keys + 4 * shingles:
            raise ValueError("no profile")
        return cls(
            keys=np.frombuffer(body, np.uint64, keys),
            counts=np.frombuffer(body, np.float32, keys, 8 * keys),
            shingles=np.frombuffer(body, np.uint32, shingles, 12 * keys),
            enumeration=enumeration,
        )


def profile(facts: Facts) -> Profile:
    """Analyse a listing: a few milliseconds per thousand characters."""
    channels: list[Counts] = [defaultdict(float) for _ in CHANNELS]
    spoken: Counts = defaultdict(float)
    texts = list(passages(facts))
    for passage in texts:
        folded = fold(passage.text)
        tokens = tokenize(folded)
        _count(channels, folded, tokens, passage.weight)
        words = find_words(folded, tokens)
        for word in words:
            spoken[word] += passage.weight
        for channel, field in _ACROSS:
            if passage.field == field:
                for term in [*token_terms(tokens), *words]:
                    channels[channel][term] += passage.weight
    channels[CHANNELS.index("concepts")] = _concepts(spoken)
    keys, counts = _arrays(channels)
    whole = "".join(passage.text for passage in texts)
    return Profile(keys, counts, shingles(whole), _listed_share(texts))


def _listed_share(texts: Sequence[Passage]) -> float:
    """Return the share of bare enumeration in what the text says; set phrases say little."""
    listed = sum(len(passage.text) for passage in texts if passage.listed)
    prose = sum(len(p.text) * min(p.weight, 1.0) for p in texts if not p.listed)
    # Rounded as it is stored, so that a pair scores the same before and after.
    return float(np.float32(listed / (listed + prose))) if listed else 0.0


def token_terms(tokens: list[Token]) -> list[str]:
    """Return the normalised words of tokens, each followed by its short units."""
    return [term for token in tokens for term in (token.form, *token.units)]


def shingles(text: str) -> NDArray[np.uint32]:
    """Return the sorted, unique hashes of all five-letter pieces of a folded text."""
    letters = "".join(char for char in fold(text) if char.isalnum())
    pieces = {letters[i : i + _SHINGLE] for i in range(max(1, len(letters) - _SHINGLE + 1))}
    return np.array(sorted({zlib.crc32(piece.encode()) for piece in pieces}), np.uint32)


def key_of(channel: str, term: str) -> int:
    """Return the key of a term."""
    return _key(CHANNELS.index(channel), term)


def channel_numbers(keys: Keys) -> NDArray[Any]:
    """Return the channel number of every key."""
    return (keys >> _CHANNEL_BITS).astype(np.int64)


def _count(channels: list[Counts], text: str, tokens: list[Token], weight: float) -> None:
    words, pairs, single, synonyms = channels[:4]
    for term in token_terms(tokens):
        words[term] += weight
    for pair in bigrams(text):
        pairs[pair] += weight
    for char in characters(text):
        single[char] += weight
    for token in tokens:
        for group in token.groups:
            synonyms[str(group)] += weight


def _concepts(spoken: Counts) -> Counts:
    """Add up, per concept, the words that speak of it: many different words count more."""
    counts: Counts = defaultdict(float)
    book = glossary()
    for word, weight in sorted(spoken.items()):
        for number in book.words[word]:
            counts[book.concepts[number].ja] += math.log2(1 + weight)
    for concept in book.concepts:
        if concept.ja in counts:
            counts[f"theme {concept.theme}"] += _THEME_SHARE * counts[concept.ja]
    return counts


def _arrays(channels: list[Counts]) -> tuple[Keys, Floats]:
    counts: dict[int, float] = {}
    for number, terms in enumerate(channels):
        for term, count in terms.items():
            key = _key(number, term)
            counts[key] = counts.get(key, 0.0) + count
    keys = np.array(sorted(counts), np.uint64)
    return keys, np.array([counts[int(key)] for key in keys], np.float32)


@lru_cache(maxsize=1 << 16)
def _key(channel: int, term: str) -> int:
    digest = hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (channel << 61) | (int.from_bytes(digest, "little") >> 3)
