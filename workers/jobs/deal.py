"""Dealing: from stored pairs to the lists people see, and the sentences that explain them.

A step takes the tasks of some lists and deals those lists, in one transaction and alone, so that
what it saw is what it wrote. Between the weekly deals only the lists that changed are dealt, and
reserve places stay with whom they were given to. Once an epoch has matched every listing, the
whole market is dealt anew, and what firms are owed is settled.
"""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from rq.timeouts import BaseTimeoutException
from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from hub.clock import utcnow
from hub.db import Database
from hub.domain import dealing, facts, feedback, outbox
from hub.domain.dealing import Dealt, Won
from hub.domain.fairness.dial import dial_in_force
from hub.domain.outbox import Task
from hub.models.matching import Epoch, Place
from workers.context import opened
from workers.jobs import epochs, stock
from workers.matching import exposure
from workers.matching.channels import shingles
from workers.matching.copies import COPY, jaccard
from workers.matching.exposure import Pairs, Placed, Rules
from workers.matching.exposure.pairs import Ints
from workers.matching.score import tasted

log = logging.getLogger(__name__)

LISTS = 50  # in a step
BUDGET_SECONDS = 5.0
WEEK = timedelta(days=7)
SEEN_WITHIN = timedelta(weeks=4)  # an offer shown within these weeks is not unseen

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair that may take a place (see `dealing.candidates`), and its value for the list's owner."""

    pair: Row[Any]
    value: float


def run() -> None:
    """The job: deal the lists that are due, for some seconds at a time."""
    here = opened()
    here.queue.begun("deal")
    done = drain(here.database, clock=here.clock, seconds=BUDGET_SECONDS)
    with here.database.session() as session:
        next_ = outbox.due(session, here.clock()) & {"explain"}
    if not done:
        next_.add("deal")
    if next_:
        here.queue.ping(*sorted(next_))


def night() -> None:
    """The job of every night: lists follow what days alone change, and the dial a step further."""
    here = opened()
    with here.database.unit_of_work() as session:
        stock.alone(session)
        ask_for_all(session, here.clock())
    here.queue.ping("deal")


def ask_for_all(session: Session, now: datetime) -> None:
    """Ask for firms' lists, since rests end and waits grow by the day, and, when the dial has moved
    somebody, for calls' lists. Reserve places stay."""
    dealing.ask(session, "firm", dealing.owners(session, "firm", now=now), cause="night", now=now)
    rules = _rules(session)
    known = dealing.standings(session, None)
    before = {id_: row.shift for id_, row in known.items()}
    shift: dict[int, float] = {}
    if rules.delta:
        found = dealing.candidates(session, "call", None, now=now)
        shift = exposure.steer(_pairs(_own_view(session, "call", found, now)), before, rules)
    moved = False
    for id_, row in known.items():
        moved |= row.shift != shift.get(id_, 0.0)
        row.shift = shift.get(id_, 0.0)
    if moved:
        calls = dealing.owners(session, "call", now=now)
        dealing.ask(session, "call", calls, cause="night", now=now)


def drain(database: Database, *, clock: Clock = utcnow, seconds: float = float("inf")) -> bool:
    """Work on due tasks; False when the time was up before they were done."""
    deadline = time.monotonic() + seconds
    with database.unit_of_work() as session:
        stock.alone(session)
        dealing.follow_clock(session, clock())
    while time.monotonic() < deadline:
        with database.session() as session:
            if "deal" not in outbox.due(session, clock()):
                return True
        if not _step(database, clock()):
            return True
    return False


def _step(database: Database, now: datetime, limit: int = LISTS) -> bool:
    """Deal some lists and settle their tasks, all or nothing; False when there was nothing.

    When that fails they go one by one, and one that cannot be dealt is put off, each time longer,
    with the reason on its row.
    """
    tasks: list[Task] = []
    try:
        with database.unit_of_work() as session:
            stock.alone(session)
            tasks = outbox.claim(session, "deal", now=now, limit=limit)
            _deal(session, tasks, now)
            outbox.settle(session, tasks)
    except BaseTimeoutException:
        raise
    except Exception as error:
        lists = {task.key for task in tasks}
        if not lists:
            raise
        if len(lists) > 1:
            for _ in lists:
                _step(database, now, 1)
            return True
        log.exception("cannot deal %s", *lists)
        with database.unit_of_work() as session:
            for task in tasks:
                outbox.postpone(session, task, f"{type(error).__name__}: {error}", now=now)
    return bool(tasks)


def _deal(session: Session, tasks: Sequence[Task], now: datetime) -> None:
    epoch = epochs.current(session)
    if not tasks or epoch is None:
        return
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for task in tasks:
        wanted[task.subject].add(task.subject_id)
    if dealing.MARKET in wanted:
        _deal_market(session, epoch.id, now)
        return
    for kind in ("call", "firm"):
        ids = wanted[kind] & dealing.owners(session, kind, now=now, among=wanted[kind])
        dealing.remove(session, kind, wanted[kind] - ids, now=now)
        deal = _deal_calls if kind == "call" else _deal_firms
        deal(session, ids, epoch.id, now)


# --- The lists of calls --------------------------------------------------------------------------


def _deal_calls(session: Session, ids: Collection[int], epoch_id: int, now: datetime) -> None:
    """Deal some calls' lists between the weekly deals."""
    rows = _own_view(session, "call", dealing.candidates(session, "call", ids, now=now), now)
    pairs = _pairs(rows)
    firms = set(pairs.firm.tolist())
    known = dealing.standings(session, firms)
    elsewhere = dealing.placed_elsewhere(session, firms, ids, now=now)
    placed = exposure.deal_calls(
        pairs,
        lists=ids,
        shift={id_: row.shift for id_, row in known.items()},
        debt={id_: row.debt for id_, row in known.items()},
        held=dealing.held(session, ids),
        placed_firms=elsewhere,
        rules=_rules(session),
    )
    _write(session, "call", ids, rows, pairs, placed, epoch_id, now)
    entitled = exposure.entitled(pairs)
    inside = {place.firm for place in placed}
    dealing.remember(session, entitled, inside | (elsewhere & entitled), now=now)


def _deal_market(session: Session, epoch_id: int, now: datetime) -> None:
    """Deal every list anew: the reserve by an exact matching, by what firms are owed."""
    rules = _rules(session)
    calls = dealing.owners(session, "call", now=now)
    found = dealing.candidates(session, "call", None, now=now)
    rows = _own_view(session, "call", found, now)
    pairs = _pairs(rows)
    entitled = exposure.entitled(pairs)
    _settle(session, entitled, epoch_id, now)
    known = dealing.standings(session, set(pairs.firm.tolist()))
    shift = exposure.steer(pairs, {id_: row.shift for id_, row in known.items()}, rules)
    for id_, row in known.items():
        row.shift = shift.get(id_, 0.0)
    placed = exposure.deal_calls(
        pairs,
        lists=calls,
        shift=shift,
        debt={id_: row.debt for id_, row in known.items()},
        offers=dict.fromkeys(_seen(session, pairs, now), 0.0),
        rules=rules,
    )
    _write(session, "call", calls, rows, pairs, placed, epoch_id, now)
    dealing.remember(session, entitled, {place.firm for place in placed}, now=now)
    dealing.stop_waiting(session, entitled)
    firms = dealing.owners(session, "firm", now=now)
    _deal_firms(session, firms, epoch_id, now, whole=True)
    for kind, ids in (("call", calls), ("firm", firms)):
        dealing.remove(session, kind, dealing.listed(session, kind) - ids, now=now)


def _settle(session: Session, entitled: Collection[int], epoch_id: int, now: datetime) -> None:
    """Bring what firms are owed up to date, for the time since the market was dealt last."""
    last = session.scalar(select(func.max(Epoch.dealt_at)))
    session.execute(update(Epoch).where(Epoch.id == epoch_id).values(dealt_at=now))
    if last is None:
        return
    share = min((now - last) / WEEK, 1.0)
    appearances = dealing.appearances(session)
    known = dealing.standings(session, {*entitled, *appearances})
    before = {id_: row.debt for id_, row in known.items()}
    after = exposure.new_debt(before, entitled, appearances)
    for id_, row in known.items():
        row.debt = before[id_] + share * (after[id_] - before[id_])


def _seen(session: Session, pairs: Pairs, now: datetime) -> set[int]:
    """Solutions that were in a call's list lately, or say again what their firm showed there.

    Who withdraws an offer, or makes it another one, and posts it anew has nothing unseen to show.
    """
    lately = (Place.ends_at.is_(None)) | (Place.ends_at > now - SEEN_WITHIN)
    places = select(Place.solution_id, Place.firm_id).where(Place.kind == "call", lately)
    firm_of = {row.solution_id: row.firm_id for row in session.execute(places.distinct())}
    withdrawn: defaultdict[int, list[str]] = defaultdict(list)
    for solution, said in facts.unsaid(session, firm_of, now - SEEN_WITHIN).items():
        withdrawn[firm_of[solution]] += said
    again: set[int] = set()
    for firm, said in withdrawn.items():
        others = set(pairs.solution[pairs.firm == firm].tolist()) - firm_of.keys()
        again |= _copies_of(said, facts.texts(session, others))
    return again | firm_of.keys()


def _copies_of(said: Sequence[str], posts: Mapping[int, str]) -> set[int]:
    """Those of the posts that are copies of something that was said."""
    before = [shingles(text) for text in said]
    now = {id_: shingles(text) for id_, text in posts.items()}
    return {id_ for id_, own in now.items() if any(jaccard(own, one) >= COPY for one in before)}


# --- The lists of firms --------------------------------------------------------------------------


def _deal_firms(
    session: Session,
    ids: Collection[int],
    epoch_id: int,
    now: datetime,
    *,
    whole: bool = False,
) -> None:
    rules = _rules(session)
    found = dealing.candidates(session, "firm", None if whole else ids, now=now)
    rows = _own_view(session, "firm", found, now)
    pairs = _pairs(rows)
    towns = set(pairs.town.tolist())
    reach = dealing.reach(session, set(pairs.call.tolist()), ids)
    placed = exposure.deal_firms(
        pairs,
        lists=ids,
        reached=reach.calls,
        capacity=_capacity(session, towns, reach.towns, rules, now),
        rules=rules,
    )
    _write(session, "firm", ids, rows, pairs, placed, epoch_id, now)


def _capacity(
    session: Session, towns: set[int], used: Counter[int], rules: Rules, now: datetime
) -> dict[int, int]:
    """How many of the lists being dealt the calls of each town may still enter.

    A town that says nothing may be told of by `rules.capacity` firms for each of its open calls.
    """
    posted = dealing.open_calls(session, towns, now=now)
    stated = feedback.capacities(session, towns, now)
    allowed = {
        town: rules.capacity * posted[town] if limit is None else limit
        for town, limit in stated.items()
    }
    return {town: max(limit - used[town], 0) for town, limit in allowed.items()}


# --- Both ----------------------------------------------------------------------------------------


def _rules(session: Session) -> Rules:
    return replace(exposure.RULES, delta=dial_in_force(session))


def _own_view(
    session: Session, kind: str, rows: Sequence[Row[Any]], now: datetime
) -> list[Candidate]:
    """The candidates as the owners of the lists see them: without what they declined or hid, and
    valued by their own taste where their answers have shown one."""
    ids = {_owner(kind, row) for row in rows}
    closed = feedback.closed_pairs(session, kind, ids)
    tastes = feedback.tastes(session, kind, ids, now)
    parts = dealing.parts_of(session, kind, tastes)
    found = []
    for row in rows:
        owner, pair = _owner(kind, row), (row.call_id, row.solution_id)
        if pair in closed.get(owner, ()):
            continue
        taste = tastes.get(owner)
        value = tasted(*parts[pair], taste) if taste else row.score
        found.append(Candidate(row, value))
    return found


def _owner(kind: str, row: Row[Any]) -> int:
    owner: int = row.call_id if kind == "call" else row.firm_id
    return owner


def _pairs(rows: Sequence[Candidate]) -> Pairs:
    """The candidates as columns. Only canonical posts have pairs, so each stands for itself."""

    def ints(name: str) -> Ints:
        return np.fromiter((getattr(row.pair, name) for row in rows), np.int64, len(rows))

    return Pairs(
        call=ints("call_id"),
        solution=ints("solution_id"),
        firm=ints("firm_id"),
        town=ints("town_id"),
        offer=ints("solution_id"),
        original=ints("original_id"),
        value=np.fromiter((row.value for row in rows), np.float64, len(rows)),
        tie=np.fromiter((int(row.pair.tie, 16) for row in rows), np.uint64, len(rows)),
        entitled=np.fromiter((bool(row.pair.verified) for row in rows), bool, len(rows)),
    )


def _write(
    session: Session,
    kind: str,
    ids: Collection[int],
    rows: Sequence[Candidate],
    pairs: Pairs,
    placed: Iterable[Placed],
    epoch_id: int,
    now: datetime,
) -> None:
    """Keep the lists, and ask for the sentences of those that have places."""
    towns = dict(zip(pairs.call.tolist(), pairs.town.tolist(), strict=True))
    won: defaultdict[int, list[Won]] = defaultdict(list)
    for place in placed:
        won[place.list].append(
            Won(
                rank=place.rank,
                call_id=place.call,
                solution_id=place.solution,
                firm_id=place.firm,
                town_id=towns[place.call],
                value=place.value,
                how=place.how,
            )
        )
    suitable = _suitable(kind, rows)
    merit = _merit_values(kind, rows)
    lists = {
        id_: Dealt(
            places=tuple(won[id_]),
            suitable=suitable[id_],
            loss=exposure.loss([place.value for place in won[id_]], merit[id_]),
        )
        for id_ in ids
    }
    dealing.write(session, kind, lists, epoch_id, now=now)
    dealing.ask_to_explain(session, kind, [id_ for id_ in ids if won[id_]], now=now)


def _suitable(kind: str, rows: Sequence[Candidate]) -> Counter[int]:
    """How many firms (for a firm: calls) each list could show as suitable."""
    pairs = {_competitor(kind, row) for row in rows if row.value >= exposure.RULES.t}
    return Counter(owner for owner, _ in pairs)


def _merit_values(kind: str, rows: Sequence[Candidate]) -> defaultdict[int, list[float]]:
    """The values of each list by merit alone: the first k, one for each firm or call."""
    best: dict[tuple[int, int], float] = {}
    for row in rows:
        key = _competitor(kind, row)
        best[key] = max(best.get(key, 0.0), row.value)
    lists: defaultdict[int, list[float]] = defaultdict(list)
    for (owner, _), value in sorted(best.items(), key=lambda item: -item[1]):
        if len(lists[owner]) < exposure.RULES.k:
            lists[owner].append(value)
    return lists


def _competitor(kind: str, row: Candidate) -> tuple[int, int]:
    """Whose list it is, and who competes in it: firms for a call, calls for a firm."""
    pair = row.pair
    return (pair.call_id, pair.firm_id) if kind == "call" else (pair.firm_id, pair.original_id)
