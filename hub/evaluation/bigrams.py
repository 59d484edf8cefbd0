"""The plainest search there is for Japanese, as the mark that ours must clear.

Character pairs of the folded text, whatever they are, ranked by BM25 (Robertson & Zaragoza 2009)
with the usual k1 of 1.2 and b of 0.75.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from search.analysis import fold
from search.documents import SearchDocument

K1, B = 1.2, 0.75


class BigramSearch:
    """An index of character pairs in memory."""

    def __init__(self, documents: Iterable[SearchDocument]) -> None:
        self._targets: dict[str, str] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._held: Counter[str] = Counter()
        for document in documents:
            parts = (document.title, document.summary, document.body, document.owner)
            self._targets[document.id] = document.target
            self._counts[document.id] = Counter(pairs(" ".join((*parts, *document.keywords))))
            self._held.update(self._counts[document.id].keys())
        total = sum(counts.total() for counts in self._counts.values())
        self._size = total / max(len(self._counts), 1) or 1.0

    def ranked(self, text: str, target: str, limit: int) -> list[str]:
        """Return the ids of a target that share a pair with the text, best first."""
        asked = set(pairs(text))
        scores = {
            id_: score
            for id_, counts in self._counts.items()
            if self._targets[id_] == target and (score := self._score(asked, counts))
        }
        return sorted(scores, key=lambda id_: (-scores[id_], id_))[:limit]

    def _score(self, asked: set[str], counts: Mapping[str, int]) -> float:
        length = K1 * (1 - B + B * sum(counts.values()) / self._size)
        return sum(
            self._idf(pair) * counts[pair] * (K1 + 1) / (counts[pair] + length)
            for pair in asked
            if counts.get(pair)
        )

    def _idf(self, pair: str) -> float:
        total, held = len(self._counts), self._held[pair]
        return math.log(1 + (total - held + 0.5) / (held + 0.5))


def pairs(text: str) -> list[str]:
    """Return the character pairs inside the words between spaces; a lone character stays."""
    found: list[str] = []
    for run in fold(text).split():
        found.extend([run] if len(run) == 1 else (run[i : i + 2] for i in range(len(run) - 1)))
    return found
