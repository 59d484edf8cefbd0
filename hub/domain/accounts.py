"""People: registering, checking a password, signing in and out."""

import hashlib
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.domain import audit
from hub.domain.errors import Problem, Refused, raise_any, refuse
from hub.domain.inputs import clean_line, parse_email
from hub.i18n import N_
from hub.models.organisation import SignIn, User

PASSWORD_MIN = 10
PASSWORD_MAX = 128
NAME_MAX = 100
IDLE = timedelta(days=7)
ABSOLUTE = timedelta(days=30)
hasher = PasswordHasher()
_COMMON = frozenset(
    ("password", "passw0rd", "1234567890", "12345678901", "0123456789", "qwertyuiop", "aaaaaaaaaa")
)


def register(
    session: Session, *, email: str, name: str, password: str | None, now: datetime
) -> User:
    """Make an account. `password=None` makes one that cannot sign in until a password is set.

    Raises Refused with every problem found: address, name, password, address already used.
    """
    problems: list[Problem] = []
    given, key = "", ""
    try:
        given, key = parse_email(email, field="email")
    except Refused as refused:
        problems += refused.problems
    name = clean_line(name)
    if not name:
        problems.append(Problem("name", N_("「お名前」を入力してください")))
    elif len(name) > NAME_MAX:
        message = N_("お名前は%(limit)d文字以内にしてください（いま%(count)d文字です）")
        problems.append(Problem("name", message, {"limit": NAME_MAX, "count": len(name)}))
    if password is not None:
        problems += _password_problems(password, key)
    raise_any(problems)
    # Hashing is slow on purpose, so it comes before the first statement: no lock is held meanwhile.
    password_hash = hasher.hash(password) if password is not None else None
    if session.scalar(select(User.id).where(User.email_key == key)):
        raise _taken()
    user = User(
        email=given,
        email_key=key,
        name=name,
        password_hash=password_hash,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:  # two browsers at once
        raise _taken() from error
    audit.record(session, "account.register", "user", user.id, actor=user, now=now)
    return user


def _taken() -> Refused:
    return refuse("email", N_("このメールアドレスは登録ずみです。ログインしてください"))


def confirm_address(session: Session, email_key: str, *, now: datetime) -> None:
    """Note that whoever reads this address has used a link that only a mail to it held.

    The first time counts. An address without an account is nobody's.
    """
    session.execute(
        update(User)
        .where(User.email_key == email_key, User.email_confirmed_at.is_(None))
        .values(email_confirmed_at=now)
    )


def _password_problems(password: str, email_key: str) -> list[Problem]:
    if not password:
        return [Problem("password", N_("「パスワード」を入力してください"))]
    if len(password) < PASSWORD_MIN:
        message = N_("パスワードは%(limit)d文字以上にしてください（いま%(count)d文字です）")
        return [Problem("password", message, {"limit": PASSWORD_MIN, "count": len(password)})]
    if len(password) > PASSWORD_MAX:
        message = N_("パスワードは%(limit)d文字以内にしてください（いま%(count)d文字です）")
        return [Problem("password", message, {"limit": PASSWORD_MAX, "count": len(password)})]
    folded = password.casefold()
    if folded in _COMMON or folded == email_key or len(set(folded)) < 4:
        return [Problem("password", N_("推測されやすいパスワードです。別のものにしてください"))]
    return []


def check_password(session: Session, email: str, password: str) -> User | None:
    """The person whose address and password these are, or None; unknown addresses take as long."""
    try:
        _, key = parse_email(email, field="email")
    except Refused:
        key = ""
    user = session.scalar(select(User).where(User.email_key == key)) if key else None
    known = user.password_hash if user is not None and user.password_hash else _dummy()
    try:
        hasher.verify(known, password[: PASSWORD_MAX + 1])
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return None
    return user if user is not None and user.password_hash else None


_DUMMY: list[str] = []


def _dummy() -> str:
    if not _DUMMY:
        _DUMMY.append(hasher.hash(secrets.token_hex(16)))
    return _DUMMY[0]


def sign_in(session: Session, user: User, *, now: datetime) -> str:
    """Start a signed-in browser; returns the secret to keep in its cookie."""
    token = secrets.token_urlsafe(32)
    session.add(SignIn(token_hash=_hash(token), user_id=user.id, created_at=now, seen_at=now))
    audit.record(session, "account.sign_in", "user", user.id, actor=user, now=now)
    return token


def signed_in_by(session: Session, token: str, *, now: datetime) -> User | None:
    """The person of a live sign-in, or None when it has ended or grown old."""
    row = session.get(SignIn, _hash(token))
    if row is None or row.ended_at is not None:
        return None
    if now - row.created_at > ABSOLUTE or now - row.seen_at > IDLE:
        return None
    return row.user


def is_unseen(session: Session, token: str, *, now: datetime) -> bool:
    """Whether the browser was last seen over an hour ago, so that `touch` should note it."""
    row = session.get(SignIn, _hash(token))
    return row is not None and row.seen_at < now - timedelta(hours=1)


def touch(session: Session, token: str, *, now: datetime) -> None:
    """Note that the browser was seen."""
    session.execute(update(SignIn).where(SignIn.token_hash == _hash(token)).values(seen_at=now))


def sign_out(session: Session, token: str, *, now: datetime) -> None:
    """End the sign-in: a copied cookie is worth nothing afterwards."""
    row = session.get(SignIn, _hash(token))
    if row is not None and row.ended_at is None:
        row.ended_at = now
        audit.record(session, "account.sign_out", "user", row.user_id, actor=row.user, now=now)


def make_operator(session: Session, user: User, *, now: datetime) -> None:
    """Give the operator's rights; only the command line does this."""
    user.is_operator = True
    audit.record(session, "account.make_operator", "user", user.id, actor=None, now=now)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
