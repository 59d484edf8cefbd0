"""The market as the matcher last saw it: the vector table, mapped from disk where it can be.

The `vector` table holds every listing that has been matched, as it was then, with a mark of the
content it was made from. It may lag behind the listings themselves: what was withdrawn or changed
since has a task of its own. Its changes are numbered. A worker keeps the bulk of the table in a
base on its own disk and reads only what has changed since, by those numbers.
"""

import hashlib
import logging
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import ColumnElement, and_, delete, func, select, text, update
from sqlalchemy.orm import Session

from hub.db import in_parts
from hub.domain import documents, facts, vectors
from hub.domain.facts import Facts
from hub.domain.vectors import Meaning
from hub.models import Vector
from search.passages import digest
from workers.jobs import epochs
from workers.matching import MATCHING_VERSION
from workers.matching.channels import profile, shingles
from workers.matching.copies import said_since
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.listing import CallTraits, Listing, SolutionTraits, from_bytes, listing
from workers.matching.market import Change, Market
from workers.matching.meaning import texts
from workers.matching.side import Side

log = logging.getLogger(__name__)

SUBJECTS = ("call", "solution")
MARKET_LOCK = 7_243_616  # of PostgreSQL; SQLite has one writer anyway
LONGEST_TAIL = 500  # changes after which a new base is written

Key = tuple[str, int]  # subject, id
Marked = tuple[Listing, str]  # a listing and its mark
NO_MEANING = Meaning("", {})
_RULES = hashlib.sha256(MATCHING_VERSION.encode()).hexdigest()[:12]
_BASE = "base-"


@dataclass
class Stock:
    """A market in step with the vector table as of change number `seen`.

    `ahead` are listings that were put or dropped here and may not be in the table.
    """

    epoch_id: int
    market: Market
    seen: int
    ahead: set[Key] = field(default_factory=set)

    @property
    def model(self) -> str:
        """Whose vectors this market compares, "" for none."""
        frame = self.market.epoch.frame
        return frame.model if frame else ""

    def side(self, subject: str) -> Side:
        """The calls or the solutions."""
        return self.market.calls if subject == "call" else self.market.solutions

    def originals(self, subject: str, ids: Collection[int]) -> dict[int, int | None]:
        """For these listings and all their copies: which one stands for it, None for itself."""
        side = self.side(subject)
        every = {own for id_ in ids if id_ in side for own in side.offer(id_)}
        heads = {id_: side.head(id_) for id_ in sorted(every)}
        return {id_: None if head == id_ else head for id_, head in heads.items()}

    def follow(self, session: Session) -> None:
        """Take over what the table has that we have not, and give up what was only ours."""
        newest = last_serial(session)
        puts: dict[str, list[Listing]] = {}
        drops: dict[str, set[int]] = {}
        for subject in SUBJECTS:
            ours = {id_ for own, id_ in self.ahead if own == subject}
            fresh = _changed(session, subject, Vector.serial > self.seen)
            for part in in_parts(sorted(ours)):
                fresh |= _changed(session, subject, Vector.subject_id.in_(part))
            gone = (ours - fresh.keys()) | {id_ for id_, post in fresh.items() if post is None}
            puts[subject] = [post for post in fresh.values() if post is not None]
            drops[subject] = gone
        self.market.update(
            calls=puts["call"],
            solutions=puts["solution"],
            gone_calls=drops["call"],
            gone_solutions=drops["solution"],
        )
        self.seen = newest
        self.ahead.clear()

    def is_current(self, session: Session) -> bool:
        """Whether nobody has changed the table, nor made an epoch, since we last followed."""
        epoch = epochs.current(session)
        return epoch is not None and epoch.id == self.epoch_id and last_serial(session) == self.seen

    def enter(self, posts: Collection[Listing], gone: Collection[Key]) -> Change:
        """Add or replace listings, take others out, before the table knows; say what it changes."""
        calls = [post for post in posts if isinstance(post.traits, CallTraits)]
        solutions = [post for post in posts if isinstance(post.traits, SolutionTraits)]
        self.ahead |= {("call", post.id) for post in calls}
        self.ahead |= {("solution", post.id) for post in solutions}
        self.ahead |= set(gone)
        return self.market.update(
            calls=calls,
            solutions=solutions,
            gone_calls=[id_ for subject, id_ in gone if subject == "call"],
            gone_solutions=[id_ for subject, id_ in gone if subject == "solution"],
        )

    def committed(self, newest: int) -> None:
        """Note that the table holds what we hold, as of its change number `newest`."""
        self.seen = newest
        self.ahead.clear()


def load(session: Session, folder: Path, epoch_id: int) -> Stock:
    """The market in step with the table; writes a base where none is or the old one is old."""
    statistics = epochs.load(session, folder, epoch_id)
    place = folder / str(epoch_id)
    for base in reversed(_bases(place)):
        market = Market.load(base, statistics)
        if market is not None:
            stock = Stock(epoch_id, market, _serial(base))
            if _behind(session, stock.seen) > LONGEST_TAIL:
                break
            stock.follow(session)
            return stock
    newest = last_serial(session)
    posts = (listings(session, subject) for subject in SUBJECTS)
    base = _write_base(Market.build(statistics, *posts), place, newest)
    # Mapped from the disk it takes a fraction of the memory.
    market = Market.load(base, statistics)
    if market is None:
        raise ValueError(f"{base} cannot be read")
    return Stock(epoch_id, market, newest)


def last_serial(session: Session) -> int:
    """The number of the table's last change."""
    return session.scalar(select(func.max(Vector.serial))) or 0


def marks(session: Session, keys: Collection[Key]) -> dict[Key, str]:
    """What the rows of these listings were made from; those without a row are left out."""
    found: dict[Key, str] = {}
    for subject in SUBJECTS:
        for part in in_parts(sorted(id_ for own, id_ in keys if own == subject)):
            rows = session.execute(
                select(Vector.subject_id, Vector.fingerprint).where(
                    Vector.subject == subject, Vector.subject_id.in_(part), Vector.gone.is_(False)
                )
            )
            found |= {(subject, row.subject_id): row.fingerprint for row in rows}
    return found


def mark(fingerprint: str, since: int) -> str:
    """What a row was made from: the rules that read it, then the content and its age."""
    made = hashlib.sha256(f"{fingerprint} {since}".encode()).hexdigest()
    return _RULES + made[len(_RULES) :]


def ages(session: Session, subject: str, found: Mapping[int, Facts]) -> dict[int, int]:
    """Since when published listings have said most of what they say now, in seconds since 1970 UTC.

    It is asked of the trail each time and of nothing that workers keep, so that all of them agree.
    """
    since: dict[int, int] = {}
    for id_, versions in facts.versions(session, subject, found).items():
        if len(versions) == 1:
            since[id_] = versions[0][0]
        else:
            since[id_] = said_since([(when, shingles(said)) for when, said in versions])
    return since


def record(subject: str, values: Facts) -> CallFacts | SolutionFacts:
    """The frozen record that the matcher takes."""
    return CallFacts(**values) if subject == "call" else SolutionFacts(**values)


def listings(session: Session, subject: str, ids: Collection[int] | None = None) -> list[Listing]:
    """Listings of a kind as they were matched last: all, or those among some ids."""
    here = Vector.gone.is_(False)
    wanted = here if ids is None else and_(here, Vector.subject_id.in_(ids))
    return [post for post in _changed(session, subject, wanted).values() if post is not None]


def alone(session: Session) -> None:
    """Hold the market's lock until the transaction ends: one at a time writes pairs and lists."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MARKET_LOCK})


def meanings(
    session: Session, subject: str, ids: Collection[int], model: str
) -> dict[int, Meaning]:
    """The vectors of those listings that have all of theirs, if the model is the one in force."""
    if not model or vectors.in_force(session) != model:
        return {}
    public = documents.load(session, {f"{subject}-{id_}" for id_ in ids})
    found = vectors.meanings(session, public.values())
    return {int(key.partition("-")[2]): meaning for key, meaning in found.items()}


def read(subject: str, values: Facts, since: int, meaning: Meaning) -> Listing:
    """Analyse a listing: text to counts, vectors as they are."""
    known = record(subject, values)
    found = [meaning.vectors.get(digest(text)) for text in texts(known)]
    whole = bool(found) and all(found)
    rows = np.array([np.frombuffer(row, "<f2") for row in found if row]) if whole else None
    return listing(known, profile(known), since, rows)


def outdated(session: Session, subject: str, ids: Collection[int], model: str) -> dict[int, Marked]:
    """The published listings among `ids` whose row is missing or says something else, read anew."""
    found = facts.load(session, subject, ids)
    since = ages(session, subject, found)
    said = meanings(session, subject, ids, model)
    stored = marks(session, {(subject, id_) for id_ in found})
    fresh: dict[int, Marked] = {}
    for id_, values in found.items():
        if id_ not in since:
            continue
        meaning = said.get(id_, NO_MEANING)
        wanted = mark(facts.fingerprint(values, meaning.mark), since[id_])
        if stored.get((subject, id_)) == wanted:
            continue
        try:
            fresh[id_] = read(subject, values, since[id_], meaning), wanted
        except Exception:  # its own task meets the same and says so on its row
            log.exception("cannot read %s %d", subject, id_)
    return fresh


def save_early(session: Session, subject: str, fresh: Mapping[int, Marked]) -> None:
    """Store listings before they are matched: new ones, and those that older rules have read.

    Not those that changed: their row must say what their pairs were made from until the step
    that replaces both.
    """
    stored = marks(session, {(subject, id_) for id_ in fresh})
    for id_, (post, mark_) in fresh.items():
        if not stored.get((subject, id_), "").startswith(_RULES):
            save(session, subject, post, mark_)


def save(session: Session, subject: str, post: Listing, mark_: str) -> None:
    """Store a listing as it is matched now. Only one writer at a time may save or forget."""
    session.merge(
        Vector(
            subject=subject,
            subject_id=post.id,
            serial=last_serial(session) + 1,
            gone=False,
            fingerprint=mark_,
            data=post.to_bytes(),
        )
    )
    session.flush()


def forget(session: Session, subject: str, id_: int) -> None:
    """Leave only the number of the change by which a listing went."""
    session.execute(
        update(Vector)
        .where(Vector.subject == subject, Vector.subject_id == id_, Vector.gone.is_(False))
        .values(gone=True, fingerprint="", data=b"", serial=last_serial(session) + 1)
    )


def sweep(session: Session) -> None:
    """Delete what is left of listings that went; their bases go with the epoch before."""
    newest = last_serial(session)
    session.execute(delete(Vector).where(Vector.gone.is_(True), Vector.serial < newest))


def _changed(
    session: Session, subject: str, wanted: ColumnElement[bool]
) -> dict[int, Listing | None]:
    """Rows of a kind as listings, None for those that went."""
    rows = session.execute(
        select(Vector.subject_id, Vector.gone, Vector.data).where(Vector.subject == subject, wanted)
    )
    return {
        row.subject_id: None if row.gone else from_bytes(row.subject_id, row.data) for row in rows
    }


def _behind(session: Session, seen: int) -> int:
    """How many listings have changed since; a table that was begun anew counts as all changed."""
    if last_serial(session) < seen:
        return LONGEST_TAIL + 1
    changed = select(func.count()).select_from(Vector).where(Vector.serial > seen)
    return session.scalar(changed) or 0


def _write_base(market: Market, place: Path, seen: int) -> Path:
    """Write a base, named by the change it goes up to, and remove all but the last before it.

    A reader may still have that one open; it sees either whole.
    """
    older = _bases(place)
    base = place / f"{_BASE}{seen}"
    market.save(base)
    for old in older[:-1]:
        shutil.rmtree(old, ignore_errors=True)
    log.info("wrote a base as of change %d for epoch %s", seen, place.name)
    return base


def _bases(place: Path) -> list[Path]:
    """The bases of an epoch, oldest first."""
    return sorted(place.glob(f"{_BASE}[0-9]*"), key=_serial)


def _serial(base: Path) -> int:
    return int(base.name.removeprefix(_BASE))
