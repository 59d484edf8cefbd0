"""The rules of desks: who describes one, what it must say, when it takes proposals."""

from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.clock import JST
from hub.db import Database
from hub.domain import desks, organisations
from hub.domain.desks import DeskValues
from hub.domain.errors import Conflict, Forbidden, Refused
from hub.models import AuditEvent, Desk, Organisation, User
from tests.conftest import NOW
from tests.market import DESK, firm, organisation_of, person, publish_desk, town

CASES = [
    ({"name": ""}, "name"),
    ({"takes": " "}, "takes"),
    ({"reply_days": ""}, "reply_days"),
    ({"url": "", "phone": "", "email": ""}, "url"),
]


def created(session: Session, officer: User, **changes: object) -> Desk:
    values = replace(DESK, **changes)  # type: ignore[arg-type]
    return desks.create(session, organisation_of(session, officer), values, actor=officer, now=NOW)


@pytest.mark.parametrize(("changes", "field"), CASES)
def test_a_desk_says_what_it_takes_and_when_it_answers(
    database: Database, changes: dict[str, str], field: str
) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        desk = created(session, officer, **changes)
        assert [problem.field for problem in desks.unready(desk)] == [field]
        with pytest.raises(Refused):
            desks.publish(session, desk, actor=officer, now=NOW, expected_version=desk.version)
        assert desk.state == "draft"


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("10", 10),
        ("１０", 10),
        ("10日", 10),
        ("10営業日以内", 10),
        ("5 working days", 5),
        ("", None),
    ],
)
def test_the_promise_is_read_as_people_write_it(
    database: Database, typed: str, days: int | None
) -> None:
    with database.unit_of_work() as session:
        assert created(session, town(session), reply_days=typed).reply_days == days


@pytest.mark.parametrize(
    ("typed", "count"), [("5", 5), ("５件", 5), ("999", 999), (" 12 件まで", 12), ("", None)]
)
def test_how_many_proposals_it_can_look_at(
    database: Database, typed: str, count: int | None
) -> None:
    with database.unit_of_work() as session:
        assert created(session, town(session), capacity=typed).capacity == count


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("capacity", "0"), ("capacity", "1000"), ("capacity", "たくさん"), ("capacity", "-3"),
        ("reply_days", "0"), ("reply_days", "91"), ("reply_days", "すぐ"), ("reply_days", "-3"),
        ("phone", "110"), ("phone", "代表まで"), ("phone", "0263-12-3456 " * 4),
        ("email", "kyoso"), ("url", "javascript:alert(1)"), ("name", "長" * 101),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_at_its_field(
    database: Database, field: str, typed: str
) -> None:
    with database.unit_of_work() as session, pytest.raises(Refused) as refused:
        created(session, town(session), **{field: typed})
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize(
    "typed", ["0263-12-3456", "０２６３（１２）３４５６", "03-1234-5678 内線 12", "090 1234 5678"]
)
def test_telephone_numbers_are_read_as_people_write_them(database: Database, typed: str) -> None:
    with database.unit_of_work() as session:
        assert created(session, town(session), phone=typed).phone.startswith("0")


@given(typed=st.text(max_size=60))
@settings(max_examples=50)
def test_anything_typed_is_taken_or_refused(database: Database, typed: str) -> None:
    names = DeskValues.__dataclass_fields__
    values = DeskValues(**{n: typed for n in names if n not in ("paused", "paused_until")})
    with database.session(writing=True) as session:
        officer = town(session)
        hall = organisation_of(session, officer)
        with suppress(Refused):
            desk = desks.create(session, hall, values, actor=officer, now=NOW)
            session.flush()
            assert desk.state == "draft"


def test_only_editors_of_a_town_describe_its_desks(database: Database) -> None:
    with database.unit_of_work() as session:
        officer, owner = town(session), firm(session)
        hall = organisation_of(session, officer)
        viewer = person(session)
        organisations.add_member(session, hall, viewer, "viewer", now=NOW)
        session.refresh(viewer, ["memberships"])
        for actor in (viewer, owner, person(session), None):
            with pytest.raises(Forbidden):
                desks.create(session, hall, DESK, actor=actor, now=NOW)
        with pytest.raises(Forbidden):
            desks.create(session, organisation_of(session, owner), DESK, actor=owner, now=NOW)
        desk = publish_desk(session, officer)
        with pytest.raises(Forbidden):
            desks.change(session, desk, DESK, actor=viewer, now=NOW, expected_version=desk.version)


def test_nobody_publishes_before_the_town_is_confirmed(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = person(session)
        hall = organisations.claim(session, "132128", actor=officer, now=NOW).organisation
        session.refresh(officer, ["memberships"])
        desk = desks.create(session, hall, DESK, actor=officer, now=NOW)
        with pytest.raises(Forbidden):
            desks.publish(session, desk, actor=officer, now=NOW, expected_version=desk.version)


def test_every_change_leaves_a_trail_and_raises_the_version(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        desk = publish_desk(session, officer)
        values = replace(DESK, name="新しい名前")
        version = desk.version
        desks.change(session, desk, values, actor=officer, now=NOW, expected_version=version)
        with pytest.raises(Conflict):
            desks.change(session, desk, DESK, actor=officer, now=NOW, expected_version=version)
        desks.change(session, desk, values, actor=officer, now=NOW, expected_version=desk.version)
        desks.withdraw(session, desk, actor=officer, now=NOW, expected_version=desk.version)
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.subject == "desk").order_by(AuditEvent.id)
        ).all()
        assert [event.action for event in events] == [
            "desk.create", "desk.publish", "desk.change", "desk.withdraw",
        ]  # fmt: skip
        assert events[2].before == {"name": DESK.name}
        assert events[2].after == {"name": "新しい名前", "version": desk.version - 1}
        assert all(event.actor_id == officer.id for event in events)


def test_a_pause_needs_a_reason_and_ends_by_the_calendar(database: Database) -> None:
    until = date(2026, 12, 20)
    last = datetime(2026, 12, 20, 23, 59, 59, tzinfo=JST)
    with database.unit_of_work() as session:
        officer = town(session)
        with pytest.raises(Refused):
            created(session, officer, paused=True)
        resting = publish_desk(
            session, officer, paused=True, pause_reason="予算の時期", paused_until=until
        )
        for_ever = publish_desk(session, officer, name="x", paused=True, pause_reason="人手")
        never = publish_desk(
            session, officer, name="y", pause_reason="残った理由", paused_until=until
        )
        assert (never.pause_reason, never.paused_until) == ("", None)

        def taking(now: datetime) -> set[int]:
            found = session.scalars(
                select(Desk.id).join(Desk.organisation).where(desks.taking(now))
            )
            return set(found)

        for now, paused in ((last, True), (last + timedelta(seconds=1), False)):
            assert desks.is_paused(resting, now) is paused
            assert desks.is_paused(for_ever, now)
            assert taking(now) == {never.id} | (set() if paused else {resting.id})
        created(session, officer, name="下書き")
        hall = session.get(Organisation, never.organisation_id)
        assert hall is not None
        hall.verified_at = None
        session.flush()
        assert taking(last) == set()
