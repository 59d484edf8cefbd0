"""A model that costs next to nothing: random directions for pairs of characters.

It says little about meaning and nothing about a real model's quality or speed. It is here so that
vectors of the usual size can be stored and searched: texts that share pairs are near.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from search.documents import SearchDocument
from search.embedding import Vectors, unit

MODEL = "random-projection/384/1"
PASSAGES = 5
_DIMENSION, _BUCKETS = 384, 1 << 15
_SENTENCES = 3


class RandomProjection:
    """An Embedder without a model."""

    model = MODEL

    def __init__(self) -> None:
        chance = np.random.default_rng(0)
        self._directions = chance.normal(size=(_BUCKETS, _DIMENSION)).astype(np.float32)
        self._known: dict[str, Vectors] = {}

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return unit(np.array([self._sum(text) for text in texts], np.float32))

    embed_passages = embed_queries

    def vectors(self, document: SearchDocument) -> tuple[tuple[int, bytes], ...]:
        """Return the vectors of the title and of neighbouring sentences, as a listing has them."""
        said = [self._remembered(text) for text in (document.title, *document.needs)]
        parts = [said[0], *(sum(said[i : i + _SENTENCES]) for i in range(1, len(said), _SENTENCES))]
        rows = unit(np.array(parts[:PASSAGES], np.float32)).astype(np.float16)
        return tuple((place, row.tobytes()) for place, row in enumerate(rows))

    def _remembered(self, text: str) -> Vectors:
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._sum(text)
        return found

    def _sum(self, text: str) -> Vectors:
        pairs = [text[i : i + 2] for i in range(max(len(text) - 1, 1))]
        places = [crc32(pair.encode()) % _BUCKETS for pair in pairs]
        total: Vectors = self._directions[places].sum(axis=0)
        return total
