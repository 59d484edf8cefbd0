"""The results of benchmarks.fairness as Markdown, and the targets they are held to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

Results = dict[str, Any]
_COPIES = ("99 copies each", "one firm, 500 copies", "split into ten, copied texts")


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, the worst of all seeds, and what it must not pass."""

    name: str
    limit: float
    figures: Callable[[Results], list[float]]
    least: bool = False  # whether the limit is the least allowed

    def found(self, results: Results) -> float:
        """Return the worst figure."""
        return (min if self.least else max)(self.figures(results))

    def holds(self, results: Results) -> bool:
        """Tell whether the target is reached."""
        found = self.found(results)
        return found >= self.limit if self.least else found <= self.limit


def _ours(name: str) -> Callable[[Results], list[float]]:
    return lambda results: [seed[name] for seed in results["batch"]["ours"]]


def _weekly(name: str) -> Callable[[Results], list[float]]:
    return lambda results: [seed[name] for seed in results["weeks"]["ours"]]


def _firms(name: str) -> Callable[[Results], list[float]]:
    return lambda results: [seed[name] for seed in results["firms"]["ours"]]


def _attacked(attacks: Sequence[str], policy: str) -> Callable[[Results], list[float]]:
    return lambda results: [
        seed[attack][policy] for seed in results["attacks"] for attack in attacks
    ]


def _seconds(size: int) -> Callable[[Results], list[float]]:
    return lambda results: [results["speed"][size]["seconds"]["lists of all calls, week"]]


def _used(size: Results) -> float:
    """Return the megabytes that dealing took, the pairs themselves apart."""
    return float(size["after"]["greatest"] - size["before"]["greatest"])


def _served(results: Results) -> list[float]:
    return [seed["firms_shown"] / seed["firms_servable"] for seed in results["batch"]["ours"]]


def _cost(results: Results) -> list[float]:
    pairs = zip(results["batch"]["collapse"], results["batch"]["ours"], strict=True)
    return [before["ndcg"] - after["ndcg"] for before, after in pairs]


TARGETS = (
    Target("copies, and a company split in two with copied texts: exposure ×", 1, _attacked(_COPIES, "ours")),
    Target("99 rewrites, luck corrected: exposure ×", 1.5, _attacked(["99 rewrites each"], "ours, luck corrected")),
    Target("entitled firms shown in one batch, of those that any dealing could", 1, _served, least=True),
    Target("entitled firms shown in one batch", 0.999, _ours("firms_shown"), least=True),
    Target("entitled firms never shown in four weeks or more", 0.005, _weekly("never_shown")),
    Target("weeks until a suitable firm is shown, p95", 2, _weekly("p95_wait")),
    Target("newcomers shown within two weeks", 0.95, _weekly("two_weeks"), least=True),
    Target("predicted loss of a list, p95", 0.03, _ours("loss_p95")),
    Target("predicted loss of a list, most", 0.05, _ours("loss_max")),
    Target("true nDCG@10 lost against collapse alone", 0.015, _cost),
    Target("Gini of exposure among entitled firms", 0.65, _ours("gini")),
    Target("exposure of the first 1 % of firms", 0.15, _ours("top_percent")),
    Target("worst tenth of firms over the mean", 0.12, _ours("worst_tenth"), least=True),
    Target("calls that reach fewer than five suitable firms", 0.01, _firms("few")),
    Target("lists of the busiest town", 100, _firms("busiest_town")),
    Target("400,000 pairs dealt to calls in a week, seconds of the processor", 2, _seconds(0)),
    Target("2 million pairs", 30, _seconds(1)),
    Target("megabytes for 2 million pairs", 1_000, lambda results: [_used(results["speed"][1])]),
)  # fmt: skip


def report(results: Results) -> str:
    """Return all tables."""
    size, seeds = results["size"], results["seeds"]
    head = (
        f"`python -m benchmarks.fairness --seeds {len(seeds)}`; {results['machine']},"
        f" {results['minutes']} minutes, seeds {', '.join(map(str, seeds))}."
        f" {size['calls']:,} calls, about {size['solutions']:,} solutions of {size['firms']:,} firms."
    )
    parts = [
        ["# Fairness of the lists", "", head, "", _NOTES],
        ["## Targets", "", "The worst seed counts.", "", *_targets(results)],
        [
            "## One batch, larger firms write better texts (polish 0.02)",
            "",
            *_batch(results["batch"]),
        ],
        ["## One batch, texts equally good (polish 0)", "", *_batch(results["batch_even"])],
        ["## Attacks by forty small firms", "", *_attacks(results["attacks"])],
        [
            f"## {size['weeks']} weeks, {size['weekly_calls']} new calls a week",
            "",
            *_weeks(results),
        ],
        ["## The lists of firms", "", *_sides(results["firms"])],
        ["## Speed", "", *_speed(results["speed"])],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


_NOTES = """
- Means over the seeds where not said otherwise. *Relevance only*: the ten best posts of a call.
  *Collapse*: canonical posts, one place a firm. *Ours*: eight places by merit, two of reserve, the
  dial at 0; *firms only*: unseen offers take no part. *Luck corrected*: a firm with n near equal
  offers for a call is ordered as if it had shown an average one (off by default: with it a further
  post can lower a firm, which nobody could explain to it).
- S / M / L: exposure over true merit of small (69 %), middle and large (10 %) firms, the greatest
  of the three as 1. No policy knows sizes.
- An attack's factor: attention won by the attackers, with those that copy them, after over before.
- The markets are drawn, not observed: they say which way, not how much.
""".strip()


def _targets(results: Results) -> list[str]:
    rows = [
        [
            target.name,
            f"{target.found(results):.4g}",
            f"{'≥' if target.least else '≤'} {target.limit:g}",
            "reached" if target.holds(results) else "**missed**",
        ]
        for target in TARGETS
    ]
    return _table(["", "found", "target", ""], rows)


def _batch(policies: dict[str, list[dict[str, Any]]]) -> list[str]:
    head = ["", "nDCG@10", "firms shown", "offers shown", "Gini", "first 1 % hold", "S / M / L"]
    head += ["worst tenth", "busiest firm's lists", "loss p95 / most", "reserve places", "s"]
    rows = []
    for name, seeds in policies.items():
        sizes = (mean(seed["sizes"][i] for seed in seeds) for i in range(3))
        of = _Means(seeds)
        rows.append(
            [
                name,
                f"{of['ndcg']:.3f}",
                f"{of['firms_shown']:.3f}",
                f"{of['offers_shown']:.3f}",
                f"{of['gini']:.3f}",
                f"{of['top_percent']:.1%}",
                " / ".join(f"{share:.2f}" for share in sizes),
                f"{of['worst_tenth']:.2f}",
                f"{of['busiest']:.0f}",
                f"{of['loss_p95']:.1%} / {max(seed['loss_max'] for seed in seeds):.1%}",
                f"{of['reserve']:,.0f}",
                f"{of['seconds']:.2f}",
            ]
        )
    return _table(head, rows)


def _attacks(seeds: list[dict[str, dict[str, float]]]) -> list[str]:
    rows = [
        [
            attack,
            *(" / ".join(f"× {seed[attack][name]:.2f}" for seed in seeds) for name in policies),
        ]
        for attack, policies in seeds[0].items()
    ]
    return _table(["by seed", *next(iter(seeds[0].values()))], rows)


def _weeks(results: Results) -> list[str]:
    names = {
        "never_shown": "firms never shown",
        "mean_wait": "mean wait, weeks",
        "p95_wait": "p95 wait",
        "first_week": "newcomers shown in their first week",
        "two_weeks": "within two",
        "offers_shown": "offers shown within four weeks",
        "gini": "Gini of lists a week",
        "truth": "mean true relevance",
    }
    rows = [
        [policy, *(" / ".join(f"{seed[name]:.4g}" for seed in seeds) for name in names)]
        for policy, seeds in results["weeks"].items()
    ]
    return _table(["by seed", *names.values()], rows)


def _sides(policies: dict[str, list[dict[str, Any]]]) -> list[str]:
    rows = []
    for name, seeds in policies.items():
        of = _Means(seeds)
        row = [name, f"{of['none']:.2%}", f"{of['few']:.2%}", f"{of['truth']:.4f}"]
        row += [f"{of['gini']:.3f}", f"{of['busiest_call']:.0f}", f"{of['busiest_town']:.0f}"]
        rows.append(row)
    head = ["", "calls that reach no firm", "fewer than five suitable", "mean true relevance"]
    return _table([*head, "Gini of calls", "busiest call's lists", "busiest town's"], rows)


def _speed(sizes: list[dict[str, Any]]) -> list[str]:
    rows = []
    for size in sizes:
        seconds = [f"{seconds:.2f}" for seconds in size["seconds"].values()]
        rows.append([f"{size['pairs']:,}", *seconds, f"{_used(size):,.0f}"])
    return [
        *_table(["pairs", *(f"{name}, s" for name in sizes[0]["seconds"]), "MB used"], rows),
        "",
        "Seconds of the processor; the pairs themselves are not counted in the megabytes.",
    ]


class _Means:
    """Means of figures by name over seeds."""

    def __init__(self, seeds: list[dict[str, Any]]) -> None:
        self._seeds = seeds

    def __getitem__(self, name: str) -> float:
        return float(mean(seed[name] for seed in self._seeds))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|---|{'---:|' * (len(head) - 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
