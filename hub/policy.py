"""Who may do what: one table. An action is allowed when every predicate of any one row holds.

`MAY` is the whole truth; views, rules and templates all ask `allowed`. An action whose subject
has a `….read` row is answered 404 when that row fails (the actor may not know of the subject)
and 403 when only the action itself is refused (`verdict`).
"""

from collections.abc import Callable
from typing import Any, Literal

from hub.models.desk import Desk
from hub.models.listing import Call, Solution
from hub.models.organisation import Membership, Organisation, User

Actor = User | None
Predicate = Callable[[Actor, Any], bool]
PUBLIC_STATES = ("published", "closed")


def _organisation_of(subject: Any) -> Organisation:
    return subject if isinstance(subject, Organisation) else subject.organisation


def role_of(actor: Actor, organisation: Organisation) -> str | None:
    """The actor's active role in the organisation, or None."""
    if actor is None:
        return None
    for membership in actor.memberships:
        if membership.organisation_id == organisation.id and membership.state == "active":
            return membership.role
    return None


def anyone(actor: Actor, subject: Any) -> bool:
    return True


def signed_in(actor: Actor, subject: Any) -> bool:
    return actor is not None


def is_operator(actor: Actor, subject: Any) -> bool:
    return actor is not None and actor.is_operator


def is_member(actor: Actor, subject: Any) -> bool:
    return role_of(actor, _organisation_of(subject)) is not None


def is_editor(actor: Actor, subject: Any) -> bool:
    return role_of(actor, _organisation_of(subject)) in ("owner", "editor")


def is_owner(actor: Actor, subject: Any) -> bool:
    return role_of(actor, _organisation_of(subject)) == "owner"


def has_no_tie(actor: Actor, subject: Any) -> bool:
    """Neither a member nor someone whose request is waiting."""
    if actor is None:
        return False
    organisation = _organisation_of(subject)
    return all(m.organisation_id != organisation.id for m in actor.memberships)


def is_public(actor: Actor, subject: Call | Solution) -> bool:
    return subject.state in PUBLIC_STATES


def is_live(actor: Actor, subject: Call | Solution) -> bool:
    """Still in somebody's hands: a draft or published."""
    return subject.state in ("draft", "published")


def is_of_company(actor: Actor, subject: Any) -> bool:
    """Belongs to a company, whichever."""
    return actor is not None and any(
        m.state == "active" and m.organisation.kind == "company" for m in actor.memberships
    )


def posts_calls(actor: Actor, subject: Any) -> bool:
    return _organisation_of(subject).kind == "municipality"


def posts_solutions(actor: Actor, subject: Any) -> bool:
    return _organisation_of(subject).kind == "company"


def is_verified(actor: Actor, subject: Any) -> bool:
    return _organisation_of(subject).verified_at is not None


def is_unverified_municipality(actor: Actor, subject: Organisation) -> bool:
    return subject.kind == "municipality" and subject.verified_at is None


def is_public_desk(actor: Actor, subject: Desk) -> bool:
    return subject.state == "published" and subject.organisation.verified_at is not None


def is_own(actor: Actor, subject: Membership) -> bool:
    return actor is not None and subject.user_id == actor.id


def is_waiting(actor: Actor, subject: Membership) -> bool:
    return subject.state == "requested"


MAY: dict[str, list[list[Predicate]]] = {
    "account.use": [[signed_in]],
    "organisation.create": [[signed_in]],
    "organisation.read": [[anyone]],
    "organisation.enter": [[is_member]],
    "organisation.edit": [[is_owner]],
    "organisation.answer": [[is_editor, posts_calls], [is_editor, posts_solutions]],
    "organisation.join": [[has_no_tie]],
    "organisation.verify": [[is_operator]],  # once more changes nothing
    "organisation.refuse": [[is_operator, is_unverified_municipality]],
    "membership.read": [[is_member]],
    "membership.answer": [[is_owner, is_waiting]],
    "membership.digest": [[is_editor, is_own]],
    "operator.enter": [[is_operator]],
    # Who holds the link of a mail, or knows number and address, is let in by the rules themselves.
    "alert.subscribe": [[anyone]],
    "alert.read": [[anyone]],
    "alert.confirm": [[anyone]],
    "alert.end": [[anyone]],
    "digest.answer": [[anyone]],
    "digest.end": [[anyone]],
    "call.read": [[is_public], [is_member], [is_operator]],
    "call.create": [[is_editor, posts_calls]],
    "call.edit": [[is_editor, is_live]],
    "call.preview": [[is_member]],
    "call.publish": [[is_editor, is_verified]],
    "call.close": [[is_editor]],
    "call.discard": [[is_editor]],
    "call.matches": [[is_member]],
    "call.why": [[is_public, is_of_company]],
    # The subject of an answer is a pair; its organisation is the one whose list holds it.
    "feedback.read": [[is_member]],
    "feedback.give": [[is_editor]],
    "desk.read": [[is_public_desk], [is_member], [is_operator]],
    "desk.create": [[is_editor, posts_calls]],
    "desk.edit": [[is_editor]],
    "desk.publish": [[is_editor, is_verified]],
    "desk.withdraw": [[is_editor]],
    "solution.read": [[is_public], [is_member], [is_operator]],
    "solution.create": [[is_editor, posts_solutions]],
    "solution.edit": [[is_editor, is_live]],
    "solution.preview": [[is_member]],
    "solution.publish": [[is_editor]],
    "solution.close": [[is_editor]],
    "solution.discard": [[is_editor]],
    "solution.matches": [[is_member]],
}

# What an actor must be allowed before the subject's existence may be admitted.
KNOW = {
    "organisation.enter": "organisation.enter",
    "organisation.edit": "organisation.enter",
    "organisation.verify": "operator.enter",
    "organisation.refuse": "operator.enter",
    "call.create": "organisation.enter",
    "desk.create": "organisation.enter",
    "solution.create": "organisation.enter",
    "operator.enter": "operator.enter",
}


def allowed(actor: Actor, action: str, subject: Any = None) -> bool:
    """Whether `actor` may do `action` to `subject`. An unknown action is a KeyError."""
    return any(all(holds(actor, subject) for holds in row) for row in MAY[action])


def verdict(
    actor: Actor, action: str, subject: Any = None
) -> Literal["yes", "unknown", "sign in", "no"]:
    """`allowed`, and if not, why: the actor may not know, must sign in first, or may not act."""
    if allowed(actor, action, subject):
        return "yes"
    know = KNOW.get(action, f"{action.split('.')[0]}.read")
    if know in MAY and know != action and not allowed(actor, know, subject):
        return "sign in" if actor is None and know == "organisation.enter" else "unknown"
    if action.endswith(".read") or know == "operator.enter" == action:
        return "unknown"
    if actor is None:
        return "sign in"
    return "unknown" if know == action else "no"
