"""Candidates without scoring all pairs, for one change or for the whole market.

A pair is a candidate when the solution is among the 200 nearest texts of the call, or the call
among the 10 nearest of the solution (without this half a solution that is nobody's top 200
would never be seen), or when it is among the 50 solutions that share most of the call's themes
and can be delivered there though they use other words. Only canonical posts take part.

    market = Market.build(epoch.build(calls, solutions), calls, solutions)   # once per epoch
    market.save(folder)                                                      # for short jobs
    market = Market.load(folder, epoch); market.calls.put(changed)           # in a job
    market.solutions_for(call); market.calls_for(solution)                   # ids to be scored
"""

import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workers.matching.epoch import Epoch
from workers.matching.listing import Listing
from workers.matching.places import excluded
from workers.matching.segment import top_products
from workers.matching.side import Side

SOLUTIONS_PER_CALL = 200
CALLS_PER_SOLUTION = 10
BY_THEME = 50


@dataclass(frozen=True, slots=True)
class Reach:
    """What it took to be a candidate when the market was built; absent ids take anybody.

    Text scores by call and by solution, likeness of themes by call.
    """

    calls: dict[int, float] = field(default_factory=dict)
    solutions: dict[int, float] = field(default_factory=dict)
    themes: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class Market:
    """All calls and all solutions under one epoch; they change by the sides' put and drop."""

    epoch: Epoch
    calls: Side
    solutions: Side
    reach: Reach = field(default_factory=Reach)

    @classmethod
    def build(
        cls, epoch: Epoch, calls: Sequence[Listing], solutions: Sequence[Listing]
    ) -> "Market":
        """Return the market of these listings."""
        market = cls(epoch, Side(epoch, calls), Side(epoch, solutions))
        market.graph()
        return market

    def solutions_for(self, call: Listing) -> list[int]:
        """Return the ids of the solutions worth scoring for a call, in or out of the market."""
        scores = self.solutions.text_scores(self.epoch.vector(call.profile))
        found = set(self.solutions.best(scores, SOLUTIONS_PER_CALL, self.solutions.is_head))
        reach = self.reach.solutions
        found |= {id_ for id_, score in scores.items() if score >= reach.get(id_, math.inf)}
        found |= {id_ for _, id_ in self._by_theme(call, self._groups(call.themes))}
        return sorted(filter(self.solutions.is_head, found))

    def calls_for(self, solution: Listing) -> list[int]:
        """Return the ids of the calls worth scoring for a solution, in or out of the market."""
        scores = self.calls.text_scores(self.epoch.vector(solution.profile))
        found = set(self.calls.best(scores, CALLS_PER_SOLUTION, self.calls.is_head))
        reach = self.reach
        found |= {id_ for id_, score in scores.items() if score >= reach.calls.get(id_, 0.0)}
        for themes, calls in self.calls.by_themes.items():
            likeness = self.epoch.theme_likeness(themes, solution.themes) or 0.0
            found |= {
                call.id
                for call in calls
                if 0 < likeness >= reach.themes.get(call.id, 0.0) and _deliverable(call, solution)
            }
        return sorted(filter(self.calls.is_head, found))

    def graph(self) -> dict[int, list[int]]:
        """Return call id -> ids of its candidate solutions, all at once, and note the reach."""
        self.reach = Reach()
        edges = self._by_text()
        groups: dict[tuple[str, ...], list[_Group]] = {}
        for id_, found in edges.items():
            call = self.calls.listings[id_]
            if call.themes not in groups:
                groups[call.themes] = self._groups(call.themes)
            hits = self._by_theme(call, groups[call.themes])
            found |= {solution for _, solution in hits}
            if len(hits) == BY_THEME:
                self.reach.themes[id_] = hits[-1][0]
        return {id_: sorted(found) for id_, found in edges.items()}

    def save(self, folder: Path) -> None:
        """Write the market so that other processes can map it; replaces an older one whole."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".market-"))
        self.calls.save(fresh, "calls")
        self.solutions.save(fresh, "solutions")
        reach = {name: list(own.items()) for name, own in asdict(self.reach).items()}
        (fresh / "market.json").write_text(json.dumps({"epoch": self.epoch.name, "reach": reach}))
        if folder.exists():
            old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".old-"))
            folder.rename(old / "market")
            shutil.rmtree(old)
        fresh.rename(folder)

    @classmethod
    def load(cls, folder: Path, epoch: Epoch) -> "Market | None":
        """Map a saved market; None when there is none, or none of this epoch."""
        try:
            head = json.loads((folder / "market.json").read_text())
            if head["epoch"] != epoch.name:
                return None
            calls, solutions = (Side.load(epoch, folder, name) for name in ("calls", "solutions"))
            reach = Reach(**{name: dict(own) for name, own in head["reach"].items()})
        except (OSError, ValueError, KeyError):
            return None
        return cls(epoch, calls, solutions, reach)

    def _groups(self, themes: tuple[str, ...]) -> list["_Group"]:
        """Return the solutions that share a theme, most alike first, in groups of equals."""
        alike = [
            (likeness, posts)
            for own, posts in self.solutions.by_themes.items()
            if (likeness := self.epoch.theme_likeness(themes, own))
        ]
        return sorted(alike, key=lambda group: -group[0])

    def _by_theme(self, call: Listing, groups: list["_Group"]) -> list[tuple[float, int]]:
        """Return (likeness, id) of the solutions most alike in themes, ties by text."""
        hits: list[tuple[float, str, int]] = []
        for likeness, posts in groups:
            if len(hits) >= BY_THEME and likeness < -hits[-1][0]:
                break
            own = (post for post in posts if _deliverable(call, post))
            hits += sorted((-likeness, post.profile.digest, post.id) for post in own)
        return [(-negative, id_) for negative, _, id_ in sorted(hits)[:BY_THEME]]

    def _by_text(self) -> dict[int, set[int]]:
        """Join every call with its nearest solutions and every solution with its nearest calls."""
        call_ids, calls = self.calls.whole()
        solution_ids, solutions = self.solutions.whole()
        callers = [row for row, id_ in enumerate(call_ids) if self.calls.is_head(id_)]
        solvers = [row for row, id_ in enumerate(solution_ids) if self.solutions.is_head(id_)]
        edges: dict[int, set[int]] = {call_ids[row]: set() for row in callers}
        if not callers or not solvers:
            return edges
        left, right = calls.over(solutions.keys)[callers], solutions.rows[solvers]
        for row, column, reach in top_products(left, right, SOLUTIONS_PER_CALL):
            id_ = call_ids[callers[row]]
            edges[id_].add(solution_ids[solvers[column]])
            self.reach.calls[id_] = reach
        for row, column, reach in top_products(right, left, CALLS_PER_SOLUTION):
            id_ = solution_ids[solvers[row]]
            edges[call_ids[callers[column]]].add(id_)
            self.reach.solutions[id_] = reach
        return edges


_Group = tuple[float, list[Listing]]


def _deliverable(call: Listing, solution: Listing) -> bool:
    return not any(excluded(place, solution.places) for place in call.places)
