"""Organisations: creating, joining, describing, confirming."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from hub.domain import audit, outbox
from hub.domain.codes import (
    is_public_body_number,
    municipality_corporate_number,
    parse_corporate_number,
)
from hub.domain.errors import Conflict, Problem, Refused, raise_any, refuse
from hub.domain.inputs import clean_line, clean_text, parse_url
from hub.domain.permission import require
from hub.i18n import N_
from hub.models.listing import Call, Solution
from hub.models.organisation import LEGAL_FORMS, ROLES, Membership, Organisation, User
from hub.models.reference import Municipality, Prefecture

NAME_MAX = 120
KANA_MAX = 240
ABOUT_MAX = 1000


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What an organisation says of itself. `corporate_number` is never required."""

    name: str
    name_kana: str = ""
    legal_form: str = ""
    corporate_number: str = ""
    prefecture_code: str = ""
    about: str = ""
    website: str = ""


def create(
    session: Session, kind: str, profile: Profile, *, actor: User, now: datetime
) -> Organisation:
    """Make a company or an intermediary with `actor` as its owner.

    Raises Refused (name missing, number wrong or used …).
    """
    require(actor, "organisation.create")
    if kind not in ("company", "intermediary"):
        raise refuse("kind", N_("団体の種類を選んでください"))
    organisation = Organisation(kind=kind, created_at=now)
    _describe(session, organisation, profile)
    return _found(session, organisation, actor=actor, now=now)


def claim(session: Session, body_code: str, *, actor: User, now: datetime) -> Membership:
    """Take up a municipality or prefecture by its six-digit code.

    The first person becomes its owner (it cannot publish before an operator confirms it); later
    ones ask the owners to let them in.
    """
    require(actor, "organisation.create")
    existing = session.scalar(
        select(Organisation).where(Organisation.body_code == body_code).with_for_update()
    )
    if existing is not None and (existing.verified_at or _has_owner(session, existing)):
        return join(session, existing, actor=actor, now=now)
    if existing is not None:  # an earlier claim was refused
        return add_member(session, existing, actor, "owner", now=now)
    organisation = _body(session, body_code, now)
    _found(session, organisation, actor=actor, now=now)
    return organisation.memberships[0]


def _has_owner(session: Session, organisation: Organisation) -> bool:
    owners = select(Membership.id).where(
        Membership.organisation_id == organisation.id,
        Membership.state == "active",
        Membership.role == "owner",
    )
    return session.scalar(owners.limit(1)) is not None


def _body(session: Session, body_code: str, now: datetime) -> Organisation:
    municipality = session.get(Municipality, body_code)
    prefecture = session.scalar(select(Prefecture).where(Prefecture.body_code == body_code))
    if municipality is None and prefecture is None:
        raise refuse("body_code", N_("自治体を一覧から選んでください"))
    place = municipality or prefecture
    assert place is not None
    return Organisation(
        kind="municipality",
        name=place.name,
        name_kana=place.kana,
        body_code=body_code,
        municipality_code=municipality.code if municipality else None,
        municipality=municipality,
        prefecture_code=municipality.prefecture_code if municipality else prefecture.code,  # type: ignore[union-attr]
        corporate_number=municipality_corporate_number(body_code),
        created_at=now,
    )


def _found(
    session: Session, organisation: Organisation, *, actor: User, now: datetime
) -> Organisation:
    try:
        with session.begin_nested():
            session.add(organisation)
    except IntegrityError as error:
        raise refuse(
            "corporate_number",
            N_("この団体は登録ずみです。団体のページから参加を申請してください"),
        ) from error
    membership = Membership(
        user=actor, organisation=organisation, role="owner", state="active", created_at=now
    )
    session.add(membership)
    session.flush()
    audit.record(
        session,
        "organisation.create",
        "organisation",
        organisation.id,
        actor=actor,
        organisation_id=organisation.id,
        now=now,
        after={"kind": organisation.kind, "name": organisation.name},
    )
    return organisation


def change(
    session: Session,
    organisation: Organisation,
    profile: Profile,
    *,
    actor: User,
    expected_version: int,
    now: datetime,
) -> None:
    """Change the profile. A municipality keeps its official name. Raises Conflict, Refused."""
    session.refresh(organisation, with_for_update=True)
    require(actor, "organisation.edit", organisation)
    if organisation.version != expected_version:
        raise Conflict(organisation)
    before = _facts(organisation)
    if organisation.kind == "municipality":
        _describe_municipality(organisation, profile)
    else:
        with session.no_autoflush:
            _describe(session, organisation, profile)
    after = _facts(organisation)
    if before == after:
        return
    organisation.version += 1
    try:
        session.flush()
    except IntegrityError as error:
        raise refuse("corporate_number", N_("この法人番号は別の団体が登録しています")) from error
    audit.record(
        session,
        "organisation.change",
        "organisation",
        organisation.id,
        actor=actor,
        organisation_id=organisation.id,
        now=now,
        before={k: v for k, v in before.items() if after[k] != v},
        after={k: v for k, v in after.items() if before[k] != v},
    )
    _note_listings(session, organisation, now)


def _note_listings(session: Session, organisation: Organisation, now: datetime) -> None:
    for model in (Call, Solution):
        ids = session.scalars(
            select(model.id).where(model.organisation_id == organisation.id)
        ).all()
        outbox.note_ids(session, model.subject, list(ids), cause="organisation.change", now=now)


def _facts(organisation: Organisation) -> dict[str, str | None]:
    names = (
        "name", "name_kana", "legal_form", "corporate_number", "prefecture_code", "about", "website"
    )  # fmt: skip
    return {name: getattr(organisation, name) for name in names}


def _describe_municipality(organisation: Organisation, profile: Profile) -> None:
    about, website, problems = _free_text(profile)
    raise_any(problems)
    organisation.about, organisation.website = about, website


def _free_text(profile: Profile) -> tuple[str, str, list[Problem]]:
    problems: list[Problem] = []
    about = clean_text(profile.about)
    if len(about) > ABOUT_MAX:
        message = N_("紹介文は%(limit)d文字以内にしてください（いま%(count)d文字です）")
        problems.append(Problem("about", message, {"limit": ABOUT_MAX, "count": len(about)}))
    website = ""
    try:
        website = parse_url(profile.website, field="website") or ""
    except Refused as refused:
        problems += refused.problems
    return about, website, problems


def _describe(session: Session, organisation: Organisation, profile: Profile) -> None:
    about, website, problems = _free_text(profile)
    name = clean_line(profile.name)
    if not name:
        problems.append(Problem("name", N_("「団体名」を入力してください")))
    elif len(name) > NAME_MAX:
        message = N_("団体名は%(limit)d文字以内にしてください（いま%(count)d文字です）")
        problems.append(Problem("name", message, {"limit": NAME_MAX, "count": len(name)}))
    if organisation.kind == "company" and profile.legal_form not in LEGAL_FORMS:
        problems.append(Problem("legal_form", N_("「法人の形」を選んでください")))
    number = None
    if clean_line(profile.corporate_number):
        try:
            number = parse_corporate_number(profile.corporate_number, field="corporate_number")
        except Refused as refused:
            problems += refused.problems
    if number is not None and is_public_body_number(number):
        message = N_("自治体の法人番号です。自治体は、自治体として登録してください")
        problems.append(Problem("corporate_number", message))
    kana = clean_line(profile.name_kana)
    if len(kana) > KANA_MAX:
        message = N_("読みは%(limit)d文字以内にしてください（いま%(count)d文字です）")
        problems.append(Problem("name_kana", message, {"limit": KANA_MAX, "count": len(kana)}))
    prefecture = clean_line(profile.prefecture_code)[:2] or None
    if prefecture is not None and session.get(Prefecture, prefecture) is None:
        problems.append(Problem("prefecture_code", N_("都道府県を一覧から選んでください")))
    raise_any(problems)
    organisation.name = name
    organisation.name_kana = kana
    organisation.legal_form = profile.legal_form if organisation.kind == "company" else None
    organisation.corporate_number = number
    organisation.prefecture_code = prefecture
    organisation.about, organisation.website = about, website


def join(session: Session, organisation: Organisation, *, actor: User, now: datetime) -> Membership:
    """Ask to be let in. An owner answers; asking twice changes nothing."""
    for membership in actor.memberships:
        if membership.organisation_id == organisation.id:
            return membership
    require(actor, "organisation.join", organisation)
    try:
        with session.begin_nested():
            membership = Membership(
                user=actor, organisation=organisation, role="viewer", state="requested",
                created_at=now,
            )  # fmt: skip
            session.add(membership)
    except IntegrityError:  # asked in two windows at once
        asked = select(Membership).where(
            Membership.user_id == actor.id, Membership.organisation_id == organisation.id
        )
        return session.scalars(asked).one()
    _record_membership(session, "membership.request", membership, actor, now)
    return membership


def accept(
    session: Session, membership: Membership, role: str, *, actor: User, now: datetime
) -> None:
    """Let a person in with a role."""
    require(actor, "membership.answer", membership)
    if role not in ROLES:
        raise refuse("role", N_("役割を選んでください"))
    membership.state, membership.role = "active", role
    _record_membership(session, "membership.accept", membership, actor, now)


def decline(session: Session, membership: Membership, *, actor: User, now: datetime) -> None:
    """Turn a request down; the person may ask again."""
    require(actor, "membership.answer", membership)
    _record_membership(session, "membership.decline", membership, actor, now)
    session.delete(membership)


def add_member(
    session: Session, organisation: Organisation, user: User, role: str, *, now: datetime
) -> Membership:
    """Put a person into an organisation on the system's own behalf (seeds, commands)."""
    membership = Membership(
        user=user, organisation=organisation, role=role, state="active", created_at=now
    )
    session.add(membership)
    session.flush()
    _record_membership(session, "membership.add", membership, None, now)
    return membership


def _record_membership(
    session: Session, action: str, membership: Membership, actor: User | None, now: datetime
) -> None:
    audit.record(
        session,
        action,
        "membership",
        membership.id,
        actor=actor,
        organisation_id=membership.organisation_id,
        now=now,
        after={"user": membership.user_id, "role": membership.role, "state": membership.state},
    )


def verify(
    session: Session, organisation: Organisation, *, actor: User | None, now: datetime
) -> None:
    """Confirm that an organisation is who it says. `actor` None means the command line."""
    session.flush()
    session.refresh(organisation, with_for_update=True)
    if organisation.verified_at is not None:
        return
    if actor is not None:
        require(actor, "organisation.verify", organisation)
    organisation.verified_at = now
    organisation.version += 1
    audit.record(
        session,
        "organisation.verify",
        "organisation",
        organisation.id,
        actor=actor,
        organisation_id=organisation.id,
        now=now,
    )


def refuse_claim(
    session: Session, organisation: Organisation, *, actor: User, now: datetime
) -> None:
    """Put an unconfirmed municipality back to nobody's: the next person may claim it.

    Everyone in it leaves, its drafts are put away, and what was said of it is emptied.
    """
    session.refresh(organisation, with_for_update=True)
    require(actor, "organisation.refuse", organisation)
    for membership in list(organisation.memberships):
        _record_membership(session, "membership.remove", membership, actor, now)
        session.delete(membership)
    drafts = select(Call).where(Call.organisation_id == organisation.id, Call.state == "draft")
    for call in session.scalars(drafts):
        call.state, call.version, call.updated_at = "archived", call.version + 1, now
    organisation.about = organisation.website = ""
    organisation.version += 1
    audit.record(
        session,
        "organisation.refuse",
        "organisation",
        organisation.id,
        actor=actor,
        organisation_id=organisation.id,
        now=now,
    )


def unidentified(session: Session) -> Sequence[Organisation]:
    """Companies that offer something and have no corporate number and no confirmation yet."""
    offering = select(Solution.organisation_id).where(Solution.state == "published")
    return session.scalars(
        select(Organisation)
        .where(
            Organisation.kind == "company",
            Organisation.corporate_number.is_(None),
            Organisation.verified_at.is_(None),
            Organisation.id.in_(offering),
        )
        .options(selectinload(Organisation.memberships).joinedload(Membership.user))
        .order_by(Organisation.created_at, Organisation.id)
    ).all()


def is_identified() -> ColumnElement[bool]:
    """True in SQL for organisations that are known: by their corporate number, or confirmed.

    A firm that could be anybody could be anybody's second name.
    """
    return or_(Organisation.corporate_number.is_not(None), Organisation.verified_at.is_not(None))


def unverified(session: Session) -> Sequence[Organisation]:
    """Municipalities that wait for confirmation, oldest first."""
    return session.scalars(
        select(Organisation)
        .where(
            Organisation.kind == "municipality",
            Organisation.verified_at.is_(None),
            Organisation.memberships.any(Membership.state == "active"),
        )
        .options(
            selectinload(Organisation.memberships).joinedload(Membership.user),
            joinedload(Organisation.municipality).joinedload(Municipality.prefecture),
        )
        .order_by(Organisation.created_at, Organisation.id)
    ).all()
