"""What background work leaves behind: the outbox, the audit trail, the vectors of passages."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from hub.models.base import Base

TASK_KINDS = ("index", "match", "embed", "deal", "explain")
CHANGE_KINDS = ("index", "match")  # what a change asks for; indexing then asks for "embed"
# "deal" and "explain" tasks name a list: of a "call", or of a "firm" by its organisation.


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
