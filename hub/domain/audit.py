"""The audit trail: one event for each change, in the same transaction."""

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.models.desk import Desk
from hub.models.listing import Call, Solution
from hub.models.organisation import User
from hub.models.work import AuditEvent


def record(
    session: Session,
    action: str,
    subject: str,
    subject_id: int | None,
    *,
    actor: User | None,
    now: datetime,
    organisation_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add an event. `actor` is None only for the system itself (seeds, commands)."""
    session.add(
        AuditEvent(
            at=now,
            actor_id=actor.id if actor else None,
            organisation_id=organisation_id,
            action=action,
            subject=subject,
            subject_id=subject_id,
            before=_plain(before or {}),
            after=_plain(after or {}),
        )
    )


def trail(
    session: Session,
    action: str,
    row: Call | Solution | Desk,
    actor: User | None,
    now: datetime,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    """Add the event of a change to a row that has a version; its new version goes with it."""
    record(
        session,
        action,
        row.subject,
        row.id,
        actor=actor,
        organisation_id=row.organisation_id,
        now=now,
        before=before,
        after={**after, "version": row.version},
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, date) else value
        for key, value in values.items()
    }
