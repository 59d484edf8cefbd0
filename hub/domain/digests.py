"""The morning's recommendations by mail: at most three pairs that the member was not told of yet.

Every owner and editor of a town or a firm gets one, until they switch it off. It is made at the
moment it is sent, half past eight in Japan: whatever has closed, rests or was answered by then is
not in it. What it told of is written down with the mail, so that nothing is told twice; what could
not be sent counts as untold and is part of the next one.

An address is believed only once a link of ours was used that only a mail to it held: a card's, an
alert's, or the one that keeps the digest coming. Until then it gets two mails and no third.

The link of a card lets its holder answer that pair for that member, for a month, and nothing else.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, select
from sqlalchemy.orm import Session

from hub.clock import to_jst
from hub.domain import accounts, audit, digest_text, feedback, mails, match_lists
from hub.domain.alert_text import Links
from hub.domain.alerts import next_morning
from hub.domain.feedback import Pair
from hub.domain.match_lists import Shown
from hub.domain.status import open_at, resting_towns
from hub.models.alert import Mail
from hub.models.digest import Digest, DigestCard
from hub.models.listing import Call, Solution
from hub.models.matching import Match
from hub.models.organisation import Membership, Organisation, User

MOST_CARDS = 3
ANSWERED_FOR = timedelta(days=30)
UNCONFIRMED = 2  # mails for an address that nobody has answered from
ASK_AGAIN = timedelta(days=7)  # after the last of them its member may wish for one more
KINDS = {"municipality": "call", "company": "firm"}  # whose lists hold what
ROLES = ("owner", "editor")


# --- Who gets one ---------------------------------------------------------------------------------


def enrol(session: Session, *, links: Links, now: datetime) -> int:
    """Give a digest to every member who may answer and has none; returns to how many."""
    fresh = session.scalars(
        select(Membership)
        .join(Membership.organisation)
        .where(_entitled(), ~exists().where(Digest.membership_id == Membership.id))
        .order_by(Membership.id)
    ).all()
    for membership in fresh:
        _make(session, membership, links=links, now=now)
    return len(fresh)


def of(session: Session, membership: Membership) -> Digest | None:
    """The member's digest, if there is one yet."""
    return session.scalar(select(Digest).where(Digest.membership_id == membership.id))


def switch(
    session: Session,
    membership: Membership,
    wanted: bool,
    *,
    language: str,
    links: Links,
    actor: User | None,
    now: datetime,
) -> None:
    """Begin or end a membership's digest, in the language its reader has chosen."""
    digest = of(session, membership) or _make(session, membership, links=links, now=now)
    digest.language = language
    if wanted:
        _begin(session, digest, actor=actor, now=now)
    else:
        end(session, digest, actor=actor, now=now)


def _make(session: Session, membership: Membership, *, links: Links, now: datetime) -> Digest:
    nonce = secrets.token_urlsafe(32)
    digest = Digest(
        membership=membership,
        nonce=nonce,
        end_hash=_hash(digest_text.end_token(links, nonce)),
        language="ja",
        state="active",
        created_at=now,
        due_at=next_morning(now),
    )
    session.add(digest)
    session.flush()
    return digest


def is_confirmed(digest: Digest) -> bool:
    """Whether a link that only a mail to the member's address held was ever used."""
    return digest.membership.user.email_confirmed_at is not None


def is_held(digest: Digest) -> bool:
    """Whether nothing is sent because nobody has answered the first mails."""
    return not is_confirmed(digest) and digest.mailed >= UNCONFIRMED


def may_ask_again(digest: Digest, now: datetime) -> bool:
    """Whether the member may wish for one more mail with the link that keeps them coming."""
    last = digest.last_sent_at
    return is_held(digest) and (last is None or last <= now - ASK_AGAIN)


def keep(session: Session, digest: Digest, *, now: datetime) -> None:
    """Its reader wants the mails: the address is confirmed. Twice changes nothing."""
    if not is_confirmed(digest):
        accounts.confirm_address(session, digest.membership.user.email_key, now=now)
        _record(session, "digest.keep", digest, None, now)


def _begin(session: Session, digest: Digest, *, actor: User | None, now: datetime) -> None:
    if may_ask_again(digest, now):
        digest.mailed = UNCONFIRMED - 1
    if digest.state == "active":
        return
    digest.state, digest.due_at = "active", next_morning(now)
    _record(session, "digest.begin", digest, actor, now)


def end(session: Session, digest: Digest, *, actor: User | None = None, now: datetime) -> None:
    """End: nothing is sent any more. Twice changes nothing."""
    if digest.state == "ended":
        return
    digest.state, digest.due_at = "ended", None
    waiting = select(Mail.id).where(Mail.digest_id == digest.id, Mail.state == "queued")
    session.execute(delete(DigestCard).where(DigestCard.mail_id.in_(waiting)))
    session.execute(delete(Mail).where(Mail.digest_id == digest.id, Mail.state == "queued"))
    _record(session, "digest.end", digest, actor, now)


def _record(
    session: Session, action: str, digest: Digest, actor: User | None, now: datetime
) -> None:
    organisation_id = digest.membership.organisation_id
    audit.record(
        session, action, "digest", digest.id, actor=actor, organisation_id=organisation_id, now=now
    )


def by_end_token(session: Session, token: str) -> Digest | None:
    """The digest whose ending link holds this token."""
    return session.scalar(select(Digest).where(Digest.end_hash == _hash(token)))


def _entitled() -> ColumnElement[bool]:
    """True in SQL for memberships that get a digest. Needs the organisation joined."""
    return and_(
        Membership.state == "active",
        Membership.role.in_(ROLES),
        Organisation.kind.in_(KINDS),
    )


# --- Making them ----------------------------------------------------------------------------------


def due(session: Session, now: datetime) -> bool:
    """Whether a digest is to be made now, or somebody has none yet."""
    waiting = select(Digest.id).where(_due(now)).limit(1)
    lacking = (
        select(Membership.id)
        .join(Membership.organisation)
        .where(_entitled(), ~exists().where(Digest.membership_id == Membership.id))
        .limit(1)
    )
    return any(session.scalar(asked) is not None for asked in (waiting, lacking))


def compose(session: Session, *, limit: int, links: Links, now: datetime) -> int | None:
    """Make up to `limit` digests whose morning has come; how many mails, None when none is due.

    Needs a writing session. What is told is written down in the same transaction as the mail.
    """
    digests = session.scalars(
        select(Digest)
        .where(_due(now))
        .order_by(Digest.due_at, Digest.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not digests:
        return None
    return sum(_compose(session, digest, links, now) for digest in digests)


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(Digest.state == "active", Digest.due_at <= now)


def _compose(session: Session, digest: Digest, links: Links, now: datetime) -> bool:
    digest.due_at = next_morning(now)
    membership = digest.membership
    if not may_answer(membership) or is_held(digest):
        return False
    cards = news(session, digest, now=now)
    if not cards:
        return False
    left = None if is_confirmed(digest) else UNCONFIRMED - 1 - digest.mailed
    text = digest_text.digest(digest, membership.organisation, cards, links, left=left)
    mail = mails.queue(
        session,
        digest,
        "digest",
        f"digest-{digest.id}-{to_jst(now).date()}",
        subject=text.subject,
        body=text.body,
        end_url=digest_text.end_url(digest, links),
        now=now,
    )
    if mail is None:  # today's has been queued before
        return False
    for match in cards:
        session.add(card(digest, match, links, now, mail_id=mail.id))
    return True


def card(
    digest: Digest, match: Match, links: Links, now: datetime, *, mail_id: int | None = None
) -> DigestCard:
    """The memory of one pair told of, and of its answering link."""
    return DigestCard(
        digest_id=digest.id,
        call_id=match.call_id,
        solution_id=match.solution_id,
        mail_id=mail_id,
        token_hash=_hash(digest_text.answer_token(links, digest, match)),
        told_at=now,
    )


def may_answer(membership: Membership) -> bool:
    """Whether the member gets a digest: owners and editors of who has lists."""
    return (
        membership.state == "active"
        and membership.role in ROLES
        and membership.organisation.kind in KINDS
    )


def news(session: Session, digest: Digest, *, now: datetime) -> list[Match]:
    """The pairs to tell of now, best first.

    For a town the best one of each of its open calls comes before the second of any; for a firm
    its own list is followed. Left out is what was told or answered before, what may not be shown
    now (see `match_lists`), everything while the town's own desks rest, and what has no reasons
    yet.
    """
    organisation = digest.membership.organisation
    lists = _lists(session, organisation, now)
    cards = select(DigestCard.call_id, DigestCard.solution_id).where(
        DigestCard.digest_id == digest.id
    )
    known = {(row.call_id, row.solution_id) for row in session.execute(cards)}
    pairs = {_key(one) for shown in lists for one in shown}
    known |= feedback.verdicts(session, organisation.id, pairs).keys()
    fresh = [
        [one for one in shown if _key(one) not in known and one.match.reasons is not None]
        for shown in lists
    ]
    return _in_turn(fresh)[:MOST_CARDS]


def _lists(session: Session, organisation: Organisation, now: datetime) -> list[list[Shown]]:
    """What may be shown to the organisation now, list by list."""
    if organisation.kind == "company":
        found = match_lists.best_for_firms(session, [organisation.id], now=now)
    else:
        calls = select(Call.id).where(
            Call.organisation_id == organisation.id,
            Call.organisation_id.not_in(resting_towns(now)),
            open_at(now),
        )
        found = match_lists.best_for_calls(session, session.scalars(calls).all())
    return [found[owner] for owner in sorted(found)]


def _in_turn(lists: Iterable[Sequence[Shown]]) -> list[Match]:
    """The first of every list by value, then the second of every list, and so on."""
    keyed = [
        (turn, -one.place.value, one.match.tie, one.match)
        for shown in lists
        for turn, one in enumerate(shown)
    ]
    return [match for *_key, match in sorted(keyed, key=lambda row: row[:3])]


def _key(shown: Shown) -> tuple[int, int]:
    return shown.match.call_id, shown.match.solution_id


# --- Answering by the link of a card --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What the link of a card is for: a pair, and the member who may answer it."""

    digest: Digest
    pair: Pair
    match: Match | None

    @property
    def member(self) -> User:
        """In whose name the answer is given."""
        return self.digest.membership.user


def by_answer_token(session: Session, token: str, *, now: datetime) -> Asked | None:
    """What the answering link with this token is for; None when it no longer works.

    It ends after a month, and with the right of its member to answer for the organisation.
    """
    card = session.scalar(
        select(DigestCard).where(
            DigestCard.token_hash == _hash(token), DigestCard.told_at > now - ANSWERED_FOR
        )
    )
    if card is None or not may_answer(card.digest.membership):
        return None
    kind = KINDS[card.digest.membership.organisation.kind]
    call = session.get_one(Call, card.call_id)
    solution = session.get_one(Solution, card.solution_id)
    pair = Pair(kind, call, solution)
    if pair.organisation.id != card.digest.membership.organisation_id:
        return None
    return Asked(card.digest, pair, session.get(Match, (call.id, solution.id)))


def forget(session: Session) -> None:
    """Erase cards of listings that are over: nobody is told of them again."""
    for model, column in ((Call, DigestCard.call_id), (Solution, DigestCard.solution_id)):
        live = select(model.id).where(model.state == "published")
        session.execute(delete(DigestCard).where(column.not_in(live)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
