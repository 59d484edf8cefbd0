"""How long it takes to understand a query: `python -m benchmarks.understanding`.

Prints the time to build the gazetteer with its memory, and for each kind of query the median and
the 95th percentile in microseconds, warm, beside the time of the analysis alone.
"""

import statistics
import time
import tracemalloc
from collections.abc import Callable

from search.analysis import tokenize
from search.intent import understand
from search.places import Gazetteer
from tests.search.gazetteer import filter_words, gazetteer

ROUNDS = 2_000
QUERIES = {
    "words": "空き家の活用と移住促進の実証実験",
    "place": "東京都府中市の高齢者の見守り支援",
    "filters": "見守り 500万円以下 締切間近 府中市",
    "question": "雪かきを手伝ってくれる会社ある？",
    "romaji": "Fuchu city elderly care",
    "plain": "防災",
}


def main() -> None:
    """Print the table."""
    tracemalloc.start()
    began = time.perf_counter()
    built: Gazetteer = gazetteer()
    seconds = time.perf_counter() - began
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    words = filter_words()
    print(f"gazetteer: {seconds:.2f} s (traced), {megabytes:.1f} MB")
    print("| query | characters | median µs | p95 µs | analysis alone µs |")
    print("|---|---|---|---|---|")
    for name, text in QUERIES.items():
        median, high = _timed(lambda text=text: understand(text, built, words))
        alone, _ = _timed(lambda text=text: tokenize(text))
        print(f"| {name} | {len(text)} | {median:.0f} | {high:.0f} | {alone:.0f} |")


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    work()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1e6)
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
