"""Vectors of what listings say: the model in force, what it has computed, what is missing.

The model in force stands in the database, not in the settings, so that every process makes the
same documents. Vectors are kept by the text they were made from: nothing is computed twice,
whoever says it. Invariant: a public listing without all its vectors has a task that will see to
it; `hub doctor` looks for those that have none.
"""

import hashlib
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from hub.db import in_parts
from hub.domain import outbox
from hub.domain.status import public
from hub.models.listing import Call, Solution
from hub.models.work import Embedding, EmbeddingModel, OutboxTask
from search.documents import SearchDocument
from search.embedding import Vectors
from search.passages import PASSAGES_VERSION, digest, own_passages, passages
from search.vectors import with_gist

CAUSE = "vectors"  # of the index tasks that new vectors ask for
KEPT = timedelta(days=7)  # a listing may come back, or an earlier model
RATE_OVER = timedelta(minutes=1)
AHEAD = timedelta(days=1)  # a changed listing goes before all those that wait for a new model


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the model in force has come; `per_minute` counts passages of the last minute."""

    model: str | None
    listings: int = 0
    waiting: int = 0
    passages: int = 0
    per_minute: int = 0

    @property
    def done(self) -> int:
        """Listings whose vectors are all there."""
        return max(self.listings - self.waiting, 0)


def in_force(session: Session) -> str | None:
    """The model whose vectors documents carry, if any."""
    return session.scalar(select(EmbeddingModel.name))


def adopt(session: Session, model: str | None, *, now: datetime) -> bool:
    """Put a model in force, None for none; False when it was already.

    All listings are looked at again: for new vectors, and for index and matches to drop earlier
    ones.
    """
    former = session.scalar(select(EmbeddingModel))
    before = (former.name, former.passages_version) if former else None
    after = (model, PASSAGES_VERSION) if model else None
    if before == after:
        return False
    session.execute(delete(EmbeddingModel))
    if model:
        session.add(
            EmbeddingModel(id=1, name=model, passages_version=PASSAGES_VERSION, adopted_at=now)
        )
    kinds = (*(("index", "match") if before else ()), *(("embed",) if after else ()))
    ask_for_all(session, now=now, kinds=kinds)
    return True


def ask_for_all(session: Session, *, now: datetime, kinds: tuple[str, ...] = ("embed",)) -> int:
    """Ask for every public listing to be looked at again; returns how many there are."""
    count = 0
    for model in (Call, Solution):
        ids = session.scalars(select(model.id).where(public(model))).all()
        outbox.note_ids(session, model.subject, ids, cause=CAUSE, now=now, kinds=kinds)
        count += len(ids)
    return count


@dataclass(frozen=True, slots=True)
class Meaning:
    """The float16 vectors of a listing's own passages, by digest; `mark` changes with them."""

    mark: str
    vectors: Mapping[str, bytes]


def meanings(session: Session, documents: Iterable[SearchDocument]) -> dict[str, Meaning]:
    """The vectors of what those documents say in their own words, of each that has all of these.

    By the model in force. Names have no part: where a firm has its office is nothing for matching.
    """
    model = in_force(session)
    if model is None:
        return {}
    said = {one.id: [digest(text) for text in own_passages(one)] for one in documents}
    held = cached(session, model, {one for some in said.values() for one in some})
    return {
        id_: Meaning(_mark(model, digests), {one: held[one] for one in digests})
        for id_, digests in said.items()
        if digests and held.keys() >= set(digests)
    }


def _mark(model: str, digests: Sequence[str]) -> str:
    return hashlib.sha256(" ".join((model, *digests)).encode()).hexdigest()[:32]


def ask_to_index(session: Session, keys: Collection[str], *, now: datetime) -> None:
    """Ask for these listings (`call-12`) to be compared with the index: they have new vectors."""
    _ask(session, keys, "index", now)


def ask_to_match(session: Session, keys: Collection[str], *, now: datetime) -> None:
    """Ask for these listings to be matched again: all their vectors are there."""
    _ask(session, keys, "match", now)


def ask_to_embed(session: Session, keys: Collection[str], *, now: datetime) -> None:
    """Ask for the vectors of these listings, which are new or changed."""
    _ask(session, keys, "embed", now, AHEAD)


def _ask(
    session: Session,
    keys: Collection[str],
    kind: str,
    now: datetime,
    ahead: timedelta = timedelta(),
) -> None:
    for subject in ("call", "solution"):
        ids = [int(key.partition("-")[2]) for key in keys if key.startswith(f"{subject}-")]
        outbox.note_ids(
            session, subject, sorted(ids), cause=CAUSE, now=now, kinds=(kind,), ahead=ahead
        )


def attach(session: Session, documents: Sequence[SearchDocument]) -> list[SearchDocument]:
    """Give documents the vectors that are there for what they say, and a version that tells."""
    model = in_force(session)
    if model is None:
        return list(documents)
    digests = {document.id: [digest(text) for text in passages(document)] for document in documents}
    held = cached(session, model, {one for some in digests.values() for one in some})
    return [
        _with(
            document,
            model,
            tuple((p, held[one]) for p, one in enumerate(digests[document.id]) if one in held),
        )
        for document in documents
    ]


def _with(
    document: SearchDocument, model: str, found: tuple[tuple[int, bytes], ...]
) -> SearchDocument:
    if not found:
        return document
    checksum = zlib.crc32(model.encode(), document.version & 0xFFFF_FFFF)
    for place, vector in found:
        checksum = zlib.crc32(vector, zlib.crc32(bytes([place]), checksum))
    version = document.version >> 32 << 32 | checksum
    return replace(document, vectors=with_gist(found), vector_model=model, version=version)


def lacking(document: SearchDocument) -> list[tuple[int, str]]:
    """The passages of a document that have no vector, with their places, in order."""
    held = {place for place, _ in document.vectors}
    return [(p, text) for p, text in enumerate(passages(document)) if p not in held]


def incomplete(session: Session, documents: Iterable[SearchDocument]) -> frozenset[str]:
    """Documents that lack a vector while there is a model to make it."""
    if in_force(session) is None:
        return frozenset()
    return frozenset(document.id for document in documents if lacking(document))


def cached(session: Session, model: str, digests: Collection[str]) -> dict[str, bytes]:
    """The vectors that are there among these."""
    found: dict[str, bytes] = {}
    for part in in_parts(sorted(digests)):
        rows = session.execute(
            select(Embedding.digest, Embedding.vector).where(
                Embedding.model == model, Embedding.digest.in_(part)
            )
        )
        found |= {row.digest: row.vector for row in rows}
    return found


def store(
    session: Session, model: str, texts: Sequence[str], rows: Vectors, *, now: datetime
) -> None:
    """Keep the vectors of these passages; one that is there already stays."""
    values = [
        {"model": model, "digest": digest(text), "vector": _bytes(row), "made_at": now}
        for text, row in zip(texts, rows, strict=True)
    ]
    if values:
        dialect = session.get_bind().dialect.name
        insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
        session.execute(insert(Embedding).on_conflict_do_nothing(), values)


def _bytes(row: Vectors) -> bytes:
    return row.astype("<f2").tobytes()


def progress(session: Session, *, now: datetime) -> Progress:
    """How far the vectors are; cheap enough for a page."""
    model = in_force(session)
    if model is None:
        return Progress(None)
    listings = sum(
        session.scalar(select(func.count()).select_from(kind).where(public(kind))) or 0
        for kind in (Call, Solution)
    )
    tasks = (
        select(OutboxTask.subject, OutboxTask.subject_id)
        .where(OutboxTask.kind == "embed")
        .distinct()
    )
    made = select(func.count()).select_from(Embedding).where(Embedding.model == model)
    return Progress(
        model,
        listings,
        session.scalar(select(func.count()).select_from(tasks.subquery())) or 0,
        session.scalar(made) or 0,
        session.scalar(made.where(Embedding.made_at > now - RATE_OVER)) or 0,
    )


def cared_for(session: Session) -> set[str]:
    """The listings (`call-12`) with a task that sees to their vectors; indexing asks for them."""
    rows = session.execute(
        select(OutboxTask.subject, OutboxTask.subject_id).where(
            OutboxTask.kind.in_(("embed", "index"))
        )
    )
    return {f"{row.subject}-{row.subject_id}" for row in rows}


def unused(session: Session, used: Collection[str], *, now: datetime) -> list[str]:
    """Digests of the model in force that nobody has said for a while; `used` are those in use."""
    model = in_force(session)
    old = select(Embedding.digest).where(Embedding.model == model, Embedding.made_at < now - KEPT)
    return [one for one in session.scalars(old) if one not in used]


def forget(session: Session, digests: Iterable[str], *, now: datetime) -> None:
    """Delete these vectors of the model in force, and all of models that were replaced long ago."""
    force = session.scalar(select(EmbeddingModel))
    if force is None:
        return  # it may come back
    for part in in_parts(list(digests)):
        session.execute(
            delete(Embedding).where(Embedding.model == force.name, Embedding.digest.in_(part))
        )
    if force.adopted_at < now - KEPT:
        session.execute(delete(Embedding).where(Embedding.model != force.name))
