"""Desks 官民連携窓口: where a municipality takes proposals that answer no call."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.models.base import Base
from hub.models.organisation import Organisation


class Desk(Base):
    """A standing intake. `reply_days` are working days; `paused_until` is a date in Japan.

    `capacity` is how many proposals the town can look at at the same time (null: not stated).
    """

    __tablename__ = "desk"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'published')", name="state"),
        CheckConstraint("reply_days IS NULL OR reply_days > 0", name="reply_days"),
        CheckConstraint("capacity IS NULL OR capacity > 0", name="capacity"),
    )
    subject = "desk"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(16), default="draft")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    department: Mapped[str] = mapped_column(String(120), default="")
    takes: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(String(300), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    reply_days: Mapped[int | None]
    capacity: Mapped[int | None]
    hours: Mapped[str] = mapped_column(String(200), default="")
    rules: Mapped[str] = mapped_column(default="")
    paused: Mapped[bool] = mapped_column(default=False)
    pause_reason: Mapped[str] = mapped_column(String(200), default="")
    paused_until: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    organisation: Mapped[Organisation] = relationship()
