"""Calls and solutions: what the two sides post.

Choices of several values (themes, offers …) are small rows of their own, so that they can be
counted and joined; `themes`, `offers` … read and write them as lists of keys.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from hub.models.base import Base
from hub.models.organisation import Organisation
from hub.models.reference import Municipality

CALL_KINDS = ("pilot", "accelerator", "proposal", "collaboration")
BUDGET_KINDS = (
    "none",
    "actual_cost",
    "fixed",
    "subsidy",
    "contract",
    "undecided",
    "unstated",
)
ELIGIBILITY = ("juridical_person", "in_prefecture", "in_municipality")
STAGES = ("concept", "prototype", "product", "proven")
NATIONWIDE = "00"


class Listing:
    """Columns that calls and solutions share. `version` is also the optimistic lock."""

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(16), default="draft", index=True)
    title: Mapped[str] = mapped_column(String(120), default="")
    summary: Mapped[str] = mapped_column(String(400), default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @declared_attr
    @classmethod
    def organisation_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("organisation.id"), index=True)

    @declared_attr
    @classmethod
    def organisation(cls) -> Mapped[Organisation]:
        return relationship(Organisation)


class Call(Listing, Base):
    """募集: a municipality's open call."""

    __tablename__ = "call"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'published', 'closed', 'archived')", name="state"),
        CheckConstraint(
            "closes_at IS NULL OR opens_at IS NULL OR opens_at < closes_at", name="dates"
        ),
        CheckConstraint("budget_max_yen IS NULL OR budget_max_yen >= 0", name="budget"),
        Index("ix_call_state_closes_at", "state", "closes_at"),
    )
    subject = "call"

    department: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(32), default="")
    vision: Mapped[str] = mapped_column(default="")
    problem: Mapped[str] = mapped_column(default="")
    tried: Mapped[str] = mapped_column(default="")
    offered: Mapped[str] = mapped_column(default="")
    wanted: Mapped[str] = mapped_column(default="")
    details: Mapped[str] = mapped_column(default="")
    budget_kind: Mapped[str] = mapped_column(String(16), default="unstated")
    budget_max_yen: Mapped[int | None] = mapped_column(BigInteger)
    budget_note: Mapped[str] = mapped_column(String(400), default="")
    eligibility: Mapped[str] = mapped_column(default="")
    place: Mapped[str] = mapped_column(String(200), default="")
    municipality_code: Mapped[str | None] = mapped_column(ForeignKey("municipality.code"))
    contact_policy: Mapped[str] = mapped_column(default="")
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]

    municipality: Mapped[Municipality | None] = relationship()
    theme_rows: Mapped[list["CallTheme"]] = relationship(
        cascade="all, delete-orphan", order_by="CallTheme.position"
    )
    offer_rows: Mapped[list["CallOffer"]] = relationship(
        cascade="all, delete-orphan", order_by="CallOffer.position"
    )
    eligibility_rows: Mapped[list["CallEligibility"]] = relationship(
        cascade="all, delete-orphan", order_by="CallEligibility.position"
    )
    themes: AssociationProxy[list[str]] = association_proxy("theme_rows", "key")
    offers: AssociationProxy[list[str]] = association_proxy("offer_rows", "key")
    eligibility_codes: AssociationProxy[list[str]] = association_proxy("eligibility_rows", "key")


class Solution(Listing, Base):
    """ソリューション: what a company of any size can do."""

    __tablename__ = "solution"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'published', 'closed', 'archived')", name="state"),
    )
    subject = "solution"

    solves: Mapped[str] = mapped_column(default="")
    brings: Mapped[str] = mapped_column(default="")
    asks_text: Mapped[str] = mapped_column(default="")
    evidence: Mapped[str] = mapped_column(default="")
    stage: Mapped[str | None] = mapped_column(String(16))

    theme_rows: Mapped[list["SolutionTheme"]] = relationship(
        cascade="all, delete-orphan", order_by="SolutionTheme.position"
    )
    ask_rows: Mapped[list["SolutionAsk"]] = relationship(
        cascade="all, delete-orphan", order_by="SolutionAsk.position"
    )
    kind_rows: Mapped[list["SolutionKind"]] = relationship(
        cascade="all, delete-orphan", order_by="SolutionKind.position"
    )
    area_rows: Mapped[list["SolutionArea"]] = relationship(
        cascade="all, delete-orphan", order_by="SolutionArea.position"
    )
    themes: AssociationProxy[list[str]] = association_proxy("theme_rows", "key")
    asks: AssociationProxy[list[str]] = association_proxy("ask_rows", "key")
    kinds: AssociationProxy[list[str]] = association_proxy("kind_rows", "key")
    areas: AssociationProxy[list[str]] = association_proxy("area_rows", "key")


class _Choice:
    """One chosen key of a listing; `position` keeps the order it was chosen in."""

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)

    def __init__(self, key: str, position: int = 0) -> None:
        self.key = key
        self.position = position


class _CallChoice(_Choice):
    @declared_attr
    @classmethod
    def call_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("call.id", ondelete="CASCADE"), primary_key=True)


class _SolutionChoice(_Choice):
    @declared_attr
    @classmethod
    def solution_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("solution.id", ondelete="CASCADE"), primary_key=True)


class CallTheme(_CallChoice, Base):
    __tablename__ = "call_theme"
    key: Mapped[str] = mapped_column(ForeignKey("theme.key"), primary_key=True)


class CallOffer(_CallChoice, Base):
    __tablename__ = "call_offer"
    key: Mapped[str] = mapped_column(ForeignKey("offer.key"), primary_key=True)


class CallEligibility(_CallChoice, Base):
    __tablename__ = "call_eligibility"


class SolutionTheme(_SolutionChoice, Base):
    __tablename__ = "solution_theme"
    key: Mapped[str] = mapped_column(ForeignKey("theme.key"), primary_key=True)


class SolutionAsk(_SolutionChoice, Base):
    __tablename__ = "solution_ask"
    key: Mapped[str] = mapped_column(ForeignKey("offer.key"), primary_key=True)


class SolutionKind(_SolutionChoice, Base):
    __tablename__ = "solution_kind"


class SolutionArea(_SolutionChoice, Base):
    """A prefecture where the solution can be delivered; `00` means the whole country."""

    __tablename__ = "solution_area"
