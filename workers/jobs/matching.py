"""Matching: what a published, changed or withdrawn listing means for the stored pairs.

A batch of tasks is one step: bring the market up to date, put the changed listings in, find and
score their candidates, and replace their pairs in one transaction that also settles the tasks.
If another worker changed the market meanwhile, the step is done again on the new market; so the
stored pairs are always those of one market, whoever was faster.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rq.timeouts import BaseTimeoutException
from sqlalchemy import Row, delete, insert, select, tuple_, update
from sqlalchemy.orm import Session

from hub.clock import utcnow
from hub.db import Database, in_parts
from hub.domain import dealing, facts, outbox, vectors
from hub.domain.outbox import Task
from hub.domain.rules import RULES
from hub.models import Match, MatchState
from workers.context import opened
from workers.jobs import epochs, pairs, stock
from workers.jobs.pairs import Pair
from workers.jobs.stock import SUBJECTS, Key, Stock
from workers.matching import epoch as statistics
from workers.matching.listing import Listing

log = logging.getLogger(__name__)

BATCH = 40  # listings in a step, which must be done within the lease of their tasks
BUDGET_SECONDS = 5.0  # then the job makes room, so that indexing never waits long
MOST_ATTEMPTS = 5
CHUNK = 200

Clock = Callable[[], datetime]


class Moved(Exception):
    """Another worker changed the market between our look and our writing."""


def run() -> None:
    """The job: empty the outbox of match tasks that are due, for some seconds at a time."""
    here = opened()
    here.queue.begun("match")
    folder = epochs.root(here.settings.data_dir)
    with here.database.session() as session:
        if outbox.count(session, "match", here.clock()) > BATCH:
            here.queue.ping("match")  # enough for one more worker, who will do the same
    done = drain(here.database, folder, clock=here.clock, seconds=BUDGET_SECONDS)
    with here.database.session() as session:
        next_ = outbox.due(session, here.clock()) & {"deal"}
    if not done:
        next_.add("match")
    if next_:
        here.queue.ping(*sorted(next_))


def drain(
    database: Database, folder: Path, *, clock: Clock = utcnow, seconds: float = float("inf")
) -> bool:
    """Work on due tasks; False when the time was up before they were done."""
    deadline = time.monotonic() + seconds
    market: Stock | None = None
    while time.monotonic() < deadline:
        with database.session() as session:
            if "match" not in outbox.due(session, clock()):
                return True
        market = ready(database, folder, market, now=clock())
        with database.unit_of_work() as session:
            tasks = outbox.claim(session, "match", now=clock(), limit=BATCH)
        _work(database, market, tasks, clock)
    return False


def ready(database: Database, folder: Path, held: Stock | None, *, now: datetime) -> Stock:
    """The market of the current epoch; makes an epoch when there is none that fits."""
    with database.session() as session:
        epoch = epochs.current(session)
        fits = epoch is not None and epochs.fits(epoch, session, now=now)
    if not fits:
        new_epoch(database, now=now)
    with database.session() as session:
        epoch = epochs.current(session)
        assert epoch is not None
        if held is not None and held.epoch_id == epoch.id:
            return held
        return stock.load(session, folder, epoch.id)


def new_epoch(database: Database, *, now: datetime) -> None:
    """Freeze the statistics of today's market and ask for every call to be matched again.

    With all calls every pair is scored anew, so solutions need no work of their own unless they
    are read anew too. Another worker may do the same at the same time; the one who comes second
    changes nothing.
    """
    with database.session() as session:
        before = epochs.current(session)
        model = vectors.in_force(session) or ""
    posts: dict[str, list[Listing]] = {}
    fresh: dict[str, set[int]] = {}
    for subject in SUBJECTS:
        posts[subject], fresh[subject] = everything(database, subject, model)
    made = statistics.build(posts["call"], posts["solution"], model)
    sizes = (len(posts["call"]), len(posts["solution"]))
    with database.unit_of_work() as session:
        stock.alone(session)
        epochs.store(session, made, sizes, fresh["solution"], after=before, now=now)
        stock.sweep(session)


def everything(database: Database, subject: str, model: str) -> tuple[list[Listing], set[int]]:
    """All published calls or solutions as they are now, and the ids of those read anew.

    With the vectors of a model ("": none). Texts are read outside of transactions.
    """
    with database.session() as session:
        ids = list(facts.first_published(session, subject))
    posts: dict[int, Listing] = {}
    anew: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        with database.session() as session:
            fresh = stock.outdated(session, subject, part, model)
        if fresh:
            with database.unit_of_work() as session:
                stock.alone(session)
                stock.save_early(session, subject, fresh)
        with database.session() as session:
            posts |= {post.id: post for post in stock.listings(session, subject, part)}
        posts |= {id_: post for id_, (post, _mark) in fresh.items()}
        anew |= fresh.keys()
    return list(posts.values()), anew


def _work(database: Database, market: Stock, tasks: Sequence[Task], clock: Clock) -> None:
    """One step for all tasks; when that fails, one for each listing, so that the good ones pass."""
    try:
        _persist(database, market, tasks, clock)
    except Moved:
        log.info("the market does not stand still; %d tasks wait", len(tasks))
        with database.unit_of_work() as session:
            outbox.give_back(session, tasks, now=clock(), seconds=1)
    except BaseTimeoutException:
        raise
    except Exception as error:
        by_key: dict[str, list[Task]] = {}
        for task in tasks:
            by_key.setdefault(task.key, []).append(task)
        if len(by_key) > 1:
            for own in by_key.values():
                _work(database, market, own, clock)
            return
        log.exception("cannot match %s", *by_key)
        with database.unit_of_work() as session:
            for task in tasks:
                outbox.postpone(session, task, f"{type(error).__name__}: {error}", now=clock())


def _persist(database: Database, market: Stock, tasks: Sequence[Task], clock: Clock) -> None:
    """Take the step again while others change the market. Raises Moved when they never stop."""
    for _ in range(MOST_ATTEMPTS - 1):
        with suppress(Moved):
            return step(database, market, tasks, clock())
    return step(database, market, tasks, clock())


@dataclass
class Change:
    """What a step does.

    `keys` are the tasks' listings, `present` those still published with the fingerprint of what
    they say now, `posts` the new or changed ones among them with their marks. `stale` are the ids
    of all listings whose pairs must be looked at, `moved` those that changed or whose offer has
    another representative than before. Of all others the pairs `entered` are new and those that
    `left` are candidates no more. `by_epoch` tells that nothing but the statistics has changed.
    """

    keys: set[Key]
    by_epoch: bool = False
    present: dict[Key, str] = field(default_factory=dict)
    posts: dict[Key, tuple[Listing, str]] = field(default_factory=dict)
    stale: dict[str, set[int]] = field(default_factory=dict)
    moved: dict[str, set[int]] = field(default_factory=dict)
    entered: set[Pair] = field(default_factory=set)
    left: set[Pair] = field(default_factory=set)

    def touches(self, pair: Pair) -> bool:
        """Whether a stored row of the pair is no longer true."""
        return any(
            (subject, id_) in self.posts or id_ in self.moved[subject]
            for subject, id_ in zip(SUBJECTS, pair, strict=True)
        )


def step(database: Database, market: Stock, tasks: Sequence[Task], now: datetime) -> None:
    """Match the tasks' listings and settle the tasks, all or nothing. Raises Moved."""
    change = Change(
        {(task.subject, task.subject_id) for task in tasks},
        by_epoch=all(task.cause == dealing.EPOCH for task in tasks),
    )
    with database.session() as session:
        market.follow(session)
        _enter(session, market, change)
        wanted = pairs.candidates(market, change.stale) | change.entered
        kept = {
            pair for pair in wanted & _true(session, market, change) if not change.touches(pair)
        }
        rows = pairs.scored(session, market, wanted - kept)
    with database.unit_of_work() as session:
        stock.alone(session)
        if not market.is_current(session) or not kept <= _true(session, market, change):
            raise Moved
        stored = _stored(session, change)
        gone = [row for pair, row in stored.items() if pair not in kept]
        _remove(session, [(row.call_id, row.solution_id) for row in gone])
        for part in in_parts(rows):
            session.execute(insert(Match), part)
        _note_listings(session, market, change, now)
        _ask_to_deal(session, change, [*_scores(gone), *_scores_of(rows)], now)
        outbox.settle(session, tasks)
        _ask_to_deal_all(session, now)
        newest = stock.last_serial(session)
    market.committed(newest)


def _enter(session: Session, market: Stock, change: Change) -> None:
    """Put changed listings into the market and take withdrawn ones out.

    A copy that comes or goes may change which post stands for an offer; the pairs of those
    listings are stale too.
    """
    matched = _matched(session, change.keys)
    # A new epoch stores new listings before they are matched.
    stored = stock.marks(session, matched.keys() & change.keys)
    gone: set[Key] = set()
    for subject in SUBJECTS:
        ids = [id_ for own, id_ in change.keys if own == subject]
        found = facts.load(session, subject, ids)
        since = stock.ages(session, subject, found)
        said = stock.meanings(session, subject, ids, market.model)
        for id_ in ids:
            key = (subject, id_)
            if id_ not in since:
                gone.add(key)
                continue
            meaning = said.get(id_, stock.NO_MEANING)
            change.present[key] = facts.fingerprint(found[id_], meaning.mark)
            mark = stock.mark(change.present[key], since[id_])
            if stored.get(key) != mark:
                post = stock.read(subject, found[id_], since[id_], meaning)
                change.posts[key] = post, mark
    moves = market.enter([post for post, _mark in change.posts.values()], gone)
    change.moved = {"call": moves.calls, "solution": moves.solutions}
    change.entered, change.left = moves.entered, moves.left
    for subject in SUBJECTS:
        own = {id_ for name, id_ in change.keys if name == subject}
        change.stale[subject] = change.moved[subject] | own


def _matched(session: Session, keys: Collection[Key]) -> dict[Key, str]:
    """The fingerprint that each listing's stored pairs were made from."""
    ids = {id_ for _, id_ in keys}
    rows = session.scalars(select(MatchState).where(MatchState.subject_id.in_(ids)))
    return {(row.subject, row.subject_id): row.fingerprint for row in rows}


def _true(session: Session, market: Stock, change: Change) -> set[Pair]:
    """Stored pairs of the change's listings that were scored in this epoch."""
    stored = _stored(session, change)
    return {pair for pair, row in stored.items() if row.epoch_id == market.epoch_id}


def _stored(session: Session, change: Change) -> dict[Pair, Row[Any]]:
    """The stored pairs that a change may touch: in which epoch scored, how high, whose."""
    found: dict[Pair, Row[Any]] = {}
    for column, keys in (
        (Match.call_id, change.stale["call"]),
        (Match.solution_id, change.stale["solution"]),
        (tuple_(Match.call_id, Match.solution_id), change.entered | change.left),
    ):
        for part in in_parts(sorted(keys)):
            rows = session.execute(
                select(
                    Match.call_id, Match.solution_id, Match.epoch_id, Match.score, Match.firm_id
                ).where(column.in_(part))
            )
            found |= {(row.call_id, row.solution_id): row for row in rows}
    return found


def _remove(session: Session, gone: Collection[Pair]) -> None:
    """Delete stored pairs."""
    for part in in_parts(sorted(gone)):
        session.execute(delete(Match).where(tuple_(Match.call_id, Match.solution_id).in_(part)))


_Scored = tuple[int, int, float]  # call, firm, score


def _scores(rows: Iterable[Row[Any]]) -> Iterator[_Scored]:
    return ((row.call_id, row.firm_id, row.score) for row in rows)


def _scores_of(rows: Iterable[dict[str, Any]]) -> Iterator[_Scored]:
    return ((row["call_id"], row["firm_id"], row["score"]) for row in rows)


def _ask_to_deal(
    session: Session, change: Change, scored: Collection[_Scored], now: datetime
) -> None:
    """Ask for the lists that the pairs which went or came may be in.

    A new epoch changes them all: firms' lists then wait for the deal of the whole market.
    """
    own = {id_ for subject, id_ in change.keys if subject == "call"}
    calls = {call for call, _, score in scored if score >= RULES.cut_call}
    dealing.ask(session, "call", calls | own, cause="match", now=now)
    if change.by_epoch:
        return
    firms = {firm for _, firm, score in scored if score >= RULES.cut_firm}
    firms |= dealing.fitting(session, own)  # another deadline changes lists without any score
    firms |= {
        post.owner for (subject, _), (post, _) in change.posts.items() if subject == "solution"
    }
    dealing.ask(session, "firm", firms, cause="match", now=now)


def _ask_to_deal_all(session: Session, now: datetime) -> None:
    epoch_id = dealing.undealt(session)
    if epoch_id is not None:
        dealing.ask(session, dealing.MARKET, [epoch_id], cause="match", now=now)


def _note_listings(session: Session, market: Stock, change: Change, now: datetime) -> None:
    """Store the new listings, note what the pairs were made from, forget what was withdrawn.

    Also which post stands for each, of those too that another post's coming or going has moved.
    """
    for (subject, _), (post, mark) in change.posts.items():
        stock.save(session, subject, post, mark)
    for subject, id_ in change.keys:
        fingerprint = change.present.get((subject, id_))
        if fingerprint is None:
            stock.forget(session, subject, id_)
            state = (MatchState.subject == subject, MatchState.subject_id == id_)
            session.execute(delete(MatchState).where(*state))
        else:
            session.merge(
                MatchState(
                    subject=subject,
                    subject_id=id_,
                    epoch_id=market.epoch_id,
                    fingerprint=fingerprint,
                    matched_at=now,
                )
            )
    for subject, ids in change.stale.items():
        for id_, original in market.originals(subject, ids).items():
            state = (MatchState.subject == subject, MatchState.subject_id == id_)
            session.execute(update(MatchState).where(*state).values(original_id=original))
