"""Calls 募集: drafting, publishing, changing, closing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.domain import listings
from hub.domain.errors import Problem, raise_any
from hub.domain.inputs import MAX_YEN
from hub.domain.permission import require
from hub.i18n import N_
from hub.models.listing import BUDGET_KINDS, CALL_KINDS, ELIGIBILITY, Call
from hub.models.organisation import Organisation, User
from hub.models.reference import Municipality, Offer, Theme

LINES = ("title", "department", "place", "budget_note")
TEXTS = (
    "summary",
    "vision",
    "problem",
    "tried",
    "offered",
    "wanted",
    "details",
    "eligibility",
    "contact_policy",
)
LABELS = {
    "title": N_("募集の題名"),
    "summary": N_("ひとことで言うと"),
    "kind": N_("募集の種類"),
    "department": N_("担当部署"),
    "vision": N_("めざす姿"),
    "problem": N_("困りごと"),
    "tried": N_("試したこと"),
    "offered": N_("提供できるもの"),
    "wanted": N_("求める提案"),
    "details": N_("くわしい説明"),
    "themes": N_("分野"),
    "offers": N_("提供できるもの（選択）"),
    "budget_kind": N_("お金の扱い"),
    "budget_note": N_("お金の補足"),
    "eligibility": N_("応募できる人"),
    "eligibility_codes": N_("応募の条件"),
    "place": N_("場所"),
    "municipality_code": N_("場所の市区町村"),
    "contact_policy": N_("応募と質問の送り先"),
}
LIMITS = {
    name: (LABELS[name], limit)
    for name, limit in (
        ("title", listings.TITLE_MAX),
        ("summary", listings.SUMMARY_MAX),
        ("department", listings.LINE_MAX),
        ("place", listings.LINE_MAX),
        ("budget_note", 200),
        ("vision", listings.PROMPT_MAX),
        ("problem", listings.PROMPT_MAX),
        ("tried", listings.PROMPT_MAX),
        ("offered", listings.PROMPT_MAX),
        ("wanted", listings.PROMPT_MAX),
        ("details", listings.DETAILS_MAX),
        ("eligibility", listings.PROMPT_MAX),
        ("contact_policy", listings.PROMPT_MAX),
    )
}
REQUIRED = {name: LABELS[name] for name in ("title", "kind", "problem", "themes", "contact_policy")}


@dataclass(frozen=True, kw_only=True)
class CallValues:
    """Everything an officer writes about a call; a draft may leave anything empty."""

    title: str = ""
    summary: str = ""
    department: str = ""
    kind: str = ""
    vision: str = ""
    problem: str = ""
    tried: str = ""
    offered: str = ""
    wanted: str = ""
    details: str = ""
    themes: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    budget_kind: str = "unstated"
    budget_max_yen: int | None = None
    budget_note: str = ""
    eligibility: str = ""
    eligibility_codes: tuple[str, ...] = ()
    place: str = ""
    municipality_code: str | None = None
    contact_policy: str = ""
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def create(
    session: Session,
    organisation: Organisation,
    values: CallValues,
    *,
    actor: User | None,
    now: datetime,
) -> Call:
    """Store a draft. Raises Forbidden, Refused."""
    require(actor, "call.create", organisation)
    found = _checked(session, values)
    call = Call(organisation=organisation, created_at=now, updated_at=now)
    listings.apply(call, found)
    listings.created(session, call, actor=actor, now=now)
    return call


def change(
    session: Session,
    call: Call,
    values: CallValues,
    *,
    actor: User | None,
    now: datetime,
    expected_version: int,
) -> None:
    """Change a draft or a published call; the published one must stay publishable.

    Raises Forbidden, Conflict (someone else was faster), Refused. Nothing is changed then.
    """
    found = _checked(session, values)
    listings.lock(session, call, expected_version)
    require(actor, "call.edit", call)
    if call.state == "published":
        dates = found["closes_at"] != call.closes_at
        raise_any(_unready(found, now if dates else None))
    listings.save(session, call, found, actor=actor, now=now)


def publish(
    session: Session, call: Call, *, actor: User | None, now: datetime, expected_version: int
) -> None:
    """Make the call public. Raises Forbidden (not verified …), Conflict, Refused (not ready)."""
    listings.lock(session, call, expected_version)
    if call.state == "draft":
        require(actor, "call.publish", call)
        raise_any(unready(call, now))
        if call.opens_at is None:
            call.opens_at = now.replace(second=0, microsecond=0)  # times are kept to the minute
    listings.move(
        session, call, "published", actor=actor, now=now, expected_version=expected_version
    )


def close(
    session: Session, call: Call, *, actor: User | None, now: datetime, expected_version: int
) -> None:
    """Close by hand; the page stays readable. Raises Forbidden, Conflict, Refused."""
    listings.move(session, call, "closed", actor=actor, now=now, expected_version=expected_version)


def discard(
    session: Session, call: Call, *, actor: User | None, now: datetime, expected_version: int
) -> None:
    """Put a draft away for good. Raises Forbidden, Conflict, Refused."""
    listings.move(
        session, call, "archived", actor=actor, now=now, expected_version=expected_version
    )


def unready(call: Call, now: datetime) -> list[Problem]:
    """What still stands between the draft and its publication, one sentence each."""
    return _unready(values_of(call), now)


def values_of(call: Call) -> dict[str, Any]:
    """The call's present values, by the names of CallValues."""
    found: dict[str, Any] = {}
    for name in CallValues.__dataclass_fields__:
        value = getattr(call, name)
        found[name] = tuple(value) if name in _CHOICES else value
    return found


_CHOICES = ("themes", "offers", "eligibility_codes")


def _unready(values: dict[str, Any], now: datetime | None) -> list[Problem]:
    problems = listings.missing(values, REQUIRED)
    closes_at = values["closes_at"]
    if now is not None and closes_at is not None and closes_at <= now:
        problems.append(Problem("closes_on", N_("締切はいまより後の日時にしてください")))
    return problems


def _checked(session: Session, values: CallValues) -> dict[str, Any]:
    """Clean the texts and check what even a draft must keep to."""
    found = listings.cleaned(values, LINES, TEXTS)
    found["municipality_code"] = found["municipality_code"] or None
    problems = listings.too_long(found, LIMITS)
    problems += listings.too_many_themes(found)
    problems += listings.bad_choice(
        found,
        {
            "kind": (LABELS["kind"], frozenset(CALL_KINDS)),
            "themes": (LABELS["themes"], frozenset(session.scalars(select(Theme.key)))),
            "offers": (LABELS["offers"], frozenset(session.scalars(select(Offer.key)))),
            "budget_kind": (LABELS["budget_kind"], frozenset(BUDGET_KINDS)),
            "eligibility_codes": (LABELS["eligibility_codes"], frozenset(ELIGIBILITY)),
        },
    )
    code = found["municipality_code"]
    if code is not None and session.get(Municipality, code) is None:
        problems.append(Problem("municipality_code", N_("場所の市区町村を一覧から選んでください")))
    opens_at, closes_at = found["opens_at"], found["closes_at"]
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        problems.append(Problem("closes_on", N_("締切は受付開始より後の日時にしてください")))
    yen = found["budget_max_yen"]
    if yen is not None and found["budget_kind"] in ("none", "unstated"):
        message = N_(
            "金額を書くときは「お金の扱い」も選んでください。お金がないなら金額を空にしてください"
        )
        problems.append(Problem("budget_max", message))
    if yen is not None and not 0 <= yen <= MAX_YEN:
        problems.append(Problem("budget_max", N_("金額は10兆円より小さい数で入力してください")))
    raise_any(problems)
    return found
