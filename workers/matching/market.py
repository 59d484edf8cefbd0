"""Candidates without scoring all pairs, kept true while listings come and go.

A pair is a candidate when the solution is among the 200 nearest texts of the call, or the call
among the 10 nearest of the solution (without this half a solution that is nobody's top 200
would never be seen); when it is among the 50 solutions that share most of the call's themes and
can be delivered there though they use other words; and where both have a meaning, when it is
among the 50 nearest of the call or the 5 nearest of the solution. Only canonical posts stand in
lists. What is a candidate depends on the market as it is, not on how it came about.

    market = Market.build(epoch.build(calls, solutions), calls, solutions)   # once per epoch
    market.save(folder)                                                      # for short jobs
    market = Market.load(folder, epoch)
    change = market.update(calls=[changed], gone_solutions=[7])              # in a job
    market.pairs(calls=change.calls, solutions=change.solutions)             # to be scored
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.matching import meaning, places, themes
from workers.matching.epoch import Epoch
from workers.matching.listing import CallTraits, Listing
from workers.matching.meaning import Prepared
from workers.matching.nearest import Mixed, Nearest, Scores, Slots
from workers.matching.segment import Row, Terms
from workers.matching.side import Moves, Side
from workers.matching.sweep import sweep_gists, sweep_texts

SOLUTIONS_PER_CALL = 200
CALLS_PER_SOLUTION = 10
BY_THEME = 50
SOLUTIONS_BY_MEANING = 50
CALLS_BY_MEANING = 5
_REMEMBERED = 64  # columns of scores held during an update

Measure = Literal["text", "themes", "gist"]
Pairs = tuple[Slots, Slots]  # calls, solutions


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A listing as it is compared with a whole side."""

    row: Row
    traits: Any
    said: Prepared | None
    digest: int


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Lists of one side's listings for those of the other, by one measure.

    `by_call` tells whether calls own the lists. Calls that are copies own lists too, since
    their towns need answers; solutions that are copies do not.
    """

    measure: Measure
    by_call: bool
    owners: Side
    members: Side
    nearest: Nearest

    @property
    def eligible(self) -> NDArray[np.bool_]:
        """Tell for every slot of the owners whether it has a list."""
        return self.owners.column("alive") if self.by_call else self.owners.canonical

    def oriented(self, owners: Slots, members: Slots) -> Pairs:
        """Return pairs of owners and members as calls and solutions, or the other way round."""
        return (owners, members) if self.by_call else (members, owners)


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What an update did to the candidates.

    All pairs of `calls` and `solutions` (ids, those of withdrawn listings among them) must be
    looked at again. Among the others the pairs (ids of call and solution) `entered` are new
    and those that `left` are candidates no more.
    """

    calls: set[int] = field(default_factory=set)
    solutions: set[int] = field(default_factory=set)
    entered: set[tuple[int, int]] = field(default_factory=set)
    left: set[tuple[int, int]] = field(default_factory=set)


class Market:
    """All calls and all solutions under one epoch."""

    def __init__(self, epoch: Epoch, terms: Terms, calls: Side, solutions: Side) -> None:
        self.epoch, self.terms = epoch, terms
        self.calls, self.solutions = calls, solutions
        self.links = (
            self._link("text", SOLUTIONS_PER_CALL, by_call=True),
            self._link("text", CALLS_PER_SOLUTION, by_call=False),
            self._link("themes", BY_THEME, by_call=True),
            self._link("gist", SOLUTIONS_BY_MEANING, by_call=True),
            self._link("gist", CALLS_BY_MEANING, by_call=False),
        )

    @classmethod
    def build(
        cls, epoch: Epoch, calls: Iterable[Listing], solutions: Iterable[Listing]
    ) -> "Market":
        """Return the market of these listings."""
        terms = Terms(epoch)
        frames = _frames(epoch)
        sides = (
            Side(epoch, terms, frame, posts)
            for frame, posts in zip(frames, (calls, solutions), strict=True)
        )
        market = cls(epoch, terms, *sides)
        market.fill()
        return market

    @classmethod
    def empty(cls, epoch: Epoch) -> "Market":
        """Return a market without listings."""
        return cls.build(epoch, (), ())

    # Candidates

    def pairs(self, *, calls: Iterable[int], solutions: Iterable[int]) -> set[tuple[int, int]]:
        """Return the candidates (ids of call and solution) of these listings."""
        found = self.slot_pairs(self.calls.slots(calls), self.solutions.slots(solutions))
        return self._ids(*found)

    def graph(self) -> dict[int, list[int]]:
        """Return call id -> ids of its candidate solutions."""
        live = self.calls.live
        found: dict[int, list[int]] = {i: [] for i in self.calls.column("id")[live].tolist()}
        for call, solution in sorted(self._ids(*self.slot_pairs(live, np.zeros(0, np.int64)))):
            found[call].append(solution)
        return found

    def slot_pairs(self, calls: Slots, solutions: Slots) -> Pairs:
        """Return the candidates of slots of calls and of solutions, each pair once."""
        heads = self.calls.column("head")
        codes = []
        for link in self.links:
            if link.by_call:
                codes.append(_codes(*link.nearest.pairs(calls)))
                codes.append(_codes(*link.nearest.owners_of(solutions)))
                continue
            owners, members = link.nearest.owners_of(np.unique(heads[calls]))
            found = self._with_copies(members, owners)
            codes.append(_codes(*(own[np.isin(found[0], calls)] for own in found)))
            owners, members = link.nearest.pairs(solutions)
            codes.append(_codes(*self._with_copies(members, owners)))
        every = np.unique(np.concatenate(codes))
        return every >> 32, every & ((1 << 32) - 1)

    def solutions_for(self, call: Listing) -> list[int]:
        """Return the ids of the candidates of a call that need not be in the market."""
        if self._is_known(call, self.calls):
            return sorted(solution for _, solution in self.pairs(calls=[call.id], solutions=()))
        return self._newcomer(call, by_call=True)

    def calls_for(self, solution: Listing) -> list[int]:
        """Return the ids of the candidates of a solution that need not be in the market."""
        if self._is_known(solution, self.solutions):
            return sorted(call for call, _ in self.pairs(calls=(), solutions=[solution.id]))
        return self._newcomer(solution, by_call=False)

    def _is_known(self, post: Listing, side: Side) -> bool:
        if post.id not in side:
            return False
        known = side[post.id]
        return (known.profile.digest, known.traits) == (post.profile.digest, post.traits)

    def _newcomer(self, post: Listing, *, by_call: bool) -> list[int]:
        """Return the ids that would be candidates if this listing came into the market now."""
        probe = self._probe_of(post)
        other = self.solutions if by_call else self.calls
        found = []
        for link in self.links:
            scores = self._scores(link.measure, probe, other)
            if link.by_call == by_call:
                own = link.nearest.best(probe.digest, np.where(other.canonical, scores, 0))
                found.append(own if by_call else self._with_copies(own, own)[0])
                continue
            owners = np.flatnonzero(link.eligible & (scores > 0))
            found.append(owners[link.nearest.admits(owners, scores[owners], probe.digest)])
        slots = np.unique(np.concatenate(found))
        ids: list[int] = sorted(other.column("id")[slots].tolist())
        return ids

    # Changes

    def update(
        self,
        *,
        calls: Sequence[Listing] = (),
        solutions: Sequence[Listing] = (),
        gone_calls: Iterable[int] = (),
        gone_solutions: Iterable[int] = (),
    ) -> Change:
        """Add or replace listings and take others out, by id; unknown ids are fine."""
        call_moves = self.calls.change(calls, gone_calls)
        solution_moves = self.solutions.change(solutions, gone_solutions)
        moves = {id(self.calls): call_moves, id(self.solutions): solution_moves}
        seen = _Seen(self)
        for link in self.links:
            self._follow(link, moves[id(link.owners)], moves[id(link.members)], seen)
        change = Change(call_moves.stale, solution_moves.stale)
        self._compare(change)
        return change

    def _follow(self, link: Link, owners: Moves, members: Moves, seen: "_Seen") -> None:
        """Bring the lists of a link up to date."""
        nearest = link.nearest
        nearest.begin()
        nearest.grow(link.owners.size)
        gone, came = (owners.gone, owners.came) if link.by_call else (owners.silent, owners.voiced)
        nearest.clear(np.array(gone, np.int64))
        short = nearest.leave(np.array(members.silent, np.int64))
        anew = {*came, *short.tolist()}
        voices = link.members.canonical
        every = np.arange(link.members.size)
        for owner in sorted(anew):
            scores = seen.scores(link.measure, link.owners, owner)
            nearest.fill(owner, every, np.where(voices, scores, np.float32(0)))
        others = link.eligible.copy()
        others[list(anew)] = False
        for member in members.voiced:
            nearest.enter(member, seen.scores(link.measure, link.members, member), others)

    def _compare(self, change: Change) -> None:
        """Find the pairs that entered and left among listings that did not change themselves."""
        fresh: list[Slots] = []
        gone: list[Slots] = []
        for link in self.links:
            entered, entrants, left, leavers = link.nearest.changed()
            for into, pairs in (
                (fresh, link.oriented(entered, entrants)),
                (gone, link.oriented(left, leavers)),
            ):
                into.append(_codes(*(pairs if link.by_call else self._with_copies(*pairs))))
        for codes, ids, before in ((fresh, change.entered, True), (gone, change.left, False)):
            every = np.unique(np.concatenate(codes))
            calls, solutions = every >> 32, every & ((1 << 32) - 1)
            known = self._hold(calls, solutions, before=before)
            ids |= {
                (call, solution)
                for call, solution in self._ids(calls[~known], solutions[~known])
                if call not in change.calls and solution not in change.solutions
            }

    def _hold(self, calls: Slots, solutions: Slots, *, before: bool) -> NDArray[np.bool_]:
        """Tell for each pair whether it is a candidate, or was before the update."""
        heads = self.calls.column("head")[calls]
        found = np.zeros(len(calls), bool)
        for link in self.links:
            pair = (calls, solutions) if link.by_call else (solutions, heads)
            found |= link.nearest.holds(*pair, before=before)
        return found

    # All at once

    def fill(self) -> None:
        """Write all lists anew; everything must sit in the base."""
        for link in self.links:
            link.nearest.grow(link.owners.size)
        texts, meanings = self.links[:2], self.links[3:]
        for link in texts:
            sweep_texts(link)
        self._fill_by_themes(self.links[2])
        sweep_gists(*meanings)

    def _fill_by_themes(self, link: Link) -> None:
        """Calls of the same themes and place share what is the same for them."""
        posts = link.owners
        groups: dict[tuple[int, int], list[int]] = {}
        keys = zip(posts.column("themes").tolist(), posts.column("places").tolist(), strict=True)
        for slot, key in enumerate(keys):
            groups.setdefault(key, []).append(slot)
        voices, alive = link.members.canonical, link.eligible
        for own in groups.values():
            scores = self._theme_scores(posts.traits[posts.column("traits")[own[0]]], link.members)
            scores = np.where(voices, scores, np.float32(0))
            best = np.flatnonzero(scores > link.nearest.floor(scores))
            whole = len(best) == np.count_nonzero(scores)
            for slot in own:
                if alive[slot]:
                    link.nearest.fill(slot, best, scores[best], whole=whole)

    # On disk

    def save(self, folder: Path) -> None:
        """Write the market so that other processes can map it; replaces an older one whole."""
        if not (self.calls.in_base and self.solutions.in_base):
            self.renewed().save(folder)
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".market-"))
        self.calls.save(fresh, "calls")
        self.solutions.save(fresh, "solutions")
        for number, link in enumerate(self.links):
            link.nearest.save(fresh, f"link-{number}")
        head = {"epoch": self.epoch.name, "others": self.terms.others}
        (fresh / "market.json").write_text(json.dumps(head))
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
            terms = Terms(epoch, head["others"])
            sides = [
                Side.load(epoch, terms, frame, folder, name)
                for frame, name in zip(_frames(epoch), ("calls", "solutions"), strict=True)
            ]
            market = cls(epoch, terms, *sides)
            for number, link in enumerate(market.links):
                link.nearest.load(folder, f"link-{number}")
        except (OSError, ValueError, KeyError):
            return None
        return market

    def renewed(self) -> "Market":
        """Return the same market with everything in its base."""
        sides = ([side[id_] for id_ in side] for side in (self.calls, self.solutions))
        return Market.build(self.epoch, *sides)

    # Comparing

    def _link(self, measure: Measure, count: int, *, by_call: bool) -> Link:
        owners, members = (self.calls, self.solutions) if by_call else (self.solutions, self.calls)
        tie = Mixed(lambda: owners.column("digest"), lambda: members.column("digest"))
        return Link(measure, by_call, owners, members, Nearest(count, tie))

    def _probe_of(self, post: Listing) -> Probe:
        row = Row.of(self.epoch.vector(post.profile), self.terms)
        side = self.calls if isinstance(post.traits, CallTraits) else self.solutions
        return Probe(row, post.traits, side.prepare(post), int(post.profile.digest, 16))

    def probe(self, side: Side, slot: int) -> Probe:
        """Return the listing of a slot as it is compared with the other side."""
        columns = side.column("traits"), side.column("digest")
        traits = side.traits[columns[0][slot]]
        return Probe(side.row(slot), traits, side.prepared(slot), int(columns[1][slot]))

    def _scores(self, measure: Measure, probe: Probe, side: Side) -> Scores:
        """Return how near all slots of a side are to a listing of the other."""
        if measure == "text":
            return side.text_scores(probe.row)
        if measure == "gist":
            return side.gist_scores(probe.said)
        return self._theme_scores(probe.traits, side)

    def _theme_scores(self, traits: Any, side: Side) -> Scores:
        """Return how alike the themes are, 0 where the solution is not offered at the call."""
        own, theirs = self.epoch.spread_themes([traits.themes], -2), side.spread()
        every = np.arange(len(theirs.norms))
        one = np.zeros_like(every)
        areas, here = side.areas()
        if isinstance(traits, CallTraits):
            alike = themes.likenesses(own, theirs, one, every)
            here = np.full_like(areas, places.numbers([traits.prefecture])[0])
        else:
            alike = themes.likenesses(theirs, own, every, one)
            areas = np.full_like(areas, places.masks([traits.areas])[0])
        likeness = np.nan_to_num(alike).astype(np.float32)[side.column("themes")]
        excluded = (places.place_fits(here, areas) == 0)[side.column("places")]
        return np.where(excluded, np.float32(0), likeness)

    def _with_copies(self, calls: Slots, solutions: Slots) -> Pairs:
        """Return pairs of calls that stand for their offer, and those of their copies."""
        heads = self.calls.column("head")
        alive = self.calls.column("alive")
        copies = np.flatnonzero(alive & (heads != np.arange(len(heads))))
        if not len(copies):
            return calls, solutions
        copies = copies[np.argsort(heads[copies], kind="stable")]
        starts, ends = (
            np.searchsorted(heads[copies], calls, side=side) for side in ("left", "right")
        )
        counts = ends - starts
        shift = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        more = copies[np.repeat(starts, counts) + shift]
        return np.concatenate([calls, more]), np.concatenate(
            [solutions, np.repeat(solutions, counts)]
        )

    def _ids(self, calls: Slots, solutions: Slots) -> set[tuple[int, int]]:
        ids = self.calls.column("id")[calls], self.solutions.column("id")[solutions]
        return set(zip(ids[0].tolist(), ids[1].tolist(), strict=True))


class _Seen:
    """Scores of listings against the other side; two links ask for the same ones."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._probes: dict[tuple[int, int], Probe] = {}
        self._scores: dict[tuple[Measure, int, int], Scores] = {}

    def scores(self, measure: Measure, side: Side, slot: int) -> Scores:
        """Return the scores of a slot against all slots of the other side."""
        market = self._market
        key = (measure, id(side), slot)
        if key not in self._scores:
            if key[1:] not in self._probes:
                self._probes[key[1:]] = market.probe(side, slot)
            other = market.solutions if side is market.calls else market.calls
            if len(self._scores) >= _REMEMBERED:
                self._scores.clear()
            self._scores[key] = market._scores(measure, self._probes[key[1:]], other)
        return self._scores[key]


def _frames(epoch: Epoch) -> tuple[meaning.Side | None, meaning.Side | None]:
    frame = epoch.frame
    return (None, None) if frame is None else (frame.calls, frame.solutions)


def _codes(calls: Slots, solutions: Slots) -> Slots:
    return (calls.astype(np.int64) << 32) | solutions
