"""A report of the audit as its page shows it: numbers in words, figures as positions to draw at.

Positions are percent of a drawing's width and pixels of its height, so that lines stretch with
the page while words and strokes keep their size.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.domain.fairness.figures import Figures
from hub.domain.fairness.measures import FOUR_FIFTHS
from hub.domain.fairness.report import Report
from hub.domain.fairness.targets import TARGETS
from hub.domain.fairness.weeks import Week
from hub.web.audit_words import (
    AGE_NAMES,
    CALLS_NAMES,
    HOW_NAMES,
    area_name,
    size_name,
    week_name,
)
from hub.web.words import _

FEW_FIRMS = 100  # below this the figures of a week shake
WIDTH = 1.2  # of the axis of ratios
TICKS = (0.0, 0.5, FOUR_FIFTHS, 1.0)
CURVE_HEIGHT = 240
SERIES_HEIGHT = 180
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Bar:
    """A class in a figure of ratios. Positions are percent; without `width` nothing is drawn."""

    name: str
    members: str
    ratio: str
    interval: str
    verdict: str
    note: str = ""
    below: bool = False
    width: float | None = None
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class Ratios:
    """A figure of ratios and its table.

    `drawn` are the classes to be compared; `hidden` says that some class is too small to be
    shown, `counted` that some is large enough.
    """

    bars: Sequence[Bar]
    drawn: Sequence[Bar]
    hidden: bool
    counted: bool
    summary: str
    ticks: Sequence[tuple[float, str]]
    mark: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The audit in short: how many things met their goal, did not, or cannot be told yet.

    `missed` are (title, anchor) of the parts that tell of what did not.
    """

    met: int
    unknown: int
    missed: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole; `width` is percent."""

    name: str
    count: str
    share: str
    width: float


@dataclass(frozen=True, slots=True)
class Point:
    """A point to draw at, in percent and pixels, and what it says."""

    x: float
    y: float
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A number, what it should keep to, and whether it does (None: there is no target)."""

    name: str
    value: str
    target: str = ""
    good: bool | None = None


def ratio(value: float | None) -> str:
    """Two digits, as ratios are read."""
    return NOTHING if value is None else f"{value:.2f}"


def percent(value: float | None) -> str:
    """A share in percent."""
    return NOTHING if value is None else f"{value:.1%}"


# --- Ratios -------------------------------------------------------------------------------------


def sizes(figures: Figures) -> Ratios:
    """Firms by size."""
    return _ratios(figures["by_size"], size_name)


def ages(figures: Figures) -> Ratios:
    """Newcomers and others."""
    return _ratios(figures["by_age"], lambda key: _(AGE_NAMES[key]))


def areas(figures: Figures) -> Ratios:
    """Firms by place."""
    return _ratios(figures["by_area"], area_name)


def town_areas(figures: Figures) -> Ratios:
    """Towns by place."""
    return _ratios(figures["towns"]["by_area"], area_name)


def town_calls(figures: Figures) -> Ratios:
    """Towns by how many calls they have."""
    return _ratios(figures["towns"]["by_calls"], lambda key: _(CALLS_NAMES[key]))


def _ratios(rows: Sequence[Figures], name: Callable[[str], str]) -> Ratios:
    bars = [_bar(row, name(row["key"])) for row in rows]
    drawn = [bar for bar in bars if bar.width is not None]
    counted = [bar for bar in bars if bar.members != NOTHING]
    return Ratios(
        bars,
        drawn,
        len(counted) < len(bars),
        bool(counted),
        _("、").join(f"{bar.name} {bar.ratio}" for bar in drawn),
        [(_across(tick), f"{tick:g}") for tick in TICKS],
        _across(FOUR_FIFTHS),
    )


def _bar(row: Figures, name: str) -> Bar:
    if row["members"] is None:
        return Bar(name, NOTHING, NOTHING, NOTHING, NOTHING)
    members = f"{row['members']:,}"
    if row["ratio"] is None:
        return Bar(name, members, NOTHING, NOTHING, _("まだ出ていません"))
    best = row["ratio"] == row["low"] == row["high"] == 1
    if row["below"]:
        verdict = _("0.8を下回る")
        note = "" if row["high"] < FOUR_FIFTHS else _("誤差かもしれません")
    else:
        verdict, note = _("いちばん高い") if best else _("0.8以上"), ""
    return Bar(
        name,
        members,
        ratio(row["ratio"]),
        NOTHING if best else f"{ratio(row['low'])} – {ratio(row['high'])}",
        verdict,
        note,
        row["below"],
        _across(row["ratio"]),
        _across(row["low"]),
        _across(row["high"]),
    )


def _across(value: float) -> float:
    return round(100 * min(value, WIDTH) / WIDTH, 2)


def headline(figures: Figures) -> list[dict[str, str]]:
    """Three numbers that tell most."""
    firms = figures["firms"]
    shown = firms["shown"] / firms["entitled"] if firms["entitled"] else None
    return [
        {
            "value": NOTHING if shown is None else f"{shown:.0%}",
            "unit": "",
            "label": _("合う募集がある会社のうち、一覧に出た会社"),
        },
        {
            "value": ratio(lowest(figures)),
            "unit": "",
            "label": _("会社の大きさごとの、いちばん低い比（0.8から上がよい）"),
        },
        {
            "value": f"{figures['solutions']['unseen']:,}",
            "unit": "",
            "label": _("合うのに4週間出ていないソリューション（0がよい）"),
        },
    ]


# --- Other figures ------------------------------------------------------------------------------


def curve(figures: Figures) -> list[Point]:
    """The Lorenz curve: what the lower part of the firms have together."""
    shares = figures["spread"]["lorenz"]
    last = len(shares) - 1
    return [
        Point(
            round(100 * place / last, 2),
            round(CURVE_HEIGHT * (1 - value), 1),
            f"{place / last:.0%}",
            percent(value),
        )
        for place, value in enumerate(shares)
    ]


def half(figures: Figures) -> str:
    """What the lower half of the firms have together."""
    shares = figures["spread"]["lorenz"]
    return percent(shares[len(shares) // 2]) if shares else NOTHING


def won(figures: Figures) -> list[Share]:
    """How places were won."""
    return [
        Share(_(name), f"{row['places']:,}", percent(row["share"]), _width(row["share"]))
        for row in figures["won"]
        for name in [HOW_NAMES[row["key"]]]
    ]


def shares(rows: Sequence[Figures]) -> list[Share]:
    """Shares by size class, of all firms first; small classes have none."""
    return [
        Share(
            size_name(row["key"]),
            NOTHING if row["of"] is None else f"{row['of']:,}",
            percent(row["share"]),
            _width(row["share"]),
        )
        for row in rows
    ]


def _width(share: float | None) -> float:
    return round(100 * (share or 0), 1)


def turns(figures: Figures) -> list[Fact]:
    """Whether everybody gets a turn."""
    firms, solutions, calls = figures["firms"], figures["solutions"], figures["calls"]
    few = calls["few"] / calls["dealt"] if calls["dealt"] else None
    wait = firms["median_wait"]
    return [
        Fact(_("合う募集がある会社"), f"{firms['entitled']:,}"),
        Fact(_("そのうち、この週に一覧に出た会社"), f"{firms['shown']:,}"),
        Fact(_("出番を待っている会社"), f"{firms['waiting']:,}"),
        Fact(
            _("2週間をこえて待つ会社"),
            f"{firms['too_long']:,}",
            _("0社"),
            firms["too_long"] == 0,
        ),
        Fact(
            _("待った日数の中央値"),
            NOTHING if wait is None else _("%(days)s日", days=f"{wait:.1f}"),
        ),
        _limited(
            _("4週間どこにも出ていない、合うソリューション"),
            _("%(count)s件", count=f"{solutions['unseen']:,}"),
            solutions["share"],
            TARGETS.unseen,
        ),
        Fact(_("合う会社がない募集"), _("%(count)s件", count=f"{calls['without']:,}")),
        _limited(
            _("合う会社が5社に満たない募集"),
            _("%(count)s件", count=f"{calls['few']:,}"),
            few,
            TARGETS.few,
        ),
    ]


def answer(figures: Figures) -> Answer:
    """Which parts of the audit met their goals."""
    compared = {
        (_("会社の大きさごとの出かた"), "audit-size"): sizes(figures),
        (_("新しい会社の出かた"), "audit-age"): ages(figures),
        (_("会社の場所ごとの出かた"), "audit-area"): areas(figures),
        (_("募集の数ごとの、自治体の出かた"), "audit-town-calls"): town_calls(figures),
        (_("場所ごとの、自治体の出かた"), "audit-town-area"): town_areas(figures),
    }
    limited = {
        (_("一部の会社に集まっていないか"), "audit-spread"): spread(figures),
        (_("出番がまわっているか"), "audit-turns"): turns(figures),
        (_("公平のために下がった点数"), "audit-loss"): loss(figures),
    }
    told: dict[tuple[str, str], list[bool]] = {
        part: [not bar.below for bar in found.drawn] if len(found.drawn) > 1 else []
        for part, found in compared.items()
    }
    told |= {
        part: [fact.good for fact in facts if fact.good is not None]
        for part, facts in limited.items()
    }
    return Answer(
        met=sum(bool(found) and all(found) for found in told.values()),
        unknown=sum(not found for found in told.values()),
        missed=[part for part, found in told.items() if not all(found)],
    )


def spread(figures: Figures) -> list[Fact]:
    """How unevenly attention lies among suitable firms."""
    found = figures["spread"]
    gini, worst = found["gini"], found["worst"]
    return [
        Fact(
            _("ジニ係数（0は全社同じ、1は1社だけ）"),
            ratio(gini),
            _("%(limit)s以下", limit=ratio(TARGETS.gini)),
            None if gini is None else gini <= TARGETS.gini,
        ),
        _limited(_("上位1%の会社が受けた割合"), "", found["top"], TARGETS.top),
        Fact(
            _("下位1割の平均と、全社の平均の比"),
            ratio(worst),
            _("%(limit)s以上", limit=ratio(TARGETS.worst)),
            None if worst is None else worst >= TARGETS.worst,
        ),
    ]


def loss(figures: Figures) -> list[Fact]:
    """What fairness took from the lists."""
    found = figures["loss"]
    if found is None:
        return []
    return [
        Fact(_("平均"), percent(found["mean"])),
        _limited(_("20件に1件がこえる値"), "", found["p95"], TARGETS.loss_p95),
        _limited(_("いちばん大きい一覧"), "", found["max"], TARGETS.loss_max),
        Fact(_("大きいほうの5%の平均"), percent(found["worst"])),
    ]


def _limited(name: str, count: str, share: float | None, limit: float) -> Fact:
    """A share that should not exceed its limit, after the count it is of."""
    value = count
    if count and share is not None:
        value = _("%(count)s（%(share)s）", count=count, share=percent(share))
    return Fact(
        name,
        value or percent(share),
        _("%(limit)s以下", limit=percent(limit)),
        None if share is None else share <= limit,
    )


# --- Week by week -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Weeks:
    """The final reports as two lines over the weeks, and as a table."""

    low: Sequence[Point]
    gini: Sequence[Point]
    rows: Sequence[Mapping[str, Any]]
    marks: Sequence[tuple[float, str]]  # along the axis, pixels from the top
    mark: float


def weeks(reports: Iterable[Report]) -> Weeks | None:
    """The final reports, oldest first; None while there are fewer than two."""
    final = [report for report in reports if report.final][::-1]
    if len(final) < 2:
        return None
    rows = [
        {
            "week": week_name(report.week),
            "low": lowest(report.figures),
            "gini": report.figures["spread"]["gini"],
            "unseen": percent(report.figures["solutions"]["share"]),
            "dial": ratio(report.dial),
        }
        for report in final
    ]
    lines = [
        _line([row[name] for row in rows], [_short(report.week) for report in final])
        for name in ("low", "gini")
    ]
    written = [row | {"low": ratio(row["low"]), "gini": ratio(row["gini"])} for row in rows]
    marks = [(_down(value), f"{value:g}") for value in (0.0, 0.5, 1.0)]
    return Weeks(lines[0], lines[1], written, marks, _down(FOUR_FIFTHS))


def _short(week: Week) -> str:
    return f"{week.monday.month}/{week.monday.day}"


def lowest(figures: Figures) -> float | None:
    """The ratio of the size class that was shown least."""
    found = [row["ratio"] for row in figures["by_size"] if row["ratio"] is not None]
    return min(found, default=None)


def _line(values: Sequence[float | None], labels: Sequence[str]) -> list[Point]:
    step = 100 / len(values)
    return [
        Point(round(step * (place + 0.5), 2), _down(value), label, ratio(value))
        for place, (value, label) in enumerate(zip(values, labels, strict=True))
        if value is not None
    ]


def _down(value: float) -> float:
    return round(SERIES_HEIGHT * (1 - min(value, 1.0)), 1)
