"""Tables and enumerations, one module per subject; no behaviour beyond invariants."""

from hub.models.alert import Alert, AlertSeen, Mail
from hub.models.base import Base
from hub.models.desk import Desk
from hub.models.digest import Digest, DigestCard
from hub.models.listing import Call, Solution
from hub.models.matching import (
    AuditReport,
    Epoch,
    Feedback,
    Match,
    MatchList,
    MatchState,
    Place,
    Question,
    Standing,
    Vector,
)
from hub.models.organisation import Membership, Organisation, Partner, SignIn, SizeFacts, User
from hub.models.reference import CallKind, Municipality, Offer, Prefecture, Region, Theme
from hub.models.work import AuditEvent, Embedding, EmbeddingModel, OutboxTask

__all__ = [
    "Alert",
    "AlertSeen",
    "AuditEvent",
    "AuditReport",
    "Base",
    "Call",
    "CallKind",
    "Desk",
    "Digest",
    "DigestCard",
    "Embedding",
    "EmbeddingModel",
    "Epoch",
    "Feedback",
    "Mail",
    "Match",
    "MatchList",
    "MatchState",
    "Membership",
    "Municipality",
    "Offer",
    "Organisation",
    "OutboxTask",
    "Partner",
    "Place",
    "Prefecture",
    "Question",
    "Region",
    "SignIn",
    "SizeFacts",
    "Solution",
    "Standing",
    "Theme",
    "User",
    "Vector",
]
