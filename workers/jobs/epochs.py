"""Epochs: frozen statistics kept as a row, unpacked once on every machine."""

import io
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, undefer

from hub.domain import dealing, outbox, vectors
from hub.models import Call, Epoch, MatchState, Solution
from workers.matching import MATCHING_VERSION
from workers.matching import epoch as statistics

log = logging.getLogger(__name__)

# Statistics of a market that has since grown by half describe another market.
OUTGROWN = 1.5
SLACK = 10


@dataclass(frozen=True, slots=True)
class Current:
    """The newest epoch: the rules and the model it was made by ("" for none), and from how many
    published calls and solutions."""

    id: int
    version: str
    calls: int
    solutions: int
    model: str


def root(data_dir: Path) -> Path:
    """The folder of the unpacked epochs."""
    return data_dir / "epochs"


def current(session: Session) -> Current | None:
    """The newest epoch, whatever its rules."""
    row = session.execute(
        select(Epoch.id, Epoch.version, Epoch.calls, Epoch.solutions, Epoch.model)
        .order_by(Epoch.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Current(*row)


def fits(epoch: Current, session: Session, *, now: datetime) -> bool:
    """Whether the epoch was made by the present rules from a market of about this size.

    One that knows nothing of the model in force fits until all listings have their vectors.
    """
    if epoch.version != MATCHING_VERSION:
        return False
    calls, solutions = (_published(session, kind) for kind in (Call, Solution))
    if calls > OUTGROWN * epoch.calls + SLACK or solutions > OUTGROWN * epoch.solutions + SLACK:
        return False
    model = vectors.in_force(session) or ""
    if epoch.model == model or (model and not (calls and solutions)):
        return True
    return bool(model) and vectors.progress(session, now=now).waiting > 0


def store(
    session: Session,
    made: statistics.Epoch,
    sizes: tuple[int, int],
    anew: Collection[int],
    *,
    after: Current | None,
    now: datetime,
) -> int | None:
    """Add an epoch and ask for every call to be matched in it; the caller commits.

    `sizes` are the numbers of calls and solutions. Solutions were matched when all calls are; but
    those in `anew`, whose texts were read anew, are matched one by one as well. `after` is the epoch that was current when this one was begun: if another worker was faster,
    nothing is added and None returned.
    """
    if current(session) != after:
        return None
    row = Epoch(
        version=MATCHING_VERSION,
        made_at=now,
        calls=sizes[0],
        solutions=sizes[1],
        model=made.frame.model if made.frame else "",
        snapshot=pack(made),
    )
    session.add(row)
    session.flush()
    calls = session.scalars(select(Call.id).where(Call.state == "published")).all()
    solutions = session.scalars(select(Solution.id).where(Solution.state == "published")).all()
    states = update(MatchState).where(MatchState.subject == "solution")
    session.execute(states.values(epoch_id=row.id))
    for subject, ids in (("call", calls), ("solution", sorted(set(solutions) & set(anew)))):
        outbox.note_ids(session, subject, ids, cause=dealing.EPOCH, now=now, kinds=("match",))
    if not calls:
        dealing.ask(session, dealing.MARKET, [row.id], cause=dealing.EPOCH, now=now)
    log.info("epoch %d from %d calls and %d solutions", row.id, *sizes)
    return row.id


def load(session: Session, folder: Path, id_: int) -> statistics.Epoch:
    """The statistics of an epoch, mapped from the disk; unpacked first where they are not yet."""
    place = folder / str(id_) / "statistics"
    found = statistics.current(place)
    if found is None:
        row = session.get_one(Epoch, id_, options=[undefer(Epoch.snapshot)])
        unpack(row.snapshot, place)
        found = statistics.current(place)
    if found is None:
        raise ValueError(f"epoch {id_} cannot be read")
    return found


def pack(made: statistics.Epoch) -> bytes:
    """An epoch as bytes."""
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(packed, "w") as archive:
        folder = Path(name)
        statistics.save(made, folder)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return packed.getvalue()


def unpack(data: bytes, place: Path) -> None:
    """Write a packed epoch into a folder that appears whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=place.parent, prefix=".unpacking-"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(fresh)
    shutil.rmtree(place, ignore_errors=True)  # made by older rules, or half removed
    try:
        fresh.rename(place)
    except OSError:  # another process was faster
        shutil.rmtree(fresh)


def _published(session: Session, model: type[Call] | type[Solution]) -> int:
    statement = select(func.count()).select_from(model).where(model.state == "published")
    return session.scalar(statement) or 0
