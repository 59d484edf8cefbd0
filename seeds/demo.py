"""The demo market, built through the rules: organisations, then calls, then solutions.

Texts live in `demo/`; dates are relative to the day of seeding, so there are always open calls.
A stage that has run leaves what it made untouched, so loading again is safe. The seed number
decides the hours at which things were posted, and nothing else.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.clock import JST, to_jst
from hub.db import Database
from hub.domain import accounts, calls, desks, organisations, solutions
from hub.domain.calls import CallValues
from hub.domain.desks import DeskValues
from hub.domain.organisations import Profile
from hub.domain.solutions import SolutionValues
from hub.models.desk import Desk
from hub.models.listing import NATIONWIDE, Call, Solution
from hub.models.organisation import Organisation, Partner, SizeFacts, User
from hub.models.reference import Municipality, Prefecture

FOLDER = Path(__file__).with_name("demo")
PASSWORD = "localhub-demo"  # noqa: S105 - printed for everyone to try
STAGES = ("organisations", "desks", "calls", "solutions")
CREATED_DAYS_AGO = 200
Say = Callable[[str], None]


@dataclass
class Seeding:
    """One loading: where, when, and what has been made so far."""

    session: Session
    now: datetime
    random: Random
    organisations: dict[str, Organisation] = field(default_factory=dict)
    owners: dict[str, User] = field(default_factory=dict)

    def before(self, days: float) -> datetime:
        """A moment so many days ago, in office hours."""
        day = to_jst(self.now - timedelta(days=days)).replace(hour=9, minute=0, second=0)
        moment = day + timedelta(minutes=self.random.randrange(8 * 60))
        return min(moment, self.now - timedelta(minutes=5))


def load_demo(
    database: Database,
    *,
    now: datetime,
    seed: int = 1,
    stages: Iterable[str] = STAGES,
    say: Say = lambda line: None,
) -> None:
    """Load the stages in their order; each commits when it is whole.

    A later stage finds what an earlier one has made, in this run or another.
    """
    for stage in STAGES:
        if stage not in stages:
            continue
        with database.unit_of_work() as session:
            seeding = Seeding(session, now, Random(seed))  # noqa: S311 - not a secret
            made = _MAKERS[stage](seeding)
            say(f"{stage}: +{made}")


def accounts_shown() -> list[dict[str, str]]:
    """The demo accounts to show: address, name and what each may do."""
    return [
        {"email": row["email"], "name": row["name"], "role": row.get("note", row.get("role", ""))}
        for row in _read("people.json")
    ]


def _read(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return rows


def _read_all(folder: str) -> list[dict[str, Any]]:
    return [
        row
        for path in sorted((FOLDER / folder).glob("*.json"))
        for row in _read(f"{folder}/{path.name}")
    ]


def _make_organisations(seeding: Seeding) -> int:
    made = sum(_municipality(seeding, row) for row in _read("municipalities.json"))
    made += sum(_company(seeding, row, "company") for row in _read_all("companies"))
    made += sum(_company(seeding, row, "intermediary") for row in _read("intermediaries.json"))
    made += sum(_person(seeding, row) for row in _read("people.json"))
    return made


def _address(key: str) -> str:
    """The address of an organisation's first owner; nobody signs in with it."""
    return f"{key}@demo.example.jp"


def _user(seeding: Seeding, email: str) -> User | None:
    return seeding.session.scalar(select(User).where(User.email_key == email))


def _owner(seeding: Seeding, key: str) -> User:
    return accounts.register(
        seeding.session,
        email=_address(key),
        name="デモ用アカウント",
        password=None,
        now=seeding.before(CREATED_DAYS_AGO),
    )


def _municipality(seeding: Seeding, row: dict[str, Any]) -> bool:
    if _user(seeding, _address(row["key"])):
        return False
    owner = _owner(seeding, row["key"])
    moment = seeding.before(CREATED_DAYS_AGO)
    code = _body_code(seeding.session, row["prefecture"], row["name"])
    organisation = organisations.claim(seeding.session, code, actor=owner, now=moment).organisation
    profile = Profile(name=organisation.name, about=row.get("about", ""))
    organisations.change(
        seeding.session,
        organisation,
        profile,
        actor=owner,
        expected_version=organisation.version,
        now=moment,
    )
    if row.get("verified", True):
        organisations.verify(seeding.session, organisation, actor=None, now=moment)
    return True


def _body_code(session: Session, prefecture: str, name: str) -> str:
    row = session.scalars(select(Prefecture).where(Prefecture.name == prefecture)).one()
    if name == prefecture:
        return row.body_code
    return session.scalars(
        select(Municipality.code).where(
            Municipality.prefecture_code == row.code, Municipality.name == name
        )
    ).one()


def _company(seeding: Seeding, row: dict[str, Any], kind: str) -> bool:
    if _user(seeding, _address(row["key"])):
        return False
    session = seeding.session
    owner = _owner(seeding, row["key"])
    prefecture = session.scalar(
        select(Prefecture.code).where(Prefecture.name == row.get("prefecture"))
    )
    organisation = organisations.create(
        session,
        kind,
        Profile(
            name=row["name"],
            name_kana=row.get("kana", ""),
            legal_form=row.get("legal_form", "") if kind == "company" else "",
            prefecture_code=prefecture or "",
            about=row.get("about", ""),
            website=f"https://{row['key']}.example.jp/",
        ),
        actor=owner,
        now=seeding.before(CREATED_DAYS_AGO),
    )
    if kind == "company":
        if row.get("verified", True):
            moment = seeding.before(CREATED_DAYS_AGO)
            organisations.verify(session, organisation, actor=None, now=moment)
        session.add(
            SizeFacts(
                organisation_id=organisation.id,
                employees=row.get("employees"),
                capital_yen=row.get("capital_yen"),
                founded_year=row.get("founded_year"),
            )
        )
    partners = {row["key"]: row for row in _read("municipalities.json")}
    for key in row.get("partners", row.get("municipalities", ())):
        place = partners[key]
        code = _body_code(session, place["prefecture"], place["name"])
        session.add(Partner(intermediary_id=organisation.id, body_code=code))
    return True


def _person(seeding: Seeding, row: dict[str, Any]) -> bool:
    if _user(seeding, row["email"]):
        return False
    moment = seeding.before(CREATED_DAYS_AGO)
    user = accounts.register(
        seeding.session, email=row["email"], name=row["name"], password=PASSWORD, now=moment
    )
    if row.get("organisation"):
        organisation, _ = _known(seeding, row["organisation"])
        organisations.add_member(seeding.session, organisation, user, row["role"], now=moment)
    if row.get("operator") or row.get("role") == "operator":
        accounts.make_operator(seeding.session, user, now=moment)
    return True


def _known(seeding: Seeding, key: str) -> tuple[Organisation, User]:
    """An organisation of the demo and its first owner."""
    if key not in seeding.organisations:
        owner = seeding.session.scalars(select(User).where(User.email_key == _address(key))).one()
        seeding.owners[key] = owner
        seeding.organisations[key] = owner.memberships[0].organisation
    return seeding.organisations[key], seeding.owners[key]


def _make_desks(seeding: Seeding) -> int:
    return sum(_desk(seeding, row) for row in _read("desks.json"))


def _desk(seeding: Seeding, row: dict[str, Any]) -> bool:
    session = seeding.session
    organisation, owner = _known(seeding, row["municipality"])
    names = select(Desk.id).where(Desk.organisation_id == organisation.id, Desk.name == row["name"])
    if session.scalar(names):
        return False
    opened = seeding.before(CREATED_DAYS_AGO / 2)
    texts = {name: row[name] for name in (*desks.LINES, *desks.TEXTS, "reply_days") if name in row}
    until = to_jst(seeding.now).date() + timedelta(days=row.get("paused_for_days", 0))
    paused = row.get("paused", False)
    values = DeskValues(**texts, paused=paused, paused_until=until if paused else None)
    desk = desks.create(session, organisation, values, actor=owner, now=opened)
    if row["state"] == "published":
        desks.publish(session, desk, actor=owner, now=opened, expected_version=desk.version)
    return True


def _make_calls(seeding: Seeding) -> int:
    return sum(_call(seeding, row) for row in _read_all("calls"))


def _call(seeding: Seeding, row: dict[str, Any]) -> bool:
    session = seeding.session
    organisation, owner = _known(seeding, row["municipality"])
    titles = select(Call.id).where(
        Call.organisation_id == organisation.id, Call.title == row["title"]
    )
    if session.scalar(titles):
        return False
    opened = seeding.before(max(-row["opens_in_days"], 0) + 0.2)
    names = (*calls.LINES, *calls.TEXTS, "kind", "budget_kind")
    texts = {name: row[name] for name in names if name in row}
    desk = f"{row['department']} {row['municipality']}@example.jp"
    texts["contact_policy"] = "\n".join(filter(None, (desk, texts.get("contact_policy"))))
    values = CallValues(
        **texts,
        themes=tuple(row["themes"]),
        offers=tuple(row["offers"]),
        budget_max_yen=row.get("budget_max_yen"),
        eligibility_codes=tuple(row.get("eligibility_codes", ())),
        municipality_code=organisation.municipality_code,
        opens_at=_clock(seeding.now, row["opens_in_days"], "9:00")
        if row["opens_in_days"] > 0
        else opened,
        closes_at=None
        if row["closes_in_days"] is None
        else _clock(seeding.now, row["closes_in_days"], row.get("closes_at_time") or "17:15"),
    )
    call = calls.create(session, organisation, values, actor=owner, now=opened)
    if row["state"] != "draft" and organisation.verified_at is not None:
        calls.publish(session, call, actor=owner, now=opened, expected_version=call.version)
    return True


def _clock(now: datetime, days: int, time: str) -> datetime:
    hour, minute = map(int, time.split(":"))
    day = to_jst(now).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, tzinfo=JST) + timedelta(
        hours=hour, minutes=minute
    )


def _make_solutions(seeding: Seeding) -> int:
    return sum(_solution(seeding, row) for row in _read_all("solutions"))


def _solution(seeding: Seeding, row: dict[str, Any]) -> bool:
    session = seeding.session
    organisation, owner = _known(seeding, row["company"])
    titles = select(Solution.id).where(
        Solution.organisation_id == organisation.id, Solution.title == row["title"]
    )
    if session.scalar(titles):
        return False
    posted = seeding.before(seeding.random.uniform(1, 120))
    names = (*solutions.LINES, *solutions.TEXTS)
    values = SolutionValues(
        **{name: row[name] for name in names if name in row},
        themes=tuple(row["themes"]),
        asks=tuple(row["asks"]),
        kinds=tuple(row["kinds"]),
        stage=row.get("stage"),
        areas=_areas(session, row["areas"]),
    )
    solution = solutions.create(session, organisation, values, actor=owner, now=posted)
    if row["state"] != "draft":
        solutions.publish(
            session, solution, actor=owner, now=posted, expected_version=solution.version
        )
    return True


def _areas(session: Session, names: Iterable[str]) -> tuple[str, ...]:
    names = list(names)
    if "全国" in names:
        return (NATIONWIDE,)
    rows = select(Prefecture.code).where(Prefecture.name.in_(names)).order_by(Prefecture.code)
    return tuple(session.scalars(rows))


_MAKERS = {
    "organisations": _make_organisations,
    "desks": _make_desks,
    "calls": _make_calls,
    "solutions": _make_solutions,
}
