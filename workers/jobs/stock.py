"""The market as the matcher last saw it: the vector table, mapped from disk where it can be.

The `vector` table holds every listing that has been matched, as it was then, with a mark of the
content it was made from. It may lag behind the listings themselves: what was withdrawn or changed
since has a task of its own. A worker keeps the bulk of the table in a base on its own disk and
reads only what has changed since.
"""

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.domain import facts
from hub.domain.facts import Facts
from hub.models import Vector
from workers.jobs import epochs
from workers.matching import MATCHING_VERSION
from workers.matching.channels import profile
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.listing import Listing, from_bytes, listing
from workers.matching.market import Market
from workers.matching.side import Side

log = logging.getLogger(__name__)

SUBJECTS = ("call", "solution")
LONGEST_TAIL = 500  # changes after which a new base is written

Key = tuple[str, int]  # subject, id
Marks = dict[Key, str]
Marked = tuple[Listing, str]  # a listing and its mark
_RULES = hashlib.sha256(MATCHING_VERSION.encode()).hexdigest()[:12]


@dataclass
class Stock:
    """A market in step with the vector table as of `seen`; `marks` are those of its contents."""

    epoch_id: int
    market: Market
    marks: Marks = field(default_factory=dict)
    seen: Marks = field(default_factory=dict)

    def side(self, subject: str) -> Side:
        """The calls or the solutions."""
        return self.market.calls if subject == "call" else self.market.solutions

    def follow(self, session: Session) -> int:
        """Take over what the table has that we have not; returns the number of differences."""
        stored = stored_marks(session)
        count = 0
        for subject in SUBJECTS:
            gone = [i for s, i in self.marks.keys() - stored.keys() if s == subject]
            new = [
                i for (s, i), m in stored.items() if s == subject and self.marks.get((s, i)) != m
            ]
            self.side(subject).drop(*gone)
            self.side(subject).put(*listings(session, subject, new))
            count += len(gone) + len(new)
        self.marks, self.seen = dict(stored), stored
        return count

    def is_current(self, session: Session) -> bool:
        """Whether nobody has changed the table, nor made an epoch, since we last followed."""
        epoch = epochs.current(session)
        return (
            epoch is not None and epoch.id == self.epoch_id and stored_marks(session) == self.seen
        )

    def put(self, subject: str, post: Listing, mark_: str) -> None:
        """Add or replace a listing that is not yet in the table."""
        self.side(subject).put(post)
        self.marks[subject, post.id] = mark_

    def drop(self, key: Key) -> None:
        """Take a listing out."""
        self.side(key[0]).drop(key[1])
        self.marks.pop(key, None)


def load(session: Session, folder: Path, epoch_id: int) -> Stock:
    """The market in step with the table; writes a base where none is or the old one is old."""
    statistics = epochs.load(session, folder, epoch_id)
    place = folder / str(epoch_id) / "base"
    market = Market.load(place / "market", statistics)
    if market is not None:
        stock = Stock(epoch_id, market, _read_marks(place / "marks.json"))
        if stock.follow(session) <= LONGEST_TAIL:
            return stock
    stored = stored_marks(session)
    posts = (listings(session, subject, None) for subject in SUBJECTS)
    market = Market.build(statistics, *posts)
    stock = Stock(epoch_id, market, dict(stored), stored)
    _write_base(stock, place)
    return stock


def stored_marks(session: Session) -> Marks:
    """The mark of every listing in the table."""
    rows = session.execute(select(Vector.subject, Vector.subject_id, Vector.fingerprint))
    return {(row.subject, row.subject_id): row.fingerprint for row in rows}


def mark(fingerprint: str) -> str:
    """What a row was made from: the rules that read it, then the content."""
    return _RULES + fingerprint[len(_RULES) :]


def record(subject: str, values: Facts) -> CallFacts | SolutionFacts:
    """The frozen record that the matcher takes."""
    return CallFacts(**values) if subject == "call" else SolutionFacts(**values)


def listings(session: Session, subject: str, ids: Collection[int] | None) -> list[Listing]:
    """Listings as they were matched last, by id or all."""
    if ids is not None and not ids:
        return []
    statement = select(Vector.subject_id, Vector.data).where(Vector.subject == subject)
    if ids is not None:
        statement = statement.where(Vector.subject_id.in_(ids))
    return [from_bytes(row.subject_id, row.data) for row in session.execute(statement)]


def outdated(session: Session, subject: str, ids: Collection[int]) -> dict[int, Marked]:
    """The published listings among `ids` whose row is missing or says something else, read anew."""
    found = facts.load(session, subject, ids)
    since = facts.first_published(session, subject, ids)
    stored = stored_marks(session)
    fresh: dict[int, Marked] = {}
    for id_, values in found.items():
        wanted = mark(facts.fingerprint(values))
        if stored.get((subject, id_)) == wanted:
            continue
        try:
            known = record(subject, values)
            fresh[id_] = listing(known, profile(known), since[id_]), wanted
        except Exception:  # its own task meets the same and says so on its row
            log.exception("cannot read %s %d", subject, id_)
    return fresh


def save_early(session: Session, subject: str, fresh: Mapping[int, Marked]) -> None:
    """Store listings before they are matched: new ones, and those that older rules have read.

    Not those that changed: their row must say what their pairs were made from until the step
    that replaces both.
    """
    stored = stored_marks(session)
    for id_, (post, mark_) in fresh.items():
        if not stored.get((subject, id_), "").startswith(_RULES):
            save(session, subject, post, mark_)


def save(session: Session, subject: str, post: Listing, mark_: str) -> None:
    """Store a listing as it is matched now."""
    session.merge(
        Vector(
            subject=subject,
            subject_id=post.id,
            serial=next_serial(session),
            gone=False,
            fingerprint=mark_,
            data=post.to_bytes(),
        )
    )


def next_serial(session: Session) -> int:
    """The number of the next change of the table; only one writer at a time may ask."""
    return (session.scalar(select(func.max(Vector.serial))) or 0) + 1


def _read_marks(path: Path) -> Marks:
    return {(subject, id_): mark_ for subject, id_, mark_ in json.loads(path.read_text())}


def _write_base(stock: Stock, place: Path) -> None:
    """Write the base beside the old one, then put it in its place; a reader sees either whole."""
    fresh = Path(tempfile.mkdtemp(dir=place.parent, prefix=".base-"))
    stock.market.save(fresh / "market")
    marks = [[*key, mark_] for key, mark_ in stock.marks.items()]
    (fresh / "marks.json").write_text(json.dumps(marks))
    old = Path(tempfile.mkdtemp(dir=place.parent, prefix=".old-"))
    try:
        if place.exists():
            place.rename(old / "base")
        fresh.rename(place)
    except OSError:  # another process did the same
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    log.info("wrote a base of %d listings for epoch %d", len(marks), stock.epoch_id)
