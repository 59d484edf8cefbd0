"""Mails on their way out: queued with what causes them, claimed, handed over, settled.

What is certain, whatever dies at whatever moment:

- A mail is queued in the transaction of its cause, and `key` lets nothing be queued twice.
- A claim is a lease marked by `tries`. Only its holder can move the mail to `sending`, which is
  written before the mail may arrive; a sleeper who lost the lease finds out there and stops.
- A folder takes the same mail once however often it is handed over, so a mail found in `sending`
  is handed over again: exactly once.
- A mail server does not, so such a mail is never handed over again: at most once. What it told of
  counts as untold and is part of the next day's mail: nothing is lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from hub.mail import Letter
from hub.models.alert import Alert, AlertSeen, Mail
from hub.models.digest import Digest, DigestCard

LEASE = timedelta(minutes=2)
REST = timedelta(minutes=1)  # for all mails, when the server is away
LONGEST_WAIT = timedelta(hours=6)
LIFETIME = timedelta(days=2)  # a mail that could not go out for so long fails
MORNING_ONLY = timedelta(hours=12)  # a digest is of its day: what it told of goes into the next
OVERDUE = timedelta(hours=1)
WAITING = ("queued", "sending")


class Lost(Exception):
    """The claim ran out, or the mail is no longer wanted; it must not be sent."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail that is ours until the lease ends. `tries` counts this one and marks the lease."""

    id: int
    tries: int
    state: str
    letter: Letter


def queue(
    session: Session,
    owner: Alert | Digest,
    kind: str,
    key: str,
    *,
    subject: str,
    body: str,
    end_url: str = "",
    now: datetime,
) -> Mail | None:
    """Add a mail in the caller's transaction; None when it has been queued before."""
    if session.scalar(select(Mail.id).where(Mail.key == key)) is not None:
        return None
    mail = Mail(
        alert_id=owner.id if isinstance(owner, Alert) else None,
        digest_id=owner.id if isinstance(owner, Digest) else None,
        kind=kind,
        key=key,
        recipient=owner.email,
        subject=subject,
        body=body,
        end_url=end_url,
        created_at=now,
        due_at=now,
    )
    session.add(mail)
    session.flush()
    session.info.setdefault("noted", set()).add("alerts")
    return mail


def due(session: Session, now: datetime) -> bool:
    """Whether a mail waits to be worked on now."""
    waiting = select(Mail.id).where(Mail.state.in_(WAITING), Mail.due_at <= now).limit(1)
    return session.scalar(waiting) is not None


def claim(session: Session, *, repeatable: bool, host: str, now: datetime) -> Claim | None:
    """Take the mail that has been due longest; commit before handing it over.

    Needs a writing session. Where the transport is not `repeatable`, a mail that somebody died
    over while handing it over fails here instead.
    """
    oldest = (
        select(Mail)
        .where(Mail.state.in_(WAITING), Mail.due_at <= now)
        .order_by(Mail.due_at, Mail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    while (mail := session.scalar(oldest)) is not None:
        if mail.state == "sending" and not repeatable:
            fail(session, mail, "a worker died while it was handed over; it may have arrived")
        elif now - mail.created_at > _lifetime(mail):
            fail(session, mail, mail.last_error or "it could not go out in time", counts=False)
        else:
            mail.tries, mail.due_at = mail.tries + 1, now + LEASE
            session.flush()
            return Claim(mail.id, mail.tries, mail.state, _letter(mail, host))
        session.flush()
    return None


def _lifetime(mail: Mail) -> timedelta:
    return MORNING_ONLY if mail.kind == "digest" else LIFETIME


def _letter(mail: Mail, host: str) -> Letter:
    return Letter(
        message_id=f"{mail.key}@{host}",
        recipient=mail.recipient,
        subject=mail.subject,
        body=mail.body,
        at=mail.created_at,
        language=mail.owner.language,
        end_url=mail.end_url,
    )


def hand_over(session: Session, claimed: Claim, *, now: datetime) -> None:
    """Write that from the next moment on the mail may have arrived; commit at once.

    Raises Lost when the claim is no longer ours.
    """
    moved = session.execute(
        update(Mail)
        .where(Mail.id == claimed.id, Mail.tries == claimed.tries, Mail.state == claimed.state)
        .values(state="sending", due_at=now + LEASE)
        .returning(Mail.id)
    ).first()
    if moved is None:
        raise Lost(claimed.letter.message_id)


def sent(session: Session, claimed: Claim, *, now: datetime) -> None:
    """The mail has gone out: its address and text are no longer needed."""
    mail = _held(session, claimed)
    if mail is not None:
        mail.state, mail.sent_at, mail.last_error = "sent", now, ""
        if mail.kind in ("news", "digest"):
            mail.owner.last_sent_at = now
        _count(mail)
        _blank(mail)


def retry(session: Session, claimed: Claim, error: str, *, final: bool, now: datetime) -> None:
    """The mail has certainly not arrived: try again later, each time later, or give up."""
    mail = _held(session, claimed)
    if mail is None:
        return
    if final:
        fail(session, mail, error)
    else:
        mail.state, mail.due_at, mail.last_error = "queued", now + wait(mail.tries), error[:500]


def rest(session: Session, claimed: Claim, error: str, *, now: datetime) -> None:
    """The server is away: no mail has a chance for a while, and none counts this as a failure."""
    mail = _held(session, claimed)
    if mail is not None:
        mail.state, mail.due_at, mail.last_error = "queued", now + REST, error[:500]
        session.flush()
    session.execute(
        update(Mail)
        .where(Mail.state == "queued", Mail.due_at < now + REST)
        .values(due_at=now + REST)
    )


def unsure(session: Session, claimed: Claim, error: str) -> None:
    """The server went away before it answered: the mail is not sent again."""
    mail = _held(session, claimed)
    if mail is not None:
        fail(session, mail, f"it may have arrived; {error}")


def fail(session: Session, mail: Mail, error: str, *, counts: bool = True) -> None:
    """Give up. What the mail told of counts as untold, so that the next one tells of it.

    It `counts` among those that an address was sent unless no server ever took or refused it.
    """
    if counts:
        _count(mail)
    mail.state, mail.last_error = "failed", error[:500]
    _blank(mail)
    if mail.kind == "digest":
        session.execute(delete(DigestCard).where(DigestCard.mail_id == mail.id))
    elif mail.kind == "news" and mail.alert is not None:
        session.execute(delete(AlertSeen).where(AlertSeen.mail_id == mail.id))
        mail.alert.looked_at = mail.alert.confirmed_at


def _count(mail: Mail) -> None:
    if isinstance(mail.owner, Digest):
        mail.owner.mailed += 1


def wait(tries: int) -> timedelta:
    """How long a refused mail rests: 1, 2, 4 … minutes, at most 6 hours."""
    return min(timedelta(minutes=2 ** min(tries - 1, 12)), LONGEST_WAIT)


def overdue(session: Session, now: datetime) -> int:
    """How many mails wait for over an hour, and alerts and digests that nobody looked at."""
    late = now - OVERDUE
    waiting = select(func.count(Mail.id)).where(Mail.state.in_(WAITING), Mail.created_at < late)
    unseen = [
        select(func.count(model.id)).where(model.state == "active", model.due_at < late)
        for model in (Alert, Digest)
    ]
    return sum(session.scalar(counted) or 0 for counted in (waiting, *unseen))


@dataclass(frozen=True, slots=True)
class Trouble:
    """A mail that failed or is being tried again, without its address.

    `reference` is the alert's number, or the digest's as D-7.
    """

    reference: str
    kind: str
    state: str
    tries: int
    error: str
    since: datetime


def troubles(session: Session) -> list[Trouble]:
    """What the operator should know of, newest first."""
    rows = session.execute(
        select(Mail, Alert.reference)
        .outerjoin(Mail.alert)
        .where(or_(Mail.state == "failed", Mail.last_error != ""))
        .order_by(Mail.id.desc())
        .limit(50)
    )
    return [
        Trouble(
            reference or f"D-{mail.digest_id}",
            mail.kind,
            mail.state,
            mail.tries,
            mail.last_error,
            mail.created_at,
        )
        for mail, reference in rows
    ]


def _held(session: Session, claimed: Claim) -> Mail | None:
    """The mail, if the lease is still ours."""
    mine = select(Mail).where(
        Mail.id == claimed.id, Mail.tries == claimed.tries, Mail.state.in_(WAITING)
    )
    return session.scalar(mine.with_for_update())


def _blank(mail: Mail) -> None:
    mail.recipient = mail.subject = mail.body = mail.end_url = ""
