"""The morning's recommendations by mail: one for each membership, and what it has told of."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.models.base import Base
from hub.models.organisation import Membership


class Digest(Base):
    """朝のおすすめメール: whether a member of an organisation gets it, and when it is made next.

    The tokens of the ending link and of the answering links are made from `nonce` and the
    installation's secret; only their hashes are kept. `mailed` counts the mails that a server was
    given, as long as nobody has answered one.
    """

    __tablename__ = "digest"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'ended')", name="state"),
        CheckConstraint("language IN ('ja', 'en')", name="language"),
        Index("ix_digest_state_due_at", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    membership_id: Mapped[int] = mapped_column(
        ForeignKey("membership.id", ondelete="CASCADE"), unique=True
    )
    language: Mapped[str] = mapped_column(String(2), default="ja")
    state: Mapped[str] = mapped_column(String(8), default="active")
    nonce: Mapped[str] = mapped_column(String(43))
    end_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    last_sent_at: Mapped[datetime | None]
    mailed: Mapped[int] = mapped_column(default=0)
    membership: Mapped[Membership] = relationship()

    @property
    def email(self) -> str:
        """Where it goes: the member's own address."""
        return self.membership.user.email


class DigestCard(Base):
    """A pair that a digest has told of, in which mail; its link answers it for a while."""

    __tablename__ = "digest_card"
    digest_id: Mapped[int] = mapped_column(
        ForeignKey("digest.id", ondelete="CASCADE"), primary_key=True
    )
    call_id: Mapped[int] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    solution_id: Mapped[int] = mapped_column(
        ForeignKey("solution.id", ondelete="CASCADE"), primary_key=True
    )
    mail_id: Mapped[int | None] = mapped_column(
        ForeignKey("mail.id", ondelete="SET NULL"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    told_at: Mapped[datetime]
    digest: Mapped[Digest] = relationship()
