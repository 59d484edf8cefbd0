"""Tables and enumerations, one module per subject; no behaviour beyond invariants."""

from hub.models.alert import Alert, AlertSeen, Mail
from hub.models.base import Base
from hub.models.desk import Desk
from hub.models.listing import Call, Solution
from hub.models.organisation import Membership, Organisation, Partner, SignIn, SizeFacts, User
from hub.models.reference import CallKind, Municipality, Offer, Prefecture, Region, Theme
from hub.models.work import (
    AuditEvent,
    Embedding,
    EmbeddingModel,
    Epoch,
    Match,
    MatchState,
    OutboxTask,
    Vector,
)

__all__ = [
    "Alert",
    "AlertSeen",
    "AuditEvent",
    "Base",
    "Call",
    "CallKind",
    "Desk",
    "Embedding",
    "EmbeddingModel",
    "Epoch",
    "Mail",
    "Match",
    "MatchState",
    "Membership",
    "Municipality",
    "Offer",
    "Organisation",
    "OutboxTask",
    "Partner",
    "Prefecture",
    "Region",
    "SignIn",
    "SizeFacts",
    "Solution",
    "Theme",
    "User",
    "Vector",
]
