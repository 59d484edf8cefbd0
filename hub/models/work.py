"""What background work leaves behind: outbox, epochs, vectors, matches, and the audit trail."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.models.base import Base
from hub.models.listing import Call, Solution

TASK_KINDS = ("index", "match", "embed")
CHANGE_KINDS = ("index", "match")  # what a change asks for; indexing then asks for "embed"


class OutboxTask(Base):
    """A note, written with a change, that index, matches or vectors must be compared again.

    Rows are only added and deleted; a task that is being worked on never hides a newer one.
    """

    __tablename__ = "outbox_task"
    __table_args__ = (Index("ix_outbox_task_kind_due_at", "kind", "due_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int]
    cause: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(500), default="")


class AuditEvent(Base):
    """Who changed what, when, and from what to what. Never changed, never deleted."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject_subject_id", "subject", "subject_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(24))
    subject_id: Mapped[int | None]
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Epoch(Base):
    """A frozen set of matching statistics. `snapshot` is what every worker loads."""

    __tablename__ = "epoch"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    calls: Mapped[int]
    solutions: Mapped[int]
    snapshot: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class Vector(Base):
    """A listing as it was matched last: its text as counts, so that no job need analyse it again.

    `fingerprint` marks the content and the rules that `data` was made from.
    """

    __tablename__ = "vector"
    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    data: Mapped[bytes] = mapped_column(LargeBinary)


class EmbeddingModel(Base):
    """The model in force: whose vectors the documents of the index carry. No row means none."""

    __tablename__ = "embedding_model"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    passages_version: Mapped[int]
    adopted_at: Mapped[datetime]


class Embedding(Base):
    """The vector of a passage, kept by what it says: float16 numbers, whosever passage it is."""

    __tablename__ = "embedding"
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    digest: Mapped[str] = mapped_column(String(32), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]


class MatchState(Base):
    """Which text of a listing its matches were made from; `hub doctor` compares it."""

    __tablename__ = "match_state"
    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    epoch_id: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String(64))
    matched_at: Mapped[datetime]


class Match(Base):
    """マッチ: a scored pair with its explanation.

    `parts` holds the sub-scores, `reasons` and `gaps` the sentences as {"ja": [...], "en": [...]}.
    `tie` orders equal scores: a hash of the texts, so that no date and no id decides.
    `original_id` is the call that stands for this one among calls with nearly the same text (itself
    when there is none): a list shows one of them.
    """

    __tablename__ = "match"
    __table_args__ = (
        Index("ix_match_call_id_score", "call_id", "score"),
        Index("ix_match_solution_id_score", "solution_id", "score"),
    )
    call_id: Mapped[int] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    solution_id: Mapped[int] = mapped_column(
        ForeignKey("solution.id", ondelete="CASCADE"), primary_key=True
    )
    epoch_id: Mapped[int]
    original_id: Mapped[int]
    score: Mapped[float]
    tie: Mapped[str] = mapped_column(String(64))
    parts: Mapped[dict[str, Any]] = mapped_column(JSON)
    reasons: Mapped[dict[str, Any]] = mapped_column(JSON)
    gaps: Mapped[dict[str, Any]] = mapped_column(JSON)
    call: Mapped[Call] = relationship()
    solution: Mapped[Solution] = relationship()
