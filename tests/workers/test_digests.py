"""The morning's recommendations: three cards at most, each told once, whatever dies meanwhile."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db import Database
from hub.domain import alerts, calls, digests, feedback, mails, organisations, solutions
from hub.domain.alert_text import COLUMNS, Links, columns
from hub.domain.feedback import Pair
from hub.domain.saved_search import Search
from hub.mail import Folder, Smtp, Transport
from hub.models import (
    Alert,
    Call,
    Desk,
    Digest,
    DigestCard,
    Mail,
    Match,
    Membership,
    Place,
    Solution,
    User,
)
from tests import market
from tests.conftest import NOW, Clock
from tests.dying import dying
from tests.mailbox import received
from tests.mailserver import MailServer, mail_server
from workers.jobs.alerts import send
from workers.jobs.digests import compose

LINKS = Links("http://127.0.0.1:8000", "a key for tests only")
MORNING = datetime.fromisoformat("2026-12-02T08:30:00+09:00")
DAY = timedelta(days=1)
SENDER = "Local Hub <no-reply@example.jp>"
WHY = ["「放課後」がどちらの文章にもあります。", "分野「子育て」が同じです。", "三つめの理由です。"]
GAPS = ["実証の場所は書かれていません。", "二つめの不足です。"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "mail", SENDER)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def place(
    session: Session, kind: str, call: Call, solution: Solution, rank: int, value: float = 0.7
) -> None:
    """A pair with reasons, in the list of its call or of its firm."""
    if session.get(Match, (call.id, solution.id)) is None:
        said = {"reasons": {"ja": WHY, "en": WHY}, "gaps": {"ja": GAPS, "en": GAPS}}
        session.add(market.pair(call, solution, value, **said))
    session.add(
        Place(
            kind=kind, owner_id=call.id if kind == "call" else solution.organisation_id,
            rank=rank, call_id=call.id, solution_id=solution.id,
            firm_id=solution.organisation_id, town_id=call.organisation_id, value=value,
            how="merit", begins_at=NOW, ends_at=None,
        )
    )  # fmt: skip
    session.flush()


def town_with(database: Database, *values: list[float]) -> tuple[int, list[list[tuple[int, int]]]]:
    """A town with a call for each list of values; its officer, and the pairs by call and rank."""
    with database.unit_of_work() as session:
        officer = market.town(session)
        pairs = []
        for number, own in enumerate(values):
            call = market.publish_call(session, officer, closes_at=NOW + 300 * DAY)
            offered = [
                market.publish_solution(session, market.firm(session, f"会社{number}-{n}"))
                for n in range(len(own))
            ]
            for rank, (solution, value) in enumerate(zip(offered, own, strict=True), 1):
                place(session, "call", call, solution, rank, value)
            pairs.append([(call.id, solution.id) for solution in offered])
        return officer.id, pairs


def work(database: Database, transport: Transport, clock: Callable[[], datetime]) -> None:
    assert compose(database, LINKS, clock=clock)
    assert send(database, transport, LINKS.host, clock=clock)


def began(database: Database, transport: Transport, clock: Clock) -> None:
    """Everybody has a digest, and its first morning has come."""
    work(database, transport, clock)
    clock.moment = MORNING


def told(database: Database, officer: int | None = None) -> set[tuple[int, int]]:
    with database.session() as session:
        cards = select(DigestCard.call_id, DigestCard.solution_id).join(DigestCard.digest)
        if officer is not None:
            cards = cards.join(Digest.membership).where(Membership.user_id == officer)
        return {(row.call_id, row.solution_id) for row in session.execute(cards)}


def queued(database: Database) -> list[Mail]:
    with database.session() as session:
        return list(session.scalars(select(Mail).order_by(Mail.id)))


# --- What is told, and when ----------------------------------------------------------------------


def test_three_cards_at_half_past_eight_and_each_once(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    officer, ((*pairs,),) = town_with(database, [0.9, 0.8, 0.7, 0.6, 0.5])
    began(database, folder, clock)
    clock.moment = MORNING - timedelta(seconds=1)
    work(database, folder, clock)
    assert received(tmp_path) == []
    for hours in (0, 1, 20):
        clock.moment = MORNING + timedelta(hours=hours)
        work(database, folder, clock)
        assert len(received(tmp_path)) == 1
        assert told(database, officer) == set(pairs[:3])
    clock.moment = MORNING + DAY
    work(database, folder, clock)
    assert len(received(tmp_path)) == 2
    assert told(database, officer) == set(pairs)
    clock.moment = MORNING + 2 * DAY
    work(database, folder, clock)
    assert len(received(tmp_path)) == 2, "nothing new, no mail"


def mornings(database: Database, transport: Transport, clock: Clock, *days: int) -> None:
    for day in days:
        clock.moment = MORNING + day * DAY
        work(database, transport, clock)


def last_digest(database: Database, officer: int) -> int:
    with database.session() as session:
        own = select(Digest.id).join(Digest.membership).where(Membership.user_id == officer)
        return session.scalars(own).one()


def test_an_address_that_nobody_answers_from_gets_two_and_no_third(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    officer, (pairs,) = town_with(database, [0.9 - n / 50 for n in range(10)])
    began(database, folder, clock)
    mornings(database, folder, clock, 0, 1, 2, 3, 30)
    first, second = received(tmp_path)
    assert "あと1通で止まります" in first.body
    assert "この1通で止まります" in second.body
    for mail in (first, second):
        assert mail.body.count("「続けて受け取る」を押してください") == 1
        assert mail.body.index("/digest/end/") < mail.body.index("締切")
    assert told(database, officer) == set(pairs[:6])
    with database.unit_of_work() as session:
        digest = session.get_one(Digest, last_digest(database, officer))
        assert digests.is_held(digest)
        digests.keep(session, digest, now=clock.moment)
    mornings(database, folder, clock, 31, 32)
    *_, third, fourth = received(tmp_path)
    assert told(database, officer) == set(pairs)
    assert "止まります" not in third.body
    assert "止まります" not in fourth.body


def test_who_has_confirmed_an_alert_is_known(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    officer, _pairs = town_with(database, [0.9 - n / 50 for n in range(10)])
    began(database, folder, clock)
    with database.unit_of_work() as session:
        email = session.get_one(User, officer).email
        alerts.subscribe(
            session, email=email, search=Search(), title="", language="ja", links=LINKS, now=NOW
        )
        alert = session.scalars(select(Alert)).one()
        alerts.confirm(session, alert, now=NOW)
    mornings(database, folder, clock, 0, 1, 2)
    own = [mail for mail in received(tmp_path) if "おすすめ" in mail.subject]
    assert len(own) == 3
    assert not [mail for mail in own if "止まります" in mail.body]


def test_one_more_may_be_wished_for_after_a_week(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    officer, _pairs = town_with(database, [0.9 - n / 50 for n in range(10)])
    began(database, folder, clock)
    mornings(database, folder, clock, 0, 1)

    def wish() -> None:
        with database.unit_of_work() as session:
            digest = session.get_one(Digest, last_digest(database, officer))
            member = session.get_one(User, officer)
            digests.switch(
                session, digest.membership, True,
                language="ja", links=LINKS, actor=member, now=clock.moment,
            )  # fmt: skip

    for day, count in ((2, 2), (9, 3), (10, 3)):
        clock.moment = MORNING + day * DAY - timedelta(hours=1)
        wish()
        mornings(database, folder, clock, day)
        assert len(received(tmp_path)) == count
    assert "この1通で止まります" in received(tmp_path)[-1].body


def first_mail(database: Database, folder: Folder, clock: Clock) -> None:
    """A town's first mail, made and not yet sent."""
    town_with(database, [0.9])
    began(database, folder, clock)
    assert compose(database, LINKS, clock=clock)


def test_a_server_that_is_away_uses_up_no_mail(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    first_mail(database, folder, clock)
    with database.unit_of_work() as session:
        (mail,) = session.scalars(select(Mail).where(Mail.kind == "digest"))
        mails.fail(session, mail, "it could not go out in time", counts=False)
    mornings(database, folder, clock, 1)
    (late,) = received(tmp_path)
    assert "あと1通で止まります" in late.body


def test_a_place_won_after_the_morning_waits_for_the_next(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    town_with(database, [])
    began(database, folder, clock)
    work(database, folder, clock)
    with database.unit_of_work() as session:
        call = session.scalars(select(Call)).one()
        place(session, "call", call, market.publish_solution(session, market.firm(session)), 1)
    clock.moment = MORNING + timedelta(hours=23, minutes=59)
    work(database, folder, clock)
    assert received(tmp_path) == []
    clock.moment = MORNING + DAY
    work(database, folder, clock)
    assert len(received(tmp_path)) == 1


def test_each_call_has_its_best_before_any_has_its_second(
    database: Database, folder: Folder, clock: Clock
) -> None:
    officer, (a, b) = town_with(database, [0.9, 0.85, 0.8], [0.6, 0.5])
    began(database, folder, clock)
    work(database, folder, clock)
    assert told(database, officer) == {a[0], b[0], a[1]}


def test_a_firm_is_told_of_its_own_list_in_its_order(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    with database.unit_of_work() as session:
        owner = market.firm(session)
        solution = market.publish_solution(session, owner)
        towns = [market.town(session, code) for code in ("042021", "011002", "131016", "132128")]
        posted = [market.publish_call(session, officer) for officer in towns]
        for rank, call in enumerate(posted, 1):
            place(session, "firm", call, solution, rank, 0.5 + rank / 10)
    began(database, folder, clock)
    work(database, folder, clock)
    assert told(database) == {(call.id, solution.id) for call in posted[:3]}
    (mail,) = received(tmp_path)
    assert mail.subject == "【Local Hub】株式会社ひだまりへのおすすめ3件"
    assert mail.body.index("宮城県石巻市") < mail.body.index("北海道札幌市")


def end_call(session: Session, call: Call, solution: Solution, now: datetime) -> None:
    officer = call.organisation.memberships[0].user
    calls.close(session, call, actor=officer, now=now, expected_version=call.version)


def pass_deadline(session: Session, call: Call, solution: Solution, now: datetime) -> None:
    call.closes_at = now


def withdraw(session: Session, call: Call, solution: Solution, now: datetime) -> None:
    owner = solution.organisation.memberships[0].user
    solutions.close(session, solution, actor=owner, now=now, expected_version=solution.version)


def answer(session: Session, call: Call, solution: Solution, now: datetime) -> None:
    for kind in ("call", "firm"):
        pair = Pair(kind, call, solution)
        member = pair.organisation.memberships[0].user
        feedback.answer(session, pair, "interested", actor=member, now=now)


def pause(session: Session, call: Call, solution: Solution, now: datetime) -> None:
    desk = session.scalars(select(Desk)).one()
    desk.paused, desk.pause_reason = True, "選挙"


def lose(session: Session, call: Call, solution: Solution, now: datetime) -> None:
    for won in session.scalars(select(Place)):
        won.ends_at = now


@pytest.mark.parametrize("happens", [end_call, pass_deadline, withdraw, answer, pause, lose])
def test_what_changes_before_the_morning_drops_the_card(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path,
    happens: Callable[[Session, Call, Solution, datetime], None],
) -> None:  # fmt: skip
    with database.unit_of_work() as session:
        officer, owner = market.town(session), market.firm(session)
        call = market.publish_call(session, officer)
        solution = market.publish_solution(session, owner)
        market.publish_desk(session, officer)
        place(session, "call", call, solution, 1)
        place(session, "firm", call, solution, 1)
    began(database, folder, clock)
    with database.unit_of_work() as session:
        happens(
            session,
            session.get_one(Call, call.id),
            session.get_one(Solution, solution.id),
            MORNING - timedelta(minutes=1),
        )
    work(database, folder, clock)
    assert received(tmp_path) == []
    assert told(database) == set()


def test_what_is_not_explained_yet_waits(database: Database, folder: Folder, clock: Clock) -> None:
    _officer, ((pair,),) = town_with(database, [0.9])
    with database.unit_of_work() as session:
        session.get_one(Match, pair).reasons = None
    began(database, folder, clock)
    work(database, folder, clock)
    assert told(database) == set()


# --- Who gets one --------------------------------------------------------------------------------


def test_owners_and_editors_get_one_each_and_nobody_else(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    officer, ((pair,),) = town_with(database, [0.9])
    with database.unit_of_work() as session:
        hall = session.get_one(Call, pair[0]).organisation
        people = {role: market.person(session) for role in ("editor", "viewer")}
        for role, one in people.items():
            organisations.add_member(session, hall, one, role, now=NOW)
        organisations.join(session, hall, actor=market.person(session), now=NOW)
        founder = session.get_one(User, officer)
    began(database, folder, clock)
    work(database, folder, clock)
    to = {str(mail.message["To"]) for mail in received(tmp_path)}
    assert to == {founder.email, people["editor"].email}


def test_who_switched_it_off_or_left_gets_none(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    officer, ((pair,),) = town_with(database, [0.9])
    began(database, folder, clock)
    with database.unit_of_work() as session:
        membership = session.scalars(select(Membership).where(Membership.user_id == officer)).one()
        membership.role = "viewer"
    work(database, folder, clock)
    assert received(tmp_path) == []
    with database.unit_of_work() as session:
        membership = session.merge(membership)
        membership.role = "owner"
        switch(session, membership, False)
    clock.moment = MORNING + DAY
    work(database, folder, clock)
    assert received(tmp_path) == []
    with database.unit_of_work() as session:
        switch(session, session.merge(membership), True)
    clock.moment = MORNING + 2 * DAY
    work(database, folder, clock)
    assert told(database) == {pair}


def switch(session: Session, membership: Membership, wanted: bool) -> None:
    digests.switch(
        session, membership, wanted, language="ja", links=LINKS, actor=membership.user, now=MORNING
    )


def test_switching_off_before_the_first_morning_lasts(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    officer, _pairs = town_with(database, [0.9])
    with database.unit_of_work() as session:
        own = session.scalars(select(Membership).where(Membership.user_id == officer)).one()
        switch(session, own, False)
    began(database, folder, clock)
    work(database, folder, clock)
    assert received(tmp_path) == []


def test_ending_takes_back_what_is_queued(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    first_mail(database, folder, clock)
    with database.unit_of_work() as session:
        for digest in session.scalars(select(Digest)):
            digests.end(session, digest, now=clock.moment)
    assert send(database, folder, LINKS.host, clock=clock)
    assert received(tmp_path) == []
    assert told(database) == set()


# --- What it says --------------------------------------------------------------------------------


def test_a_card_says_all_that_is_needed(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    _officer, ((pair,),) = town_with(database, [0.9])
    began(database, folder, clock)
    work(database, folder, clock)
    (mail,) = received(tmp_path)
    assert mail.subject == "【Local Hub】宮城県石巻市へのおすすめ1件"
    body = mail.body.replace("\n   ", "")
    for words in (
        "小学生の放課後を見守る学びの広場", "会社0-0", "放課後の居場所を一緒につくる事業者を募集",
        "締切: ", *WHY[:2], GAPS[0],
    ):  # fmt: skip
        assert words in body
    assert WHY[2] not in body
    assert GAPS[1] not in body
    assert mail.path("/solutions/") == f"/solutions/{pair[1]}"
    assert mail.path("/digest/answer/")
    assert mail.message["List-Unsubscribe"] == f"<http://127.0.0.1:8000{mail.path('/digest/end/')}>"
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.message.get_content_type() == "text/plain"
    assert list(mail.message.iter_attachments()) == []
    assert "試験 花子" not in mail.body, "nobody is named"
    assert all(columns(line) <= COLUMNS or "://" in line for line in mail.body.splitlines())


def test_it_is_written_in_the_readers_language(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    town_with(database, [0.9])
    began(database, folder, clock)
    with database.unit_of_work() as session:
        for digest in session.scalars(select(Digest)):
            digest.language = "en"
    work(database, folder, clock)
    (mail,) = received(tmp_path)
    assert "Ishinomaki, Miyagi" in mail.subject
    assert mail.path("/digest/end/").endswith("?lang=en")
    assert "このメール" not in mail.body


# --- Links ---------------------------------------------------------------------------------------


def token(folder: Path, which: str = "answer") -> str:
    return received(folder)[-1].path(f"/digest/{which}/").rpartition("/")[2]


def test_a_cards_link_answers_its_pair_for_its_member_for_a_month(
    database: Database, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    officer, ((pair,),) = town_with(database, [0.9])
    began(database, folder, clock)
    work(database, folder, clock)
    answering, ending = token(tmp_path), token(tmp_path, "end")
    with database.session() as session:
        asked = digests.by_answer_token(session, answering, now=MORNING + 30 * DAY - DAY)
        assert asked is not None
        assert (asked.pair.kind, asked.pair.call.id, asked.pair.solution.id) == ("call", *pair)
        assert asked.member.id == officer
        assert digests.by_answer_token(session, answering, now=MORNING + 30 * DAY) is None
        assert digests.by_answer_token(session, ending, now=MORNING) is None
        assert digests.by_end_token(session, answering) is None
        assert digests.by_end_token(session, ending) is not None
        stored = [str(row) for row in session.execute(select(*DigestCard.__table__.columns))]
        assert answering not in "".join(stored)
    with database.unit_of_work() as session:
        own = session.scalars(select(Membership).where(Membership.user_id == officer)).one()
        own.role = "viewer"
    with database.session() as session:
        assert digests.by_answer_token(session, answering, now=MORNING) is None


def test_every_member_has_a_link_of_their_own(
    database: Database, folder: Folder, clock: Clock
) -> None:
    _officer, ((pair,),) = town_with(database, [0.9])
    with database.unit_of_work() as session:
        hall = session.get_one(Call, pair[0]).organisation
        organisations.add_member(session, hall, market.person(session), "editor", now=NOW)
    began(database, folder, clock)
    work(database, folder, clock)
    with database.session() as session:
        assert len(set(session.scalars(select(DigestCard.token_hash)))) == 2


def test_cards_of_what_is_over_are_forgotten(
    database: Database, folder: Folder, clock: Clock
) -> None:
    _officer, ((first, second),) = town_with(database, [0.9, 0.8])
    began(database, folder, clock)
    work(database, folder, clock)
    with database.unit_of_work() as session:
        withdraw(session, None, session.get_one(Solution, first[1]), clock.moment)  # type: ignore[arg-type]
        digests.forget(session)
    assert told(database) == {second}


# --- A server that refuses or is away ------------------------------------------------------------


@pytest.mark.parametrize("answer", ["550 no such mailbox", "away"])
def test_what_could_not_be_told_is_part_of_the_next_mail(
    database: Database, folder: Folder, clock: Clock, server: MailServer, answer: str
) -> None:
    officer, ((pair,),) = town_with(database, [0.9])
    transport = Smtp(server.url, SENDER)
    began(database, folder, clock)
    server.does.update({"connect": "421 later"} if answer == "away" else {"rcpt": answer})
    while queued(database)[-1:] == [] or queued(database)[-1].state == "queued":
        work(database, transport, clock)
        clock.moment += timedelta(hours=3)
    assert clock.moment - MORNING < DAY, "a morning's mail is not kept for the next morning"
    assert told(database) == set()
    with database.session() as session:
        (trouble,) = mails.troubles(session)
        assert (trouble.state, trouble.kind) == ("failed", "digest")
        assert trouble.reference.startswith("D-")
    server.does.clear()
    clock.moment = MORNING + DAY
    work(database, transport, clock)
    assert len(server.taken) == 1
    assert told(database, officer) == {pair}


def test_makers_that_race_make_each_mail_once(
    database: Database, folder: Folder, clock: Clock
) -> None:
    _officer, ((pair,),) = town_with(database, [0.9])
    with database.unit_of_work() as session:
        hall = session.get_one(Call, pair[0]).organisation
        for _ in range(5):
            organisations.add_member(session, hall, market.person(session), "editor", now=NOW)
    began(database, folder, clock)
    problems: list[BaseException] = []

    def one() -> None:
        own = Database(database.engine.url.render_as_string(hide_password=False))
        try:
            compose(own, LINKS, clock=clock)
        except BaseException as error:
            problems.append(error)
        finally:
            own.engine.dispose()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(queued(database)) == 6


# --- Death at every step -------------------------------------------------------------------------


def dead_or_done(
    database: Database, folder: Path, when: datetime, mail_url: str, fatal: int
) -> int:
    """Do everything in a process that is killed at a step; 0, or the number of steps it took."""

    def work(own: Database) -> None:
        transport: Transport = (
            Smtp(mail_url, SENDER) if mail_url else Folder(folder / "mail", SENDER)
        )
        compose(own, LINKS, clock=lambda: when)
        send(own, transport, LINKS.host, clock=lambda: when)

    return dying(database, work, fatal)


@pytest.mark.heavy
@pytest.mark.parametrize("way", ["folder", "smtp"])
def test_killed_at_any_step(
    database: Database, clock: Clock, server: MailServer, tmp_path: Path, way: str
) -> None:
    """Each day begins with a pair that is new; its worker dies one step later than the day before."""
    mail_url = server.url if way == "smtp" else ""
    transport: Transport = Smtp(mail_url, SENDER) if mail_url else Folder(tmp_path / "mail", SENDER)
    officer, _pairs = town_with(database, [])
    with database.unit_of_work() as session:
        owner = market.firm(session)
    began(database, transport, clock)
    with database.unit_of_work() as session:
        switch(
            session,
            session.scalars(select(Membership).where(Membership.user_id == owner.id)).one(),
            False,
        )
        session.get_one(User, officer).email_confirmed_at = NOW
    day, unsure = 0, 0
    pairs: list[tuple[int, int]] = []
    while day < 80:
        day += 1
        clock.moment = MORNING + day * DAY
        known = told(database)
        with database.unit_of_work() as session:
            call = session.scalars(select(Call)).one()
            solution = market.publish_solution(session, session.merge(owner))
            for old in session.scalars(select(Place).where(Place.ends_at.is_(None))):
                if (old.call_id, old.solution_id) in known:
                    old.ends_at = clock.moment
            place(session, "call", call, solution, day)
            pairs.append((call.id, solution.id))
        steps = dead_or_done(database, tmp_path, clock.moment, mail_url, day)
        clock.moment += mails.LEASE + timedelta(minutes=1)
        work(database, transport, clock)
        if way == "folder":
            assert len(received(tmp_path)) == day
        else:
            last = queued(database)[-1:]
            unsure += bool(last) and last[0].state == "failed"
            assert len(server.taken) <= day, "at most one a day"
        if steps:
            break
    assert day == steps + 1 > 15, "every step was the last one once"
    for later in (1, 2, 3):  # at most three cards go out in a day
        clock.moment = MORNING + (day + later) * DAY
        work(database, transport, clock)
    assert told(database, officer) == set(pairs), "nothing is lost"
    if way == "smtp":
        assert 1 <= unsure < 15, "only between the last line and its being written down"
    else:
        bodies = [mail.body for mail in received(tmp_path)]
        answers = [line for body in bodies for line in body.splitlines() if "/answer/" in line]
        assert len(answers) == len(set(answers)) == len(pairs), "each told exactly once"
