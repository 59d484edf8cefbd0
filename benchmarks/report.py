"""The results of benchmarks.search as Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

_EVERY = "all with words"
_KINDS = {
    "word": "one word",
    "words": "two or three words",
    "kana": "kana (こそだて)",
    "synonym": "a word with synonyms",
    "phrase": "quoted phrase",
    "exclusion": "exclusion",
    "either": "OR",
    "place": "town and word",
    "question": "whole question",
    "slip": "slip",
    "filters": "words and two filters",
    _EVERY: "**all of these**",
    "browse": "no text",
}
_MOST = 1.5
_SERVERS = ("Meilisearch, words ready",)
_PAGE, _LIST = "our index, page", "our index, list"
_RAW, _RAW_LIST = "raw tantivy, page", "raw tantivy, list"
_SYNONYMS, _SYNONYMS_LIST = "raw tantivy with synonyms, page", "raw tantivy with synonyms, list"
_ALL_WORDS = "raw tantivy, all words, page"
_FTS = "SQLite FTS5, page"
_NOTES = """
How to read this:

- A page is 20 hits, the exact total, the counts of every facet value and the size of the other tab.
  A list is the 20 hits and the total. Every query is for calls (half of the listings).
- Times are of the processor, in all threads of the process, because other programs shared the
  machine; by the clock where said so. Of five answers to a query the fastest counts (of fewer
  where they take long). Our index, the service by words and raw tantivy take turns query by query.
  "p95" is over the queries of a kind.
- *Raw tantivy* gets the words and short units of the query ready-made from our analysis, and finds
  what holds any of them in title or text. It does no more: no synonyms, readings, names, phrases or
  OR (it searches their words), no missing words (of several words it finds what holds one), no ties,
  no repair of slips, and of the clock it counts only when listings close. Finding
  more than we do, it has more to count; so *all words* is the same with every word required, which finds less than we do where
  we let words be missing. *With synonyms* has the words of our synonyms too, flat.
- *SQLite FTS5* gets the same words with the facet values as words beside them; its page counts from
  a table of values by a join, and does not widen the counts of a chosen facet. As it takes long, its
  page is asked for {few} queries of a kind only, of which the greatest is then the p95.
- *Our service* is what a page of the site does: it also reads places, kinds and amounts out of the
  query and searches for them, orders the first 100, and repairs slips. *With vectors* it looks for
  what is near in meaning too, five passages of 384 numbers a listing, with a stand-in for a model
  (random projections, next to no time): its figures say what storing and searching vectors costs,
  not what a model costs, and nothing of quality.
- Listings are synthetic, so their sentences repeat; a sentence's words are cut once and joined.
""".strip()


def report(results: dict[str, Any]) -> str:
    """Return all tables, with what is compared and what is not."""
    times = results["latency"]
    count = results["listings"]
    parts = [
        [f"# Search over {count:,} listings", "", _market(results), "", *_targets(results)],
        [_NOTES.format(few=results["fts_pages_of_a_kind"])],
        ["## Pages beside raw tantivy and SQLite FTS5", "", *_pages(times)],
        ["## Lists beside raw tantivy", "", *_lists(times)],
        ["## The service, by the clock", "", *_services(times)],
        ["## Every system, all queries with words", "", *_systems(times)],
        ["## Building", "", *_building(results)],
        ["## Memory, disk, changes, reading a query", "", *_rest(results)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _market(results: dict[str, Any]) -> str:
    lengths, shares = results["characters"], results["frequencies"]["shares"]
    held = ", ".join(f"{share:.2%} at rank {int(rank):,}" for rank, share in shares.items())
    agree = results["ready_rows_agree"]
    return (
        f"`python -m benchmarks.search --listings {results['listings']}`; {results['machine']},"
        f" {results['minutes']} minutes. Half of the listings are calls of {_length(lengths['call'])}"
        f" characters, half solutions of {_length(lengths['solution'])}."
        f" {results['frequencies']['words']:,} different words; the share of listings that hold one:"
        f" {held}. {results['queries_of_a_kind']} queries of each kind. The joined words are"
        f" {agree:.2%} those of cutting whole listings."
    )


def _targets(results: dict[str, Any]) -> list[str]:
    """Say what was to be reached, and what was not."""
    times = results["latency"]
    ratios = {kind: _ratio(times, _RAW, kind) for kind in _KINDS}
    above = [
        f"{_KINDS[kind]} {r:.2f}" for kind, r in ratios.items() if r > _MOST and kind != _EVERY
    ]
    slowest = max(t["p95"] for t in results["understanding_milliseconds"].values())
    return [
        f"- Target: the p95 of a page by words at most {_MOST} times that of raw tantivy."
        f" **{ratios[_EVERY]:.2f}** over all queries with words"
        f" ({_ratio(times, _SYNONYMS, _EVERY):.2f} where raw tantivy has the synonyms too,"
        f" {_ratio(times, _ALL_WORDS, _EVERY):.2f} where it requires every word);"
        f" above it: {', '.join(above) or 'none of the kinds'}. A list without counts, which raw"
        f" tantivy answers almost for nothing: {_ratio(times, _RAW_LIST, _EVERY, _LIST):.2f}.",
        f"- Target: a query of 20 characters read in at most 1 ms. **{slowest:.2f} ms** (p95).",
    ]


def _ratio(times: dict[str, Any], other: str, kind: str, own: str = _PAGE) -> float:
    """Return the p95 of one of ours over that of another."""
    ours, theirs = (times[name][kind]["processor"]["p95"] for name in (own, other))
    return float(ours / theirs)


def _length(lengths: dict[str, int]) -> str:
    return f"{lengths['least']} to {lengths['most']} (mean {lengths['mean']})"


def _pages(times: dict[str, Any]) -> list[str]:
    names = (_PAGE, _RAW, _SYNONYMS, _ALL_WORDS, _FTS)
    head = ["query", "ours p50", "p95", "raw p50", "p95", "with synonyms p95", "all words p95"]
    head += ["FTS5 p95", "**p95 ours/raw**", "ours/with synonyms", "ours/all words", "FTS5/ours"]
    rows = []
    for kind, title in _KINDS.items():
        ours, raw, synonyms, words, fts = (times[name][kind]["processor"] for name in names)
        least = ours["p95"]
        rows.append(
            [
                title,
                *(_ms(t) for side in (ours, raw) for t in side.values()),
                *(_ms(side["p95"]) for side in (synonyms, words, fts)),
                f"**{least / raw['p95']:.2f}**",
                *(f"{least / side['p95']:.2f}" for side in (synonyms, words)),
                f"{fts['p95'] / least:.1f}",
            ]
        )
    return _table(head, rows)


def _lists(times: dict[str, Any]) -> list[str]:
    rows = []
    for kind, title in _KINDS.items():
        ours, raw, synonyms = (
            times[name][kind]["processor"] for name in (_LIST, _RAW_LIST, _SYNONYMS_LIST)
        )
        rows.append(
            [
                title,
                *(_ms(t) for side in (ours, raw) for t in side.values()),
                _ms(synonyms["p95"]),
                f"{ours['p95'] / raw['p95']:.2f}",
                f"{ours['p95'] / synonyms['p95']:.2f}",
            ]
        )
    head = ["query", "ours p50", "p95", "raw p50", "p95", "with synonyms p95"]
    return _table([*head, "p95 ours/raw", "ours/with synonyms"], rows)


def _services(times: dict[str, Any]) -> list[str]:
    names = [name for name in times if "service" in name or "Meilisearch" in name]
    rows = [
        [title, *(_ms(t) for name in names for t in times[name][kind]["wall"].values())]
        for kind, title in _KINDS.items()
    ]
    return _table(["query", *(head for name in names for head in (f"{name} p50", "p95"))], rows)


def _systems(times: dict[str, Any]) -> list[str]:
    rows = []
    for name, kinds in times.items():
        found = kinds[_EVERY]
        values = [*found["processor"].values(), *found["wall"].values()]
        rows.append([name, *map(_ms, values)])
    return [
        *_table(["system", "processor p50", "p95", "clock p50", "p95"], rows),
        "",
        "Of a server only the clock tells; the processor time is that of asking it.",
    ]


def _building(results: dict[str, Any]) -> list[str]:
    count, whole, cut = results["listings"], results["build_with_analysis"], results["analysis"]
    rows = []
    for name, took in results["indexing_seconds"].items():
        seconds = took["wall" if name in _SERVERS else "processor"]
        rows.append([name, f"{seconds:.1f}", f"{count / seconds:,.0f}"])
    processor = whole["seconds"]["processor"]
    name = f"our index, analysis included ({whole['listings']:,} listings)"
    rows.append([name, f"{processor:.1f}", f"{whole['listings'] / processor:,.0f}"])
    return [
        *_table(["", "seconds", "listings a second"], rows),
        "",
        "Seconds of the processor; of a server, by the clock. Analysis alone:"
        f" {cut['listings_a_second_of_one_processor']:,} listings a second of one"
        f" processor; {cut['listings_a_second_by_two_processes']:,} a second by the clock in two"
        f" processes.",
    ]


def _rest(results: dict[str, Any]) -> list[str]:
    reader, builder = results["reader"], results["build_with_analysis"]
    asked, updates = results["understanding_milliseconds"], results["update_milliseconds"]
    rows = [
        ["reader: after start, own and mapped", _memory(reader["before"])],
        ["reader: after all queries by words", _memory(reader["words"])],
        ["reader: with the vocabulary for slips", _memory(reader["vocabulary"])],
        ["build: after start", _memory(builder["before"])],
        [
            "build: at its end; greatest in all",
            f"{_memory(builder['after'])}; {builder['after']['greatest']:,.0f} MB",
        ],
        *(
            [f"on disk: {name}", f"{size:,.0f} MB"]
            for name, size in results["megabytes_on_disk"].items()
        ),
        [
            "first query of a process, the index opened",
            f"{reader['first_query_milliseconds']:.0f} ms",
        ],
        [
            "reading the vocabulary, each minute where slips are met",
            f"{reader['vocabulary_milliseconds']:.0f} ms",
        ],
        ["one listing changed, durable and visible, p50 / p95", _both(updates["wall"])],
        ["the same in processor time", _both(updates["processor"])],
        ["query of 20 characters: its words (search.plan), p50 / p95", _both(asked["plan"])],
        ["query of 20 characters: what it means (search.intent)", _both(asked["understand"])],
    ]
    return _table(["", ""], rows)


def _memory(sizes: dict[str, float]) -> str:
    return f"{sizes['own']:,.0f} + {sizes['mapped']:,.0f} MB"


def _both(times: dict[str, float]) -> str:
    return " / ".join(f"{_ms(time)} ms" for time in times.values())


def _ms(time: float) -> str:
    return f"{time:.2f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|---|{'---:|' * (len(head) - 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
