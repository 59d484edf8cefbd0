"""What matching keeps: statistics, scored pairs, the lists dealt from them, answers, audits.

Words: a *pair* is a call and a solution; a *list* is what is recommended to one call (solutions)
or to one firm (calls); a *place* is one rank of a list.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.models.base import Base
from hub.models.listing import Call, Solution

LISTS = ("call", "firm")
HOWS = ("merit", "turn", "reserve")
VERDICTS = ("interested", "declined", "proposed", "hidden")
_CURRENT = text("ends_at IS NULL")


class Epoch(Base):
    """A frozen set of matching statistics. `snapshot` is what every worker loads.

    `model` is the model whose vectors it was made from ("" for none), `dealt_at` when the whole
    market was dealt in it (null: not yet).
    """

    __tablename__ = "epoch"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[datetime]
    calls: Mapped[int]
    solutions: Mapped[int]
    model: Mapped[str] = mapped_column(String(200), default="")
    dealt_at: Mapped[datetime | None]
    snapshot: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class Vector(Base):
    """A listing as it was matched last: its text as counts, so that no job need analyse it again.

    `fingerprint` marks the content and the rules that `data` was made from. `serial` grows with
    every change of the table, so that a worker reads only what has changed since it last looked;
    a listing that was withdrawn stays behind as a row that is `gone`, without data.
    """

    __tablename__ = "vector"
    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    serial: Mapped[int] = mapped_column(BigInteger, unique=True)
    gone: Mapped[bool] = mapped_column(default=False)
    fingerprint: Mapped[str] = mapped_column(String(64))
    data: Mapped[bytes] = mapped_column(LargeBinary)


class MatchState(Base):
    """Which text of a listing its matches were made from; `hub doctor` compares it.

    `original_id` is the listing of the same kind that stands for this one, because it was
    published before with nearly the same text (null: it stands for itself).
    """

    __tablename__ = "match_state"
    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    epoch_id: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String(64))
    matched_at: Mapped[datetime]
    original_id: Mapped[int | None]


class Match(Base):
    """マッチ: a scored pair.

    `score` is what people see and lists go by, `raw` what it was calibrated from, `prose` the
    factor for texts that are bare lists of words. `parts` holds the sub-scores (null: a side does
    not state it). `tie` orders equal scores: a hash of the texts, so that no date and no id
    decides. `original_id` is the call that stands for this one among calls with nearly the same
    text (itself when there is none): a list shows one of them. `town_id` and `firm_id` are the
    organisations behind the two listings. `reasons` and `gaps` hold the sentences as
    {"ja": [...], "en": [...]}; pairs that no list shows are not explained (null).
    """

    __tablename__ = "match"
    __table_args__ = (
        Index("ix_match_call_id_score", "call_id", "score"),
        Index("ix_match_solution_id_score", "solution_id", "score"),
        Index("ix_match_firm_id_score", "firm_id", "score"),
    )
    call_id: Mapped[int] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    solution_id: Mapped[int] = mapped_column(
        ForeignKey("solution.id", ondelete="CASCADE"), primary_key=True
    )
    epoch_id: Mapped[int]
    original_id: Mapped[int]
    town_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    firm_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    score: Mapped[float]
    raw: Mapped[float]
    prose: Mapped[float]
    tie: Mapped[str] = mapped_column(String(16))
    parts: Mapped[dict[str, Any]] = mapped_column(JSON)
    reasons: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    gaps: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    call: Mapped[Call] = relationship()
    solution: Mapped[Solution] = relationship()


class MatchList(Base):
    """A list as it was dealt last: of a call, or (`kind` "firm") of an organisation.

    `suitable` counts the firms (for a firm: the calls) that clear the gate of the reserve, whether
    they got a place or not; `loss` is the share of the predicted value that fairness took from
    the list. Every published call has exactly one row here, a list without places too.
    """

    __tablename__ = "match_list"
    __table_args__ = (CheckConstraint("kind IN ('call', 'firm')", name="kind"),)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    owner_id: Mapped[int] = mapped_column(primary_key=True)
    epoch_id: Mapped[int]
    dealt_at: Mapped[datetime]
    suitable: Mapped[int] = mapped_column(default=0)
    loss: Mapped[float] = mapped_column(default=0.0)


class Place(Base):
    """A place of a list from `begins_at` until `ends_at` (null: now); never changed otherwise.

    Places that have ended are the history that the audit reads. `rank` counts from 1. `how` tells
    how it was won: by merit, by its turn among near ties, from the reserve for the unseen.
    """

    __tablename__ = "place"
    __table_args__ = (
        CheckConstraint("kind IN ('call', 'firm')", name="kind"),
        CheckConstraint("how IN ('merit', 'turn', 'reserve')", name="how"),
        CheckConstraint("rank > 0", name="rank"),
        Index(
            "ux_place_rank",
            "kind",
            "owner_id",
            "rank",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
        Index(
            "ux_place_pair",
            "kind",
            "owner_id",
            "call_id",
            "solution_id",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
        Index("ix_place_firm_id", "firm_id", "kind", "ends_at"),
        Index("ix_place_call_id", "call_id", "kind", "ends_at"),
        Index("ix_place_ends_at", "ends_at", "begins_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    owner_id: Mapped[int]
    rank: Mapped[int]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    solution_id: Mapped[int] = mapped_column(ForeignKey("solution.id", ondelete="CASCADE"))
    firm_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    town_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    value: Mapped[float]
    how: Mapped[str] = mapped_column(String(8))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]


class Standing(Base):
    """What the allocation remembers of a firm: nothing about who it is, only what it was owed.

    `debt` grows while the firm suits some open call and holds no place; `shift` is the nudge among
    near ties. `waits_since` is when it began to suit a call without having a place (null: does
    not wait), `placed_at` when it first got a place in a call's list.
    """

    __tablename__ = "standing"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    debt: Mapped[float] = mapped_column(default=0.0)
    shift: Mapped[float] = mapped_column(default=0.0)
    waits_since: Mapped[datetime | None]
    placed_at: Mapped[datetime | None]


class Feedback(Base):
    """What an organisation said of a recommended pair. It moves that organisation's list alone."""

    __tablename__ = "feedback"
    __table_args__ = (
        CheckConstraint(
            "verdict IN ('interested', 'declined', 'proposed', 'hidden')", name="verdict"
        ),
        Index("ix_feedback_call_id", "call_id"),
        Index("ix_feedback_solution_id", "solution_id"),
    )
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    call_id: Mapped[int] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    solution_id: Mapped[int] = mapped_column(
        ForeignKey("solution.id", ondelete="CASCADE"), primary_key=True
    )
    verdict: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(24), default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    # As it stood when it was answered, for refitting the weights: rank, value, parts.
    seen: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    call: Mapped[Call] = relationship()
    solution: Mapped[Solution] = relationship()


class Question(Base):
    """A question only the matcher can answer: who would see this draft, why is this pair not shown.

    `mark` says what it was asked about (versions, epoch); an answer to another mark is stale.
    `solution_id` is 0 for a preview. `answer` is null until a worker has written it.
    """

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint("kind IN ('preview', 'why')", name="kind"),
        UniqueConstraint("kind", "call_id", "solution_id"),
        Index("ix_question_answered_at", "answered_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    solution_id: Mapped[int]
    mark: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class AuditReport(Base):
    """The public audit of one week (`2026-W48`, Monday to Sunday in Japan).

    `dial` is the δ that was in force during the week, `next_dial` the one the audit asks for.
    """

    __tablename__ = "audit_report"
    week: Mapped[str] = mapped_column(String(8), primary_key=True)
    made_at: Mapped[datetime]
    dial: Mapped[float]
    next_dial: Mapped[float]
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
