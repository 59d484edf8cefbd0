"""Desks 官民連携窓口: describing, publishing, pausing."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, select
from sqlalchemy.orm import Session

from hub.clock import to_jst
from hub.domain import audit, dealing, listings
from hub.domain.errors import Problem, Refused, raise_any, refuse
from hub.domain.inputs import fold, parse_email, parse_url
from hub.domain.permission import require
from hub.domain.status import desk_rests
from hub.i18n import N_
from hub.models.desk import Desk
from hub.models.organisation import Organisation, User

LINES = ("name", "department", "url", "phone", "email", "hours", "pause_reason")
TEXTS = ("takes", "rules")
REPLY_DAYS_MAX = 90
CAPACITY_MAX = 999
_INTAKE = {"state", "paused", "paused_until", "capacity"}  # what decides how many firms are told
LABELS = {
    "name": N_("窓口の名前"),
    "department": N_("担当部署"),
    "takes": N_("どんな提案を受けるか"),
    "reply_days": N_("返事までの日数"),
    "capacity": N_("同時に受けられる提案の数"),
    "url": N_("ウェブページ"),
    "phone": N_("電話"),
    "email": N_("メールアドレス"),
    "hours": N_("受付時間"),
    "rules": N_("提案のきまり"),
    "paused": N_("受付を休む"),
    "pause_reason": N_("休む理由"),
    "paused_until": N_("いつまで休むか"),
}
LIMITS = {
    name: (LABELS[name], limit)
    for name, limit in (
        ("name", listings.TITLE_MAX),
        ("department", listings.LINE_MAX),
        ("takes", listings.PROMPT_MAX),
        ("phone", 40),
        ("hours", 200),
        ("rules", listings.PROMPT_MAX),
        ("pause_reason", 200),
    )
}
REQUIRED = {name: LABELS[name] for name in ("name", "takes", "reply_days")}
_DAYS = re.compile(r"([0-9]{1,3})(?:営業|working)?\s*(?:日|days?)?(?:以内)?")
_NUMBER = re.compile(r"([0-9]{1,4})\s*(?:件|proposals?)?(?:まで)?")
_PHONE = re.compile(r"0[0-9]{9,10}")


@dataclass(frozen=True, kw_only=True)
class DeskValues:
    """Everything an officer writes about a desk, as typed; a draft may leave anything empty."""

    name: str = ""
    department: str = ""
    takes: str = ""
    url: str = ""
    phone: str = ""
    email: str = ""
    reply_days: str = ""
    capacity: str = ""
    hours: str = ""
    rules: str = ""
    paused: bool = False
    pause_reason: str = ""
    paused_until: date | None = None


def create(
    session: Session,
    organisation: Organisation,
    values: DeskValues,
    *,
    actor: User | None,
    now: datetime,
) -> Desk:
    """Store a draft. Raises Forbidden, Refused."""
    require(actor, "desk.create", organisation)
    desk = Desk(organisation=organisation, created_at=now, updated_at=now)
    listings.apply(desk, _checked(values))
    session.add(desk)
    session.flush()
    audit.trail(session, "desk.create", desk, actor, now, {}, {"name": desk.name})
    return desk


def change(
    session: Session,
    desk: Desk,
    values: DeskValues,
    *,
    actor: User | None,
    now: datetime,
    expected_version: int,
) -> None:
    """Change what a desk says, or pause it; a published one must stay publishable.

    Raises Forbidden, Conflict, Refused. Nothing is changed then.
    """
    found = _checked(values)
    listings.lock(session, desk, expected_version)
    require(actor, "desk.edit", desk)
    if desk.state == "published":
        raise_any(_unready(found))
    before, after = listings.apply(desk, found)
    if after:
        _changed(session, "desk.change", desk, actor, now, before, after)


def publish(
    session: Session, desk: Desk, *, actor: User | None, now: datetime, expected_version: int
) -> None:
    """Make the desk public. Raises Forbidden (not verified …), Conflict, Refused (not ready)."""
    listings.lock(session, desk, expected_version)
    require(actor, "desk.publish", desk)
    raise_any(unready(desk))
    desk.published_at = now
    _move(session, "desk.publish", desk, "published", actor, now)


def withdraw(
    session: Session, desk: Desk, *, actor: User | None, now: datetime, expected_version: int
) -> None:
    """Take the desk back into drafts. Raises Forbidden, Conflict, Refused (is a draft)."""
    listings.lock(session, desk, expected_version)
    require(actor, "desk.withdraw", desk)
    _move(session, "desk.withdraw", desk, "draft", actor, now)


def unready(desk: Desk) -> list[Problem]:
    """What still stands between the draft and its publication, one sentence each."""
    return _unready(values_of(desk))


def values_of(desk: Desk) -> dict[str, Any]:
    """The desk's present values, by the names of DeskValues."""
    return {name: getattr(desk, name) for name in DeskValues.__dataclass_fields__}


def is_paused(desk: Desk, now: datetime) -> bool:
    """Whether the desk takes nothing now. The last day of a pause is still paused."""
    over = desk.paused_until is not None and desk.paused_until < to_jst(now).date()
    return desk.paused and not over


def rest_ends(session: Session, town: Organisation) -> date | None:
    """The last day on which all public desks of a resting town rest; None if none was named."""
    return session.scalar(
        select(func.min(Desk.paused_until)).where(
            Desk.organisation_id == town.id, Desk.state == "published"
        )
    )


def taking(now: datetime) -> ColumnElement[bool]:
    """The same as SQL, turned round: true for public desks that take proposals now.

    Needs the organisation joined.
    """
    return and_(
        Desk.state == "published", Organisation.verified_at.is_not(None), not_(desk_rests(now))
    )


def turn(desk: Desk, now: datetime) -> bytes:
    """Where a desk stands among its equals: elsewhere every day, so that no town is always first."""
    day = to_jst(now).date().isoformat()
    return hashlib.blake2b(f"{day} {desk.id}".encode(), digest_size=8).digest()


def _unready(values: dict[str, Any]) -> list[Problem]:
    problems = listings.missing(values, REQUIRED)
    if not (values["url"] or values["phone"] or values["email"]):
        problems.append(
            Problem("url", N_("ウェブページ、電話、メールのどれか1つを入力してください"))
        )
    return problems


def _checked(values: DeskValues) -> dict[str, Any]:
    """Clean the texts and check what even a draft must keep to."""
    found = listings.cleaned(values, LINES, TEXTS)
    problems = listings.too_long(found, LIMITS)
    for name, parse in _PARSERS:
        try:
            found[name] = parse(found[name])
        except Refused as refused:
            problems += refused.problems
    if not found["paused"]:
        found |= {"pause_reason": "", "paused_until": None}
    elif not found["pause_reason"]:
        problems.append(
            Problem("pause_reason", N_("休む理由を、提案する人に分かるように書いてください"))
        )
    raise_any(problems)
    return found


def _url(text: str) -> str:
    return parse_url(text, field="url") or ""


def _email(text: str) -> str:
    return parse_email(text, field="email")[0] if text else ""


def _phone(text: str) -> str:
    """The number with plain digits and hyphens; an extension behind it is kept."""
    line = fold(text)
    if line and not _PHONE.search(re.sub("[-() ]", "", line)):
        raise refuse("phone", N_("電話は「0192-12-3456」のように市外局番から入力してください"))
    return line


def _days(text: str) -> int | None:
    line = fold(text)
    if not line:
        return None
    days = _DAYS.fullmatch(line.replace(" ", ""))
    if days is None or not 0 < int(days[1]) <= REPLY_DAYS_MAX:
        message = N_("返事までの日数は1から%(limit)dまでの数で入力してください")
        raise refuse("reply_days", message, limit=REPLY_DAYS_MAX)
    return int(days[1])


def _capacity(text: str) -> int | None:
    line = fold(text)
    if not line:
        return None
    count = _NUMBER.fullmatch(line)
    if count is None or not 0 < int(count[1]) <= CAPACITY_MAX:
        message = N_("同時に受けられる数は1から%(limit)dまでの数で入力してください")
        raise refuse("capacity", message, limit=CAPACITY_MAX)
    return int(count[1])


_PARSERS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("url", _url),
    ("phone", _phone),
    ("email", _email),
    ("reply_days", _days),
    ("capacity", _capacity),
)


def _move(
    session: Session, action: str, desk: Desk, to: str, actor: User | None, now: datetime
) -> None:
    if desk.state == to:
        raise refuse("state", N_("いまの状態ではこの操作はできません。ページを開き直してください"))
    before, desk.state = desk.state, to
    _changed(session, action, desk, actor, now, {"state": before}, {"state": to})


def _changed(
    session: Session,
    action: str,
    desk: Desk,
    actor: User | None,
    now: datetime,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    desk.updated_at = now
    desk.version += 1
    audit.trail(session, action, desk, actor, now, before, after)
    if _INTAKE & after.keys():
        dealing.ask_for_town(session, desk.organisation_id, cause=action, now=now)
