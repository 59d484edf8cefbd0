"""What calls and solutions have in common: legal moves, the lock, lengths, the trail."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hub.domain import audit, outbox
from hub.domain.errors import Conflict, Problem, refuse
from hub.domain.inputs import clean_line, clean_text
from hub.domain.permission import require
from hub.i18n import N_
from hub.models.desk import Desk
from hub.models.listing import Call, Solution
from hub.models.organisation import User

TITLE_MAX = 100
SUMMARY_MAX = 150
PROMPT_MAX = 4000
DETAILS_MAX = 20000
LINE_MAX = 120
THEMES_MAX = 3
CHOSEN = frozenset(("kind", "themes"))  # fields that are chosen, not written

# (from, to): the action that the permission table knows. Anything else is refused.
MOVES = {
    ("draft", "published"): "publish",
    ("published", "closed"): "close",
    ("draft", "archived"): "discard",
}

Listing = Call | Solution


def lock(session: Session, row: Listing | Desk, expected_version: int) -> None:
    """Take the row for this transaction; raise Conflict if someone else changed it first."""
    session.flush()
    session.refresh(row, with_for_update=True)
    if row.version != expected_version:
        raise Conflict(row)


def move(
    session: Session,
    listing: Listing,
    to: str,
    *,
    actor: User | None,
    now: datetime,
    expected_version: int,
) -> None:
    """Change the state: raises the version, adds an audit event, notes index and matches."""
    lock(session, listing, expected_version)
    verb = MOVES.get((listing.state, to))
    if verb is None:
        raise refuse("state", N_("いまの状態ではこの操作はできません。ページを開き直してください"))
    action = f"{listing.subject}.{verb}"
    require(actor, action, listing)
    before = listing.state
    listing.state, listing.updated_at = to, now
    if to == "published":
        listing.published_at = now
    elif to == "closed":
        listing.closed_at = now
    listing.version += 1
    audit.trail(session, action, listing, actor, now, {"state": before}, {"state": to})
    outbox.note(session, listing, cause=action, now=now)


def apply(row: Listing | Desk, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write values onto the row; returns what changed as (before, after)."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, value in values.items():
        old = getattr(row, name)
        if isinstance(value, tuple):
            if list(old) != list(value):
                before[name], after[name] = list(old), list(value)
                _choose(row, name, value)
        elif old != value:
            before[name], after[name] = old, value
            setattr(row, name, value)
    return before, after


def _choose(row: Listing | Desk, name: str, keys: tuple[str, ...]) -> None:
    """Replace the chosen keys, keeping the rows that stay (their key is the primary key)."""
    chosen = getattr(row, name)
    for key in list(chosen):
        if key not in keys:
            chosen.remove(key)
    for key in keys:
        if key not in chosen:
            chosen.append(key)
    rows = getattr(row, getattr(type(row), name).target_collection)
    for one in rows:
        one.position = keys.index(one.key)
    rows.sort(key=lambda one: one.position)


def save(
    session: Session,
    listing: Listing,
    values: Mapping[str, Any],
    *,
    actor: User | None,
    now: datetime,
) -> None:
    """Write the values, raise the version, leave the trail; notes only what the public sees."""
    before, after = apply(listing, values)
    if not after:
        return
    listing.updated_at = now
    listing.version += 1
    audit.trail(session, f"{listing.subject}.change", listing, actor, now, before, after)
    if listing.state == "published":
        outbox.note(session, listing, cause=f"{listing.subject}.change", now=now)


def created(session: Session, listing: Listing, *, actor: User | None, now: datetime) -> None:
    """Store a new draft and its first audit event."""
    session.add(listing)
    session.flush()
    audit.trail(
        session, f"{listing.subject}.create", listing, actor, now, {}, {"title": listing.title}
    )


def cleaned(values: Any, lines: Iterable[str], texts: Iterable[str]) -> dict[str, Any]:
    """A dataclass of values as a mapping, with one-line and many-line texts cleaned."""
    found = asdict(values)
    for name in lines:
        found[name] = clean_line(found[name])
    for name in texts:
        found[name] = clean_text(found[name])
    return found


def too_long(values: Mapping[str, Any], limits: Mapping[str, tuple[str, int]]) -> list[Problem]:
    """A problem for each text over its limit. `limits`: field -> (label, characters)."""
    message = N_("「%(label)s」は%(limit)d文字以内にしてください（いま%(count)d文字です）")
    return [
        Problem(name, message, {"label": label, "limit": limit, "count": len(values[name])})
        for name, (label, limit) in limits.items()
        if len(values[name]) > limit
    ]


def missing(values: Mapping[str, Any], required: Mapping[str, str]) -> list[Problem]:
    """A problem for each empty value. `required`: field -> label."""
    write = N_("「%(label)s」を入力してください")
    choose = N_("「%(label)s」を選んでください")
    return [
        Problem(name, choose if name in CHOSEN else write, {"label": label})
        for name, label in required.items()
        if not values[name]
    ]


def bad_choice(
    values: Mapping[str, Any], allowed: Mapping[str, tuple[str, frozenset[str]]]
) -> list[Problem]:
    """A problem for each choice that is not on offer. `allowed`: field -> (label, keys)."""
    message = N_("「%(label)s」は一覧から選んでください")
    problems = []
    for name, (label, keys) in allowed.items():
        value = values[name]
        chosen = value if isinstance(value, tuple) else (value,) if value else ()
        if any(key not in keys for key in chosen):
            problems.append(Problem(name, message, {"label": label}))
    return problems


def too_many_themes(values: Mapping[str, Any]) -> list[Problem]:
    """Ticking everything would buy nothing: three themes at most."""
    count = len(values["themes"])
    if count <= THEMES_MAX:
        return []
    message = N_("分野は%(limit)dつまで選べます（いま%(count)dつです）")
    return [Problem("themes", message, {"limit": THEMES_MAX, "count": count})]
