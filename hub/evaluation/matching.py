"""How good the lists of a labelled set are: quality both ways, exposure, groups, each part's worth.

Everything is computed from lists of ids, whoever made them: `judged` takes what is shown of the
other side and all of it, best first, for every subject of the set.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from hub.evaluation.labelled import LabelledSet
from hub.evaluation.metrics import TOP, USEFUL, Quality, means, quality

SIZES = ("micro", "small", "medium", "large")


@dataclass(frozen=True)
class List:
    """What one subject gets: all ids, best first, and how many of them are shown."""

    ranked: tuple[str, ...]
    shown: int

    @property
    def top(self) -> tuple[str, ...]:
        """The ids that people see: at most ten, above the cut."""
        return self.ranked[: min(self.shown, TOP)]


Lists = Mapping[str, Mapping[str, List]]  # "call" and "solution" -> subject id -> list


@dataclass(frozen=True)
class Group:
    """Places of a group that should stay down in the top tens of calls, as they are shown."""

    places: int
    most: int  # in one list
    unrelated: int  # of the places, those graded 0


@dataclass(frozen=True)
class Judgement:
    """The measures of one way of scoring."""

    qualities: Mapping[str, Mapping[str, Quality]]  # side -> subject id -> measures
    exposure: Mapping[str, float | None]  # size class -> share of attention / share of relevance
    groups: Mapping[str, Group]
    matchless: float | None  # mean length of the lists of solutions that match nothing
    lengths: Mapping[str, float]  # side -> mean number of ids shown

    def means(self, side: str) -> dict[str, float | None]:
        """The mean measures of a side, over its subjects that have something to find."""
        return means(list(self.qualities[side].values()))


def judged(labelled: LabelledSet, lists: Lists) -> Judgement:
    """Judge the lists of both sides; a subject without a list has an empty one."""
    grades = {"call": labelled.call_grades, "solution": labelled.solution_grades}
    subjects = {"call": labelled.calls, "solution": labelled.solutions}
    whole = {
        side: {id_: lists[side].get(id_, List((), 0)) for id_ in subjects[side]} for side in grades
    }
    matchless = [
        own.shown for id_, own in whole["solution"].items() if id_ not in labelled.solution_grades
    ]
    return Judgement(
        qualities={
            side: {id_: quality(own.ranked, grades[side].get(id_, {})) for id_, own in rows.items()}
            for side, rows in whole.items()
        },
        exposure=_exposure(labelled, whole["call"]),
        groups={
            name: _group(labelled, whole["call"], ids) for name, ids in labelled.groups.items()
        },
        matchless=fmean(matchless) if matchless else None,
        lengths={side: fmean(own.shown for own in rows.values()) for side, rows in whole.items()},
    )


def _exposure(labelled: LabelledSet, lists: Mapping[str, List]) -> dict[str, float | None]:
    """Share of 1 / log2(rank + 1) over all shown top tens / share of the useful pairs, by size."""
    sizes = {id_: str(row.get("company_size")) for id_, row in labelled.solutions.items()}
    given, earned = dict.fromkeys(SIZES, 0.0), dict.fromkeys(SIZES, 0.0)
    for call, own in lists.items():
        for place, id_ in enumerate(own.top, 1):
            if sizes[id_] in given:
                given[sizes[id_]] += 1 / math.log2(place + 1)
        for id_, grade in labelled.call_grades.get(call, {}).items():
            if grade >= USEFUL and sizes[id_] in earned:
                earned[sizes[id_]] += 1
    attention, relevance = sum(given.values()), sum(earned.values())
    if not attention or not relevance:
        return {}
    return {
        size: (given[size] / attention) / (earned[size] / relevance) if earned[size] else None
        for size in SIZES
    }


def _group(labelled: LabelledSet, lists: Mapping[str, List], ids: Iterable[str]) -> Group:
    members = set(ids)
    found = {call: [id_ for id_ in own.top if id_ in members] for call, own in lists.items()}
    grades = [
        labelled.call_grades.get(call, {}).get(id_, 0) for call in found for id_ in found[call]
    ]
    return Group(
        places=len(grades),
        most=max(map(len, found.values()), default=0),
        unrelated=grades.count(0),
    )


SIDES = {"call": "calls -> solutions", "solution": "solutions -> calls"}
_MEASURES = ("ndcg10", "recall20", "mrr")


def as_data(judgement: Judgement) -> dict[str, Any]:
    """Everything for a program."""
    return {
        "summary": {side: judgement.means(side) for side in SIDES},
        "exposure": dict(judgement.exposure),
        "groups": {name: asdict(group) for name, group in judgement.groups.items()},
        "matchless": judgement.matchless,
        "lengths": dict(judgement.lengths),
        "each": {
            side: {id_: asdict(found) for id_, found in rows.items()}
            for side, rows in judgement.qualities.items()
        },
    }


def quality_table(judgements: Mapping[str, Judgement]) -> str:
    """One line for each way of scoring, both directions side by side."""
    head = "".join(f"{name:>27}" for name in SIDES.values())
    lines = [f"{'':24}{head}", f"{'':24}" + f"{'nDCG@10':>11}{'R@20':>8}{'MRR':>8}" * len(SIDES)]
    for name, judgement in judgements.items():
        cells = ""
        for side in SIDES:
            found = judgement.means(side)
            ndcg, recall, mrr = (_number(found[measure]) for measure in _MEASURES)
            cells += f"{ndcg:>11}{recall:>8}{mrr:>8}"
        lines.append(f"{name:24}{cells}")
    return "\n".join(lines)


def details(judgement: Judgement) -> str:
    """Exposure, groups and lengths in words and figures."""
    sizes = "  ".join(f"{size} {_number(r)}" for size, r in judgement.exposure.items())
    lengths = judgement.lengths
    lines = [
        f"exposure / relevance by size      {sizes or '-'}",
        f"shown on average                  {lengths['call']:.1f} solutions to a call, "
        f"{lengths['solution']:.1f} calls to a solution, "
        f"{_number(judgement.matchless)} to one that matches nothing",
    ]
    lines += [
        f"{name.replace('_', ' '):34}{group.places} places in top tens "
        f"({group.unrelated} of grade 0), at most {group.most} in a list"
        for name, group in judgement.groups.items()
    ]
    return "\n".join(lines)


def drops(plain: Judgement, noisy: Judgement) -> dict[str, float]:
    """By how much nDCG@10 falls in boilerplate, for each side."""
    return {
        side: (plain.means(side)["ndcg10"] or 0.0) - (noisy.means(side)["ndcg10"] or 0.0)
        for side in SIDES
    }


def worst(labelled: LabelledSet, lists: Lists, judgement: Judgement, count: int) -> str:
    """The calls with the lowest nDCG, with texts: what stands on top and what is missed."""
    judged = [
        (found.ndcg10, id_)
        for id_, found in judgement.qualities["call"].items()
        if found.ndcg10 is not None
    ]
    blocks = []
    for ndcg, id_ in sorted(judged)[:count]:
        grades, top = labelled.call_grades[id_], lists["call"][id_].ranked[:TOP]
        lines = [f"{ndcg:.3f} {id_} {_title(labelled.calls, id_)}"]
        lines += [_place(labelled, grades, id_, place) for place, id_ in enumerate(top, 1)]
        missed = [id_ for id_ in grades if id_ not in top]
        lines += [_place(labelled, grades, id_, None) for id_ in missed]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _place(labelled: LabelledSet, grades: Mapping[str, int], id_: str, place: int | None) -> str:
    mark = "   -" if place is None else f"  {place:2}"
    return f"{mark} [{grades.get(id_, 0)}] {id_} {_title(labelled.solutions, id_)}"


def _title(rows: Mapping[str, Mapping[str, Any]], id_: str) -> str:
    return str(rows[id_].get("title", ""))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def run_lines(lists: Lists) -> Sequence[dict[str, Any]]:
    """The lines of a run file: {subject: id, "ranked": ids}."""
    return [
        {side: id_, "ranked": list(own.ranked)}
        for side in SIDES
        for id_, own in lists[side].items()
    ]
