"""Running a labelled set through the product, and saying how good the answers are."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from hub.clock import epoch_seconds
from hub.evaluation.labelled import LabelledSet, Query
from hub.evaluation.metrics import Quality, means, quality
from hub.evaluation.pipeline import Installation
from hub.models.work import Match
from search.query import SearchQuery

DEPTH = 50  # ids written for each subject

Lists = dict[str, list[str]]  # subject id -> ids, best first


@dataclass
class Direction:
    """One direction's lists and their measures. `subject` is "call", "solution" or "query"."""

    subject: str
    lists: Lists
    qualities: dict[str, Quality]
    totals: dict[str, int] = field(default_factory=dict)  # results per query

    @property
    def summary(self) -> dict[str, Any]:
        """Means over the subjects that have something to find."""
        judged = [q for q in self.qualities.values() if q.ndcg10 is not None]
        row: dict[str, Any] = {**means(judged), "judged": len(judged)}
        if self.subject == "query" and self.totals:
            empty = sum(not total for total in self.totals.values())
            row["zero_results"] = empty / len(self.totals)
        return row


def match_directions(installation: Installation, labelled: LabelledSet) -> list[Direction]:
    """Both directions of matching, as the workers have stored them."""
    market = installation.market
    pairs = select(Match.call_id, Match.solution_id).order_by(Match.score.desc(), Match.tie)
    by_call: Lists = {id_: [] for id_ in market.calls.values()}
    by_solution: Lists = {id_: [] for id_ in market.solutions.values()}
    with installation.services.database.session() as session:
        for call_id, solution_id in session.execute(pairs):
            call, solution = market.calls[call_id], market.solutions[solution_id]
            by_call[call].append(solution)
            by_solution[solution].append(call)
    return [
        _judged("call", by_call, labelled.call_grades),
        _judged("solution", by_solution, labelled.solution_grades),
    ]


def search_direction(installation: Installation, labelled: LabelledSet) -> Direction:
    """Every query of the set, asked as the search page asks."""
    ids = {f"call-{number}": id_ for number, id_ in installation.market.calls.items()}
    ids |= {f"solution-{number}": id_ for number, id_ in installation.market.solutions.items()}
    lists: Lists = {}
    totals: dict[str, int] = {}
    for query in labelled.queries.values():
        found = installation.services.index.search(
            SearchQuery(
                text=query.text,
                target=query.target,
                now=epoch_seconds(installation.market.now) or 0,
                limit=DEPTH,
            )
        )
        lists[query.id] = [ids[hit.id] for hit in found.hits]
        totals[query.id] = found.total
    grades = {query.id: query.grades for query in labelled.queries.values()}
    direction = _judged("query", lists, grades)
    direction.totals = totals
    return direction


def _judged(subject: str, lists: Lists, grades: Mapping[str, Mapping[str, int]]) -> Direction:
    lists = {id_: ranked[:DEPTH] for id_, ranked in lists.items()}
    qualities = {id_: quality(ranked, grades.get(id_, {})) for id_, ranked in lists.items()}
    return Direction(subject, lists, qualities)


def write_run(path: Path, directions: Sequence[Direction]) -> None:
    """A run file: one JSON object a line, {subject: id, "ranked": ids}."""
    with path.open("w", encoding="utf-8") as file:
        for direction in directions:
            for id_, ranked in direction.lists.items():
                file.write(json.dumps({direction.subject: id_, "ranked": ranked}) + "\n")


def as_data(directions: Sequence[Direction]) -> dict[str, Any]:
    """Everything for a program: summaries and each subject's measures."""
    return {
        direction.subject: {
            "summary": direction.summary,
            "each": {id_: asdict(found) for id_, found in direction.qualities.items()},
        }
        for direction in directions
    }


NAMES = {"call": "calls -> solutions", "solution": "solutions -> calls", "query": "search"}


def as_table(directions: Sequence[Direction], labelled: LabelledSet) -> str:
    """The summaries as text; search also by kind of query."""
    lines = [f"{'':24}{'nDCG@10':>9}{'R@20':>9}{'MRR':>9}{'judged':>9}"]
    for direction in directions:
        summary = direction.summary
        lines.append(_line(NAMES[direction.subject], summary))
        if direction.subject == "query":
            lines += [
                _line(f"  {kind or '-'}", means_of)
                for kind, means_of in _kinds(direction, labelled)
            ]
            if "zero_results" in summary:
                lines.append(f"without any result: {summary['zero_results']:.1%}")
    return "\n".join(lines)


def _kinds(direction: Direction, labelled: LabelledSet) -> list[tuple[str, dict[str, Any]]]:
    groups: dict[str, list[Quality]] = defaultdict(list)
    for id_, found in direction.qualities.items():
        groups[labelled.queries[id_].kind].append(found)
    return [
        (kind, {**means(found), "judged": len(found)}) for kind, found in sorted(groups.items())
    ]


def _line(name: str, row: Mapping[str, Any]) -> str:
    cells = "".join(f"{_number(row[key]):>9}" for key in ("ndcg10", "recall20", "mrr"))
    return f"{name:24}{cells}{row['judged']:>9}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def worst(direction: Direction, labelled: LabelledSet, count: int) -> str:
    """The subjects with the lowest nDCG, with texts: what stands on top and what is missed."""
    judged = [(q.ndcg10, id_) for id_, q in direction.qualities.items() if q.ndcg10 is not None]
    blocks = []
    for score, id_ in sorted(judged)[:count]:
        subject, others, grades = _sides(direction.subject, id_, labelled)
        ranked = direction.lists[id_]
        lines = [f"{score:.3f} {id_} {subject}"]
        lines += [
            f"   {place:2} [{grades.get(other, 0)}] {other} {others[other].get('title', '')}"
            for place, other in enumerate(ranked[:10], 1)
        ]
        lines += [
            f"    - [{grade}] {other} {others[other].get('title', '')}"
            for other, grade in sorted(grades.items(), key=lambda item: -item[1])
            if other not in ranked[:10] and grade
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _sides(
    subject: str, id_: str, labelled: LabelledSet
) -> tuple[str, Mapping[str, Any], Mapping[str, int]]:
    if subject == "call":
        return (
            labelled.calls[id_].get("title", ""),
            labelled.solutions,
            labelled.call_grades.get(id_, {}),
        )
    if subject == "solution":
        grades = labelled.solution_grades.get(id_, {})
        return labelled.solutions[id_].get("title", ""), labelled.calls, grades
    query: Query = labelled.queries[id_]
    others = labelled.calls if query.target == "call" else labelled.solutions
    return f"「{query.text}」 ({query.target})", others, query.grades
