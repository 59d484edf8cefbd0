"""Saved searches that send e-mail, and the mails waiting to go out."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.models.base import Base
from hub.models.digest import Digest


class Alert(Base):
    """通知: an address that wishes to hear of new listings of one search.

    `search` is the query string of `Search.lasting()`, `title` says it in the reader's language.
    The tokens of the confirming and the ending link are made from `nonce` and the installation's
    secret; only their hashes are kept. `due_at` is when the index is asked next, `looked_at` when
    it was asked last.
    """

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("email_key", "search_hash"),
        CheckConstraint("state IN ('pending', 'active', 'ended')", name="state"),
        CheckConstraint("target IN ('call', 'solution')", name="target"),
        CheckConstraint("language IN ('ja', 'en')", name="language"),
        Index("ix_alert_state_due_at", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    search: Mapped[str]
    search_hash: Mapped[str] = mapped_column(String(64))  # indexes take no long text
    target: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(8), default="pending")
    nonce: Mapped[str] = mapped_column(String(43))
    confirm_hash: Mapped[str] = mapped_column(String(64), unique=True)
    end_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    last_sent_at: Mapped[datetime | None]


class Mail(Base):
    """A mail on its way out, of an alert or of a digest. `key` lets nothing be queued twice.

    queued → sending → sent, or failed. `sending` is written just before the mail is handed over:
    from then on it may have arrived. Address and text are blanked once it is sent.
    """

    __tablename__ = "mail"
    __table_args__ = (
        CheckConstraint("kind IN ('confirm', 'known', 'news', 'digest')", name="kind"),
        CheckConstraint("(alert_id IS NULL) <> (digest_id IS NULL)", name="owner"),
        CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed')", name="state"),
        Index("ix_mail_state_due_at", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int | None] = mapped_column(
        ForeignKey("alert.id", ondelete="CASCADE"), index=True
    )
    digest_id: Mapped[int | None] = mapped_column(
        ForeignKey("digest.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(8))
    key: Mapped[str] = mapped_column(String(60), unique=True)
    recipient: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str]
    end_url: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(8), default="queued")
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    alert: Mapped[Alert | None] = relationship()
    digest: Mapped[Digest | None] = relationship()

    @property
    def owner(self) -> Alert | Digest:
        """What it is sent for."""
        found = self.alert or self.digest
        assert found is not None
        return found


class AlertSeen(Base):
    """A listing that an alert has told of, and in which mail."""

    __tablename__ = "alert_seen"
    alert_id: Mapped[int] = mapped_column(
        ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True
    )
    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    mail_id: Mapped[int | None] = mapped_column(
        ForeignKey("mail.id", ondelete="SET NULL"), index=True
    )
