"""Builds our index with nothing ready-made, in a process of its own: `{"listings": 5000}`.

Prints JSON: seconds, and the megabytes of the process before and after.
"""

import json
import sys
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from benchmarks.corpus import Corpus
from benchmarks.measure import filled, memory
from search.analysis import tokenize
from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
from search.index import SearchIndex

_BATCH = 500


def rebuild(index: SearchIndex, documents: Iterable[SearchDocument]) -> None:
    """Fill an index as `hub index rebuild` does."""
    rest = iter(documents)
    with index.rebuilding() as fresh:
        while batch := list(islice(rest, _BATCH)):
            fresh.apply(batch)


def main() -> None:
    """Build, and print."""
    count = json.loads(sys.argv[1])["listings"]
    corpus = Corpus()
    tokenize("最初の一回は辞書を読む")
    before = memory()
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedIndex(Path(folder) / "index")
        seconds = filled(lambda rows: rebuild(index, rows), corpus.listings(count))
    print(json.dumps({"seconds": seconds, "before": before, "after": memory()}))


if __name__ == "__main__":
    main()
