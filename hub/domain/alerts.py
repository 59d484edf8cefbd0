"""Saved searches that send mail: asked for, confirmed once, ended with one click, all without a
password.

Nobody learns from an answer whether an address has an alert: `subscribe` says nothing, only the
mail does. A link proves that its holder reads the mailbox; so does the reference number together
with the address.

What an alert tells of: listings that are open, match, have appeared (were published or opened)
since it was confirmed, and were not told before. Each morning the index is asked for those that
appeared or changed since the last look and two days before it, so that an index that lags or was
away postpones and never skips.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from hub.clock import JST, epoch_seconds, to_jst
from hub.domain import accounts, alert_text, audit, mails
from hub.domain.alert_text import Links
from hub.domain.documents import public
from hub.domain.errors import refuse
from hub.domain.inputs import fold, parse_email
from hub.domain.saved_search import Search
from hub.domain.status import open_at
from hub.i18n import N_
from hub.models.alert import Alert, AlertSeen, Mail
from hub.models.listing import Call, Solution
from hub.models.organisation import Organisation
from hub.models.reference import Municipality

PENDING_FOR = timedelta(days=7)
KEPT_AFTER_END = timedelta(days=30)
KEPT_MAILS = timedelta(days=30)
OVERLAP = timedelta(days=2)
AWAY = timedelta(minutes=2)
MORNING = time(8, 30, tzinfo=JST)
ASK_AGAIN = 600  # seconds in which asking twice sends one mail
TITLE_MAX = 200
# No 0 O, 1 I L, 2 Z, 5 S, 8 B, U V: nothing that is mistaken for another when read out or typed.
LETTERS = "ACDEFGHJKMNPQRTWXY34679"

Listing = Call | Solution


# --- Asking, confirming, ending -----------------------------------------------------------------


def subscribe(
    session: Session,
    *,
    email: str,
    search: Search,
    title: str,
    language: str,
    links: Links,
    now: datetime,
) -> None:
    """Ask the address whether it wishes the alert; one that has it already is told so by mail.

    Raises Refused for what is no address, and for nothing else.
    """
    given, key = parse_email(email, field="email")
    search = search.lasting()
    wanted = search.query_string
    search_hash = _hash(wanted)
    found = _same(session, key, search_hash)
    if found is not None and found.state == "ended":
        session.execute(delete(Alert).where(Alert.id == found.id))
        session.expunge(found)
        found = None
    if found is None:
        nonce = secrets.token_urlsafe(32)
        found = Alert(
            reference=_new_reference(session),
            email=f"{given.rpartition('@')[0]}@{key.rpartition('@')[2]}",
            email_key=key,
            search=wanted,
            search_hash=search_hash,
            target=search.target,
            title=title[:TITLE_MAX],
            language=language,
            nonce=nonce,
            confirm_hash=_hash(links.token("confirm", nonce)),
            end_hash=_hash(links.token("end", nonce)),
            created_at=now,
            asked_at=now,
        )
        try:
            with session.begin_nested():
                session.add(found)
        except IntegrityError:  # the same form twice at once: the other one sends the mail
            return
        audit.record(session, "alert.subscribe", "alert", found.id, actor=None, now=now)
    _answer(session, found, links, now)


def _same(session: Session, key: str, search_hash: str) -> Alert | None:
    same = select(Alert).where(Alert.email_key == key, Alert.search_hash == search_hash)
    return session.scalar(same.with_for_update())


def _answer(session: Session, alert: Alert, links: Links, now: datetime) -> None:
    moment = (epoch_seconds(now) or 0) // ASK_AGAIN
    if alert.state == "pending":
        alert.asked_at = now
        kind, text = "confirm", alert_text.confirmation(alert, links)
    else:
        kind, text = "known", alert_text.already(alert, links)
    mails.queue(
        session,
        alert,
        kind,
        f"{kind}-{alert.reference}-{moment}",
        subject=text.subject,
        body=text.body,
        end_url=links.end(alert) if kind == "known" else "",
        now=now,
    )


def by_token(session: Session, purpose: str, token: str, *, now: datetime) -> Alert | None:
    """The alert whose `confirm` or `end` link holds this token; None when it no longer works."""
    column = Alert.confirm_hash if purpose == "confirm" else Alert.end_hash
    alert = session.scalar(select(Alert).where(column == _hash(token)))
    return None if alert is None or _has_expired(alert, now) else alert


def by_reference(session: Session, typed: str, *, now: datetime) -> Alert | None:
    """The alert of a reference number as people type it."""
    alert = session.scalar(select(Alert).where(Alert.reference == parse_reference(typed)))
    return None if alert is None or _has_expired(alert, now) else alert


def _has_expired(alert: Alert, now: datetime) -> bool:
    return alert.state == "pending" and now - alert.asked_at > PENDING_FOR


def check_address(alert: Alert, email: str) -> None:
    """Refuse an address that is not the alert's."""
    _given, key = parse_email(email, field="email")
    if not secrets.compare_digest(key.encode(), alert.email_key.encode()):
        raise refuse("email", N_("参照番号とアドレスが合いません。メールの宛先を入力してください"))


def confirm(session: Session, alert: Alert, *, now: datetime) -> None:
    """Begin: from now on news are told, from the next morning. Twice changes nothing."""
    if alert.state != "pending" or _has_expired(alert, now):
        return
    alert.state = "active"
    alert.confirmed_at = alert.looked_at = now
    alert.due_at = next_morning(now)
    accounts.confirm_address(session, alert.email_key, now=now)
    audit.record(session, "alert.confirm", "alert", alert.id, actor=None, now=now)


def end(session: Session, alert: Alert, *, now: datetime) -> None:
    """End: nothing is sent any more. Twice changes nothing."""
    if alert.state == "ended":
        return
    alert.state, alert.ended_at, alert.due_at = "ended", now, None
    session.execute(delete(Mail).where(Mail.alert_id == alert.id, Mail.state == "queued"))
    audit.record(session, "alert.end", "alert", alert.id, actor=None, now=now)


def forget(session: Session, *, now: datetime) -> None:
    """Erase what is no longer needed: addresses first of all."""
    session.execute(
        delete(Alert).where(
            or_(
                and_(Alert.state == "pending", Alert.asked_at < now - PENDING_FOR),
                and_(Alert.state == "ended", Alert.ended_at < now - KEPT_AFTER_END),
            )
        )
    )
    over = Mail.state.in_(("sent", "failed"))
    session.execute(delete(Mail).where(over, Mail.created_at < now - KEPT_MAILS))
    for model in (Call, Solution):
        live = select(model.id).where(model.state == "published")
        session.execute(
            delete(AlertSeen).where(
                AlertSeen.subject == model.subject, AlertSeen.subject_id.not_in(live)
            )
        )


# --- Looking ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """An alert whose morning has come, and what may be news for it: listing -> published when."""

    id: int
    search: str
    candidates: Mapping[str, datetime]


def looks(session: Session, *, limit: int, now: datetime) -> list[Look]:
    """Alerts to ask the index for, those that wait longest first."""
    due_now = (
        select(Alert)
        .where(Alert.state == "active", Alert.due_at <= now)
        .order_by(Alert.due_at, Alert.id)
        .limit(limit)
    )
    return [
        Look(alert.id, alert.search, _candidates(session, alert, now))
        for alert in session.scalars(due_now)
    ]


def due(session: Session, now: datetime) -> bool:
    """Whether an alert is to be looked at now."""
    waiting = select(Alert.id).where(Alert.state == "active", Alert.due_at <= now).limit(1)
    return session.scalar(waiting) is not None


def postpone(session: Session, *, now: datetime) -> None:
    """The index is away: look again a little later."""
    session.execute(
        update(Alert).where(Alert.state == "active", Alert.due_at <= now).values(due_at=now + AWAY)
    )


def skip(session: Session, ids: Collection[int], *, now: datetime) -> None:
    """These could not be looked at: the next morning's look goes as far back as this one's."""
    session.execute(update(Alert).where(Alert.id.in_(ids)).values(due_at=next_morning(now)))


def tell(
    session: Session,
    found: Mapping[int, Collection[str]],
    *,
    links: Links,
    now: datetime,
) -> int:
    """Queue a mail for each alert (id -> listings found) that has news; returns how many.

    Alerts that another worker has seen to meanwhile are left alone. What is told is written down
    in the same transaction, so a mail and its memory come together or not at all.
    """
    alerts = session.scalars(
        select(Alert)
        .where(Alert.id.in_(found), Alert.state == "active", Alert.due_at <= now)
        .order_by(Alert.id)
        .with_for_update()
    ).all()
    return sum(_tell(session, alert, found[alert.id], links, now) for alert in alerts)


def _tell(
    session: Session, alert: Alert, keys: Collection[str], links: Links, now: datetime
) -> bool:
    fresh = _candidates(session, alert, now).keys() & set(keys)
    alert.looked_at, alert.due_at = now, next_morning(now)
    rows = _rows(session, alert, fresh)
    if not rows:
        return False
    text = alert_text.news(alert, rows, links)
    mail = mails.queue(
        session,
        alert,
        "news",
        f"news-{alert.reference}-{to_jst(now).date()}",
        subject=text.subject,
        body=text.body,
        end_url=links.end(alert),
        now=now,
    )
    if mail is None:  # today's has been queued before
        return False
    session.add_all(
        AlertSeen(alert_id=alert.id, subject=row.subject, subject_id=row.id, mail_id=mail.id)
        for row in rows
    )
    return True


def _candidates(session: Session, alert: Alert, now: datetime) -> dict[str, datetime]:
    """Open listings that appeared since the alert began, moved lately, and were never told."""
    began, lately = alert.confirmed_at, alert.looked_at
    assert began is not None
    assert lately is not None
    model = Call if alert.target == "call" else Solution
    seen = exists().where(
        AlertSeen.alert_id == alert.id,
        AlertSeen.subject == alert.target,
        AlertSeen.subject_id == model.id,
    )
    since = lately - OVERLAP
    statement = select(model.id, model.published_at).where(
        public(model),
        open_at(now) if model is Call else model.state == "published",
        _appeared(model, began),
        or_(model.updated_at > since, _appeared(model, since)),
        ~seen,
    )
    return {f"{alert.target}-{row.id}": row.published_at for row in session.execute(statement)}


def _appeared(model: type[Call] | type[Solution], since: datetime) -> ColumnElement[bool]:
    """True in SQL for open listings that were published or opened after a moment."""
    if model is Call:
        return or_(Call.published_at > since, Call.opens_at > since)
    return model.published_at > since


def _rows(session: Session, alert: Alert, keys: Iterable[str]) -> Sequence[Listing]:
    """The listings, newest first; calls by deadline."""
    numbers = [int(key.partition("-")[2]) for key in keys]
    owner = joinedload(Call.organisation if alert.target == "call" else Solution.organisation)
    parts = (
        owner.joinedload(Organisation.municipality).joinedload(Municipality.prefecture),
        owner.joinedload(Organisation.prefecture),
    )
    if alert.target == "call":
        calls = select(Call).where(Call.id.in_(numbers)).options(*parts)
        return session.scalars(
            calls.order_by(Call.closes_at.is_(None), Call.closes_at, Call.id)
        ).all()
    offered = select(Solution).where(Solution.id.in_(numbers)).options(*parts)
    return session.scalars(offered.order_by(Solution.published_at.desc(), Solution.id)).all()


def next_morning(now: datetime) -> datetime:
    """The next half past eight in Japan."""
    today = datetime.combine(to_jst(now).date(), MORNING)
    return today if now < today else today + timedelta(days=1)


# --- Reference numbers --------------------------------------------------------------------------


def parse_reference(typed: str) -> str:
    """A reference number from any width and case, with or without its dash; "" when it is none."""
    letters = re.sub("[^A-Z0-9]", "", fold(typed).upper())
    whole = len(letters) == 6 and set(letters) <= set(LETTERS)
    return f"{letters[:3]}-{letters[3:]}" if whole else ""


def _new_reference(session: Session) -> str:
    while True:
        made = parse_reference("".join(secrets.choice(LETTERS) for _ in range(6)))
        if session.scalar(select(Alert.id).where(Alert.reference == made)) is None:
            return made


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
