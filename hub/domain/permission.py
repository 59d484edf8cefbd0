"""Rules ask the permission table before they change anything."""

from typing import Any

from hub.domain.errors import Forbidden
from hub.models.organisation import User
from hub.policy import allowed


def require(actor: User | None, action: str, subject: Any = None) -> None:
    """Raise Forbidden unless the table allows it."""
    if not allowed(actor, action, subject):
        raise Forbidden(action)
