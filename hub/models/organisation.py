"""Organisations and the people in them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.models.base import Base
from hub.models.reference import Municipality, Prefecture

LEGAL_FORMS = (
    "corporation",
    "sole_proprietor",
    "npo",
    "cooperative",
    "university",
    "foundation",
    "other",
)
ROLES = ("owner", "editor", "viewer")


class User(Base):
    """A person with an account. Rights belong to memberships, never to the person.

    `email_confirmed_at` is when a link that only a mail to the address held was first used.
    """

    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    is_operator: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    email_confirmed_at: Mapped[datetime | None]
    memberships: Mapped[list["Membership"]] = relationship(back_populates="user")


class SignIn(Base):
    """One signed-in browser, kept on our side so that signing out revokes a copied cookie."""

    __tablename__ = "sign_in"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class Organisation(Base):
    """団体: a municipality (or prefecture), a company of any form and size, an intermediary."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("kind IN ('municipality', 'company', 'intermediary')", name="kind"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str] = mapped_column(String(16), index=True)
    name: Mapped[str] = mapped_column(String(120))
    name_kana: Mapped[str] = mapped_column(String(240), default="")
    legal_form: Mapped[str | None] = mapped_column(String(32))
    corporate_number: Mapped[str | None] = mapped_column(String(13), unique=True)
    body_code: Mapped[str | None] = mapped_column(String(6), unique=True)
    municipality_code: Mapped[str | None] = mapped_column(ForeignKey("municipality.code"))
    prefecture_code: Mapped[str | None] = mapped_column(ForeignKey("prefecture.code"))
    about: Mapped[str] = mapped_column(default="")
    website: Mapped[str] = mapped_column(String(300), default="")
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    prefecture: Mapped[Prefecture | None] = relationship()
    municipality: Mapped[Municipality | None] = relationship()
    memberships: Mapped[list["Membership"]] = relationship(back_populates="organisation")

    @property
    def full_name(self) -> str:
        """The name to show: a municipality always with its prefecture."""
        return self.municipality.full_name if self.municipality else self.name


class SizeFacts(Base):
    """Size of a company. A table of its own, which nothing that ranks may read."""

    __tablename__ = "size_facts"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    employees: Mapped[int | None]
    capital_yen: Mapped[int | None] = mapped_column(BigInteger)
    founded_year: Mapped[int | None]


class Partner(Base):
    """提携: a municipality that an intermediary works with."""

    __tablename__ = "partner"
    intermediary_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    body_code: Mapped[str] = mapped_column(String(6), primary_key=True)


class Membership(Base):
    """所属: a person's role in an organisation; a request until an owner accepts it."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("user_id", "organisation_id"),
        CheckConstraint("role IN ('owner', 'editor', 'viewer')", name="role"),
        CheckConstraint("state IN ('active', 'requested')", name="state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    user: Mapped[User] = relationship(back_populates="memberships")
    organisation: Mapped[Organisation] = relationship(back_populates="memberships")
