"""Asking a labelled set's queries of search, and saying how good the answers are."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hub.clock import epoch_seconds
from hub.domain import documents
from hub.domain.understanding import intent_of
from hub.evaluation.bigrams import BigramSearch
from hub.evaluation.labelled import LabelledSet, Query
from hub.evaluation.metrics import Quality, means, quality
from hub.evaluation.pipeline import Installation
from search.embedding import QueryVectors
from search.finder import Finder, hints
from search.query import SearchQuery

PATIENCE = 30.0  # seconds for the meaning of a query
DEPTH = 50  # ids written for each subject

Lists = dict[str, list[str]]  # subject id -> ids, best first
Ask = Callable[["Query"], tuple[list[str], int]]  # ids and how many there are


@dataclass
class Direction:
    """The lists of one step of search and their measures."""

    lists: Lists
    qualities: dict[str, Quality]
    totals: dict[str, int] = field(default_factory=dict)  # results per query
    step: str = ""  # the last one is what people get

    @property
    def summary(self) -> dict[str, Any]:
        """Means over the subjects that have something to find."""
        judged = [q for q in self.qualities.values() if q.ndcg10 is not None]
        row: dict[str, Any] = {**means(judged), "judged": len(judged)}
        if self.totals:
            empty = sum(not total for total in self.totals.values())
            row["zero_results"] = empty / len(self.totals)
        return row


# The steps of search, each of which has to earn its place; the last one is what people get.
STEPS = ("character pairs", "words", "words and synonyms", "words and meaning")


def search_steps(installation: Installation, labelled: LabelledSet) -> list[Direction]:
    """Every query of the set, asked of the baseline and of search step by step."""
    services = installation.services
    with services.database.session() as session:
        plain = BigramSearch(d for batch in documents.load_all(session) for d in batch)
        named = {
            q.id: hints(intent_of(session, q.text), q.target) for q in labelled.queries.values()
        }
    alone = Finder(services.index, QueryVectors(None))
    # Patient, so that a busy machine gives the same figures.
    whole = Finder(services.index, QueryVectors(services.embedder, seconds=PATIENCE))

    def pairs(query: Query) -> tuple[list[str], int]:
        found = plain.ranked(query.text, query.target, DEPTH)
        return found, len(found)

    def asking(finder: Finder, *, expand: bool = True) -> Ask:
        def ask(query: Query) -> tuple[list[str], int]:
            answer = finder.find(_asked(query, installation, expand), named=named[query.id])
            return [hit.id for hit in answer.result.hits], answer.total

        return ask

    asks = (pairs, asking(alone, expand=False), asking(alone), asking(whole))
    steps = zip(STEPS, asks, strict=True)
    return [_step(name, ask, installation, labelled) for name, ask in steps]


def _asked(query: Query, installation: Installation, expand: bool) -> SearchQuery:
    return SearchQuery(
        text=query.text,
        expand=expand,
        target=query.target,
        now=epoch_seconds(installation.market.now) or 0,
        limit=DEPTH,
    )


def _step(name: str, ask: Ask, installation: Installation, labelled: LabelledSet) -> Direction:
    ids = {f"call-{number}": id_ for number, id_ in installation.market.calls.items()}
    ids |= {f"solution-{number}": id_ for number, id_ in installation.market.solutions.items()}
    answers = {query.id: ask(query) for query in labelled.queries.values()}
    lists = {id_: [ids[found] for found in ranked] for id_, (ranked, _) in answers.items()}
    grades = {query.id: query.grades for query in labelled.queries.values()}
    direction = _judged(lists, grades)
    direction.totals = {id_: total for id_, (_, total) in answers.items()}
    direction.step = name
    return direction


def _judged(lists: Lists, grades: Mapping[str, Mapping[str, int]]) -> Direction:
    lists = {id_: ranked[:DEPTH] for id_, ranked in lists.items()}
    qualities = {id_: quality(ranked, grades.get(id_, {})) for id_, ranked in lists.items()}
    return Direction(lists, qualities)


def write_run(path: Path, direction: Direction) -> None:
    """A run file: one JSON object a line, {"query": id, "ranked": ids}."""
    with path.open("w", encoding="utf-8") as file:
        for id_, ranked in direction.lists.items():
            file.write(json.dumps({"query": id_, "ranked": ranked}) + "\n")


def as_data(directions: Sequence[Direction]) -> dict[str, Any]:
    """Everything for a program: summaries and each query's measures."""
    return {
        direction.step: {
            "summary": direction.summary,
            "each": {id_: asdict(found) for id_, found in direction.qualities.items()},
        }
        for direction in directions
    }


def as_table(directions: Sequence[Direction], labelled: LabelledSet) -> str:
    """The summaries as text, then by kind of query, a column for each step."""
    lines = [f"{'':24}{'nDCG@10':>9}{'R@20':>9}{'MRR':>9}{'judged':>9}{'empty':>9}"]
    for direction in directions:
        summary = direction.summary
        empty = f"{summary['zero_results']:>9.1%}" if "zero_results" in summary else ""
        lines.append(_line(direction.step, summary) + empty)
    return "\n".join(lines + _by_kind(directions, labelled))


def _by_kind(steps: Sequence[Direction], labelled: LabelledSet) -> list[str]:
    columns = [dict(_kinds(step, labelled)) for step in steps]
    lines = [
        "",
        "nDCG@10 / queries without a result, by kind of query",
        f"{'':24}" + "".join(f"{step.step:>20}" for step in steps),
    ]
    for kind in columns[0]:
        cells = (f"{_number(c[kind]['ndcg10'])} / {c[kind]['empty']}" for c in columns)
        name = f"  {kind or '-'} ({columns[0][kind]['judged']})"
        lines.append(f"{name:24}" + "".join(f"{cell:>20}" for cell in cells))
    return lines


def _kinds(direction: Direction, labelled: LabelledSet) -> list[tuple[str, dict[str, Any]]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for id_ in direction.qualities:
        groups[labelled.queries[id_].kind].append(id_)
    return [
        (
            kind,
            {
                **means([direction.qualities[id_] for id_ in some]),
                "judged": len(some),
                "empty": sum(not direction.totals[id_] for id_ in some),
            },
        )
        for kind, some in sorted(groups.items())
    ]


def _line(name: str, row: Mapping[str, Any]) -> str:
    cells = "".join(f"{_number(row[key]):>9}" for key in ("ndcg10", "recall20", "mrr"))
    return f"{name:24}{cells}{row['judged']:>9}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def worst(direction: Direction, labelled: LabelledSet, count: int) -> str:
    """The queries with the lowest nDCG, with texts: what stands on top and what is missed."""
    judged = [(q.ndcg10, id_) for id_, q in direction.qualities.items() if q.ndcg10 is not None]
    blocks = []
    for score, id_ in sorted(judged)[:count]:
        query = labelled.queries[id_]
        others = labelled.calls if query.target == "call" else labelled.solutions
        ranked = direction.lists[id_]
        lines = [f"{score:.3f} {id_} 「{query.text}」 ({query.target})"]
        lines += [
            f"   {place:2} [{query.grades.get(other, 0)}] {other} {others[other].get('title', '')}"
            for place, other in enumerate(ranked[:10], 1)
        ]
        lines += [
            f"    - [{grade}] {other} {others[other].get('title', '')}"
            for other, grade in sorted(query.grades.items(), key=lambda item: -item[1])
            if other not in ranked[:10] and grade
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
