"""The results of benchmarks.matching as a page of tables."""

from collections.abc import Iterable, Sequence
from typing import Any

_NOTES = """
- *Processor* is the time of the processor in all threads of the process, *clock* what passed by the clock; where others use the
  machine the clock tells little, so ratios are those of the processor. Everything runs in one thread, the bare products too.
- Markets are synthetic: a listing's profile is the sum of the profiles of its sentences, each analysed once (the analysed sentences are kept
  on disk between runs), the word pairs across sentences missing. The sentences are those of a pool, so words are as common as in a text of
  the field, and many listings say the same: harder than life. The pieces by which copies are recognised are a listing's own but for general
  sentences; one solution in a hundred is a copy.
- *One change* is all a worker does for it but reading and analysing the text and writing to the database: vector, copies, candidate lists of
  both sides, the pairs that enter and leave, scoring them. Its baseline is the bare product of one text with all solutions' texts (all terms)
  and the greatest 200 of it.
- *Full re-scoring* is all candidate lists and the scores of all pairs, from a market mapped from disk. Its baseline: the bare products
  (`sp_matmul_topn`, 200 a call and 10 a solution) of the same text matrices with all terms, both directions; where vectors take part, and one
  bare product (BLAS) of all gists. *Terms searched*: the same products without the words, pairs and characters that more than a tenth of a
  side uses, as our search for candidates does.
- Vectors are stand-ins (random, near one another within a subject; five passages of 384 numbers a listing): their figures say what comparing
  costs, not what a model costs, and nothing of quality.
- Dealing the lists takes the pairs of the same run, all firms verified.
""".strip()


def report(results: dict[str, Any]) -> str:
    """Return all tables, with what is compared and what is not."""
    parts = [
        ["# Matching at scale", "", _machine(results), "", *_targets(results)],
        [_NOTES],
        ["## One change", "", *_changes(results["incremental"])],
        ["## Full re-scoring, by words", "", *_full(results["full"])],
        ["## Full re-scoring, by words and vectors", "", *_full(results["meaning"])],
        ["## Dealing the lists", "", *_dealing({**results["full"], **results["meaning"]})],
        ["## Building", "", *_building(results["built"])],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _machine(results: dict[str, Any]) -> str:
    steps = [one for kind in ("incremental", "full", "meaning") for one in results[kind].values()]
    loads = [one["load"] for one in steps]
    return (
        f"`python -m benchmarks.matching`; {results['machine']}. The machine was shared: its load was"
        f" {min(loads)} to {max(loads)} when steps ended."
    )


def _targets(results: dict[str, Any]) -> list[str]:
    """Say what was to be reached, and what was."""
    lines = []
    changes = results["incremental"]
    if {"10000", "100000"} <= changes.keys():
        small, large = (
            changes[count]["steps"]["new call"]["processor"]["p50"] for count in ("10000", "100000")
        )
        lines.append(
            "- Target: a new call takes at most three times as long against 100,000 solutions as"
            f" against 10,000. **{large / small:.2f}** ({small:.1f} ms, {large:.1f} ms)."
        )
    for kind, name in (("full", "by words"), ("meaning", "with vectors")):
        for size, found in results[kind].items():
            lines.append(
                f"- Target: a full re-scoring {name} ({_size(size)}) takes at most 1.5 times the bare"
                f" products and 2 GB. **{_ratio(found):.2f}**, **{_peak(found):.2f} GB**"
                f" ({_ratio(found, 'terms searched'):.1f} times the products of the terms searched alone)."
            )
    return lines


def _seconds(found: dict[str, Any]) -> float:
    return float(sum(own["processor"] for own in found["seconds"].values()))


def _ratio(found: dict[str, Any], terms: str = "all terms") -> float:
    bare = found["bare"]
    gists = bare.get("gists", {}).get("processor", 0)
    return _seconds(found) / float(bare[terms]["processor"] + gists)


def _peak(found: dict[str, Any]) -> float:
    return float(found["memory"]["greatest"]) / 1024


def _size(size: str) -> str:
    calls, solutions = size.split("x")
    return f"{int(calls):,} calls, {int(solutions):,} solutions"


def _changes(results: dict[str, Any]) -> list[str]:
    rows = []
    for count, found in results.items():
        for name, step in [*found["steps"].items(), ("bare product of one text", found["bare"])]:
            rows.append(
                [
                    f"{int(count):,}",
                    name,
                    *(
                        f"{step[clock][p]:.1f}"
                        for clock in ("processor", "wall")
                        for p in ("p50", "p95")
                    ),
                    str(step.get("pairs", "")),
                ]
            )
    head = ["solutions", "change", "processor ms p50", "p95", "clock ms p50", "p95", "pairs scored"]
    memory = [
        f"- {int(count):,} solutions: opened in {found['load_seconds']:.2f} s; the worker's own memory and what it"
        f" has mapped: {found['memory']['start']['own']:,.0f} + {found['memory']['start']['mapped']:,.0f} MB at first,"
        f" {found['memory']['end']['own']:,.0f} + {found['memory']['end']['mapped']:,.0f} MB after all changes;"
        f" {found['memory']['end']['greatest']:,.0f} MB at its greatest."
        for count, found in results.items()
    ]
    return [*_table(head, rows), "", *memory]


def _full(results: dict[str, Any]) -> list[str]:
    rows = []
    for size, found in results.items():
        bare, own = found["bare"], found["seconds"]
        columns = [own["lists"], own["pairs"], bare["all terms"], bare["terms searched"]]
        columns += [bare["gists"]] if "gists" in bare else []
        rows.append(
            [
                _size(size),
                f"{found['pairs']:,}",
                *(f"{one['processor']:.1f} ({one['wall']:.1f})" for one in columns),
                *([] if "gists" in bare else [""]),
                f"**{_ratio(found):.2f}**",
                f"{found['memory']['own']:,.0f} + {found['memory']['mapped']:,.0f} MB",
                f"{found['memory']['greatest']:,.0f} MB",
                str(found["runs"]),
            ]
        )
    head = ["market", "pairs", "candidate lists, s", "scores, s", "bare product, all terms, s"]
    head += ["terms searched, s", "gists, s", "ours / bare", "own + mapped", "greatest", "runs"]
    return [*_table(head, rows), "", "Seconds of the processor; in brackets, by the clock."]


def _dealing(results: dict[str, Any]) -> list[str]:
    rows = [
        [
            _size(size),
            f"{found['above_cut']:,}",
            name,
            f"{took['processor']:.1f}",
            f"{took['wall']:.1f}",
        ]
        for size, found in results.items()
        for name, took in found["exposure"].items()
    ]
    return _table(["market", "pairs above the cut", "step", "processor s", "clock s"], rows)


def _building(results: dict[str, Any]) -> list[str]:
    rows = [
        [
            name,
            *(f"{found[step]:.0f}" for step in ("epoch_seconds", "market_seconds", "save_seconds")),
            f"{found['terms']:,}",
            f"{found['copies']:,}",
            f"{found['disk']:,.0f} MB",
            f"{found['listings']:,.0f} / {found['memory']['greatest']:,.0f} MB",
        ]
        for name, found in results.items()
    ]
    head = ["solutions-calls", "epoch, s", "market, s", "writing, s", "terms", "copies", "on disk"]
    note = "By the clock. The listings are held in memory meanwhile, which a worker does too."
    return [*_table([*head, "memory: listings / greatest"], rows), "", note]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|---|{'---:|' * (len(head) - 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
