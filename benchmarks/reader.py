"""Searches an index as a web process does, alone: `{"folder": "…", "queries": […]}`.

Prints JSON: milliseconds of opening and of the first query, and the megabytes of the process
before, after searching by words, and with the vocabulary that slips are repaired by.
"""

import json
import sys
from pathlib import Path

from benchmarks.corpus import NOW
from benchmarks.measure import memory, spent
from search.embedded import EmbeddedIndex
from search.embedding import QueryVectors
from search.finder import Finder
from search.plan import plan
from search.query import SearchQuery


def main() -> None:
    """Search, and print."""
    asked = json.loads(sys.argv[1])
    plan("最初の一回は辞書と語彙を読む")
    before = memory()
    index = EmbeddedIndex(Path(asked["folder"]))
    queries = [SearchQuery(text=text, target="call", now=NOW) for text in asked["queries"]]
    first = spent(lambda: index.search(queries[0]))
    for query in queries:
        index.search(query)
    words = memory()
    finder = Finder(index, QueryVectors(None))
    vocabulary = spent(finder.vocabulary)
    finder.find(queries[0])
    print(
        json.dumps(
            {
                "first_query_milliseconds": round(first.wall, 1),
                "vocabulary_milliseconds": round(vocabulary.wall, 1),
                "before": before,
                "words": words,
                "vocabulary": memory(),
            }
        )
    )


if __name__ == "__main__":
    main()
