"""News by mail: at most one a day, told once, whatever dies, stalls or is away meanwhile."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from hub.db import Database
from hub.domain import alerts, mails
from hub.domain.alert_text import Links
from hub.domain.saved_search import Search
from hub.index import rebuild
from hub.mail import Folder, Letter, Smtp, Transport
from hub.models import Alert, AlertSeen, Call, Mail, User
from search.embedded import EmbeddedIndex
from search.index import IndexUnavailable, SearchIndex, SearchResult
from search.query import SearchQuery
from tests import market
from tests.conftest import NOW, Clock
from tests.dying import dying
from tests.mailbox import received
from tests.mailserver import MailServer, mail_server
from workers.jobs.alerts import compose, send

LINKS = Links("http://127.0.0.1:8000", "a key for tests only")
MORNING = datetime.fromisoformat("2026-12-02T08:30:00+09:00")
DAY = timedelta(days=1)
SENDER = "Local Hub <no-reply@example.jp>"


@pytest.fixture
def index(database: Database, tmp_path: Path) -> EmbeddedIndex:
    index = EmbeddedIndex(tmp_path / "index")
    rebuild(database, index)
    return index


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "mail", SENDER)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def subscribed(
    database: Database,
    search: Search | None = None,
    *,
    email: str = "hanako@example.jp",
    now: datetime = NOW,
) -> int:
    """A confirmed alert whose confirming mail is out of the way."""
    with database.unit_of_work() as session:
        wanted = search or Search(text="放課後")
        alerts.subscribe(
            session, email=email, search=wanted, title="放課後", language="ja", links=LINKS, now=now
        )
        alert = session.scalars(select(Alert).order_by(Alert.id.desc())).first()
        assert alert is not None
        alerts.confirm(session, alert, now=now)
        session.execute(
            update(Mail).where(Mail.alert_id == alert.id).values(state="sent", recipient="")
        )
        return alert.id


def published(
    database: Database, index: EmbeddedIndex | None, *, now: datetime, **changes: object
) -> int:
    with database.unit_of_work() as session:
        officer = session.scalar(select(User).join(User.memberships)) or market.town(session)
        call = market.publish_call(session, officer, now=now, **changes)
    if index is not None:
        rebuild(database, index)
    return call.id


def work(
    database: Database, index: SearchIndex, transport: Transport, clock: Callable[[], datetime]
) -> None:
    assert compose(database, index, LINKS, clock=clock)
    assert send(database, transport, LINKS.host, clock=clock)


def queued(database: Database, kind: str = "news") -> list[Mail]:
    with database.session() as session:
        return list(session.scalars(select(Mail).where(Mail.kind == kind).order_by(Mail.id)))


def told(database: Database) -> set[int]:
    with database.session() as session:
        return set(session.scalars(select(AlertSeen.subject_id)))


# --- What is news -------------------------------------------------------------------------------


def test_each_listing_is_told_once_and_one_mail_a_day(
    database: Database, index: EmbeddedIndex, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    published(database, index, now=NOW - DAY)  # before anyone asked: not news
    subscribed(database)
    first = published(database, index, now=NOW + timedelta(hours=1))
    clock.moment = MORNING - timedelta(seconds=1)
    work(database, index, folder, clock)
    assert received(tmp_path) == []
    clock.moment = MORNING
    second = published(database, index, now=MORNING)
    for minutes in (0, 1, 600):
        clock.moment = MORNING + timedelta(minutes=minutes)
        work(database, index, folder, clock)
        assert len(received(tmp_path)) == 1
    assert told(database) == {first, second}
    third = published(database, index, now=MORNING + timedelta(hours=3))
    clock.moment = MORNING + DAY
    work(database, index, folder, clock)
    _, mail = received(tmp_path)
    assert mail.path("/calls/") == f"/calls/{third}"
    clock.moment = MORNING + 2 * DAY
    work(database, index, folder, clock)
    assert len(received(tmp_path)) == 2, "nothing new, no mail"


def test_only_what_the_search_finds_and_what_is_open(
    database: Database, index: EmbeddedIndex, folder: Folder, clock: Clock
) -> None:
    subscribed(database, Search(text="放課後", filters={"theme": ("childcare",)}))
    later = NOW + timedelta(minutes=1)
    wanted = published(database, None, now=later)
    published(database, None, now=later, themes=("snow",))
    published(database, None, now=later, title="雪", problem="雪", wanted="雪", summary="雪")
    published(database, None, now=later, closes_at=MORNING - timedelta(minutes=1))
    published(database, None, now=later, opens_at=MORNING + timedelta(hours=1))
    rebuild(database, index)
    clock.moment = MORNING
    work(database, index, folder, clock)
    assert told(database) == {wanted}


def test_a_call_is_news_when_it_opens_even_if_published_before_the_alert(
    database: Database, index: EmbeddedIndex, folder: Folder, clock: Clock
) -> None:
    opens = MORNING + timedelta(hours=5)
    call = published(database, index, now=NOW - 9 * DAY, opens_at=opens, closes_at=opens + 30 * DAY)
    for number in range(105):  # more than a page of newer ones
        published(database, None, now=NOW - DAY, title=f"放課後の募集{number}")
    rebuild(database, index)
    subscribed(database)
    clock.moment = MORNING
    work(database, index, folder, clock)
    assert told(database) == set()
    clock.moment = MORNING + DAY
    work(database, index, folder, clock)
    assert told(database) == {call}


def test_a_change_that_makes_a_new_listing_fit_is_news_and_any_other_is_not(
    database: Database, index: EmbeddedIndex, folder: Folder, clock: Clock
) -> None:
    old = published(database, index, now=NOW - DAY)
    subscribed(database)
    call = published(database, index, now=NOW + timedelta(hours=1), title="雪", problem="雪",
                     wanted="雪", summary="雪")  # fmt: skip
    for day in range(5):
        clock.moment = MORNING + day * DAY
        work(database, index, folder, clock)
    assert told(database) == set()
    with database.unit_of_work() as session:
        for id_ in (call, old):
            row = session.get_one(Call, id_)
            row.title, row.updated_at = "放課後の居場所", clock.moment
    rebuild(database, index)
    clock.moment += DAY
    work(database, index, folder, clock)
    assert told(database) == {call}


def test_an_index_that_lags_or_is_away_postpones_and_never_skips(
    database: Database, index: EmbeddedIndex, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    class Away:
        def search(self, query: SearchQuery) -> SearchResult:
            raise IndexUnavailable("away")

    subscribed(database)
    late = published(database, None, now=NOW + timedelta(hours=1))  # not in the index yet
    clock.moment = MORNING
    work(database, index, folder, clock)
    assert received(tmp_path) == []
    clock.moment = MORNING + DAY
    rebuild(database, index)
    for _ in range(3):
        work(database, Away(), folder, clock)  # type: ignore[arg-type]
        assert received(tmp_path) == []
        with database.session() as session:
            assert not alerts.due(session, clock.moment)
            assert alerts.due(session, clock.moment + alerts.AWAY)
        clock.moment += alerts.AWAY
    clock.moment += 3 * DAY  # away for days
    work(database, index, folder, clock)
    assert told(database) == {late}
    assert len(received(tmp_path)) == 1


def test_a_search_that_cannot_be_answered_holds_up_nobody(
    database: Database, index: EmbeddedIndex, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    broken = subscribed(database, email="a@example.jp")
    subscribed(database, email="b@example.jp")
    with database.unit_of_work() as session:
        session.get_one(Alert, broken).search = f"q={'a' * 999}&target=call"
    published(database, index, now=NOW + timedelta(hours=1))
    clock.moment = MORNING
    work(database, index, folder, clock)
    assert [mail.message["To"] for mail in received(tmp_path)] == ["b@example.jp"]
    with database.unit_of_work() as session:
        session.get_one(Alert, broken).search = Search(text="放課後").query_string
    clock.moment = MORNING + DAY
    work(database, index, folder, clock)
    assert len(received(tmp_path)) == 2, "told a day later"


def test_two_people_two_mails_and_the_ended_one_gets_none(
    database: Database, index: EmbeddedIndex, folder: Folder, clock: Clock, tmp_path: Path
) -> None:
    ids = [subscribed(database, email=f"{name}@example.jp") for name in ("a", "b", "c")]
    published(database, index, now=NOW + timedelta(hours=1))
    clock.moment = MORNING
    assert compose(database, index, LINKS, clock=clock)
    with database.unit_of_work() as session:
        alerts.end(session, session.get_one(Alert, ids[2]), now=clock.moment)
    assert send(database, folder, LINKS.host, clock=clock)
    assert {mail.message["To"] for mail in received(tmp_path)} == {"a@example.jp", "b@example.jp"}


def test_the_database_itself_allows_one_mail_a_day(database: Database) -> None:
    id_ = subscribed(database)
    values = {
        "alert_id": id_, "kind": "news", "key": "news-X-2026-12-02", "recipient": "", "subject": "",
        "body": "", "end_url": "", "created_at": NOW, "due_at": NOW,
    }  # fmt: skip
    with pytest.raises(IntegrityError), database.unit_of_work() as session:
        session.add_all([Mail(**values), Mail(**values)])


def test_what_was_sent_is_forgotten(
    database: Database, index: EmbeddedIndex, folder: Folder, clock: Clock
) -> None:
    subscribed(database)
    published(database, index, now=NOW + timedelta(hours=1))
    clock.moment = MORNING
    work(database, index, folder, clock)
    (mail,) = queued(database)
    assert (mail.state, mail.recipient, mail.subject, mail.body, mail.end_url) == (
        "sent", "", "", "", "",
    )  # fmt: skip


# --- A mail server that refuses, hangs up, is away ----------------------------------------------


def ready(database: Database, index: EmbeddedIndex, clock: Clock, people: int = 1) -> None:
    """News for some people are queued on the first morning."""
    for number in range(people):
        subscribed(database, email=f"reader{number}@example.jp")
    published(database, index, now=NOW + timedelta(hours=1))
    clock.moment = MORNING
    assert compose(database, index, LINKS, clock=clock)


def test_a_busy_mailbox_is_tried_again_each_time_later(
    database: Database, index: EmbeddedIndex, clock: Clock, server: MailServer
) -> None:
    ready(database, index, clock)
    server.does["rcpt"] = "450 busy"
    transport = Smtp(server.url, SENDER)
    waits = []
    for _ in range(4):
        assert send(database, transport, LINKS.host, clock=clock)
        (mail,) = queued(database)
        assert (mail.state, mail.last_error) == ("queued", "450 busy")
        waits.append((mail.due_at - clock.moment) / timedelta(minutes=1))
        clock.moment = mail.due_at
    assert waits == [1, 2, 4, 8]
    server.does.clear()
    assert send(database, transport, LINKS.host, clock=clock)
    assert len(server.taken) == 1
    assert queued(database)[0].state == "sent"


def test_a_server_that_is_away_for_six_hours_loses_nothing(
    database: Database, index: EmbeddedIndex, clock: Clock, server: MailServer
) -> None:
    ready(database, index, clock, people=5)
    server.does["connect"] = "421 later"
    transport = Smtp(server.url, SENDER)
    while clock.moment < MORNING + timedelta(hours=6):
        assert send(database, transport, LINKS.host, clock=clock)
        with database.session() as session:
            assert not mails.due(session, clock.moment), "the whole queue rests"
        clock.moment += timedelta(minutes=10)
    server.does.clear()
    assert send(database, transport, LINKS.host, clock=clock)
    assert len(server.taken) == len(set(server.recipients)) == 5


def race(database: Database, work: Callable[[Database], object]) -> None:
    """Do the same in four threads at once, each with a connection of its own; none may fail."""
    problems: list[BaseException] = []

    def one() -> None:
        own = Database(database.engine.url.render_as_string(hide_password=False))
        try:
            work(own)
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


@pytest.mark.parametrize("answer", ["550 no such mailbox", "never"])
def test_what_could_not_be_told_is_part_of_the_next_mail(
    database: Database, index: EmbeddedIndex, clock: Clock, server: MailServer, answer: str
) -> None:
    ready(database, index, clock)
    server.does["rcpt"] = "450 busy" if answer == "never" else answer
    transport = Smtp(server.url, SENDER)
    while queued(database)[-1].state == "queued":
        assert send(database, transport, LINKS.host, clock=clock)
        clock.moment += timedelta(hours=6)
    assert clock.moment - MORNING < mails.LIFETIME + DAY
    assert told(database) == set()
    assert queued(database)[0].recipient == ""
    with database.session() as session:
        (trouble,) = mails.troubles(session)
        assert (trouble.state, trouble.error) == ("failed", server.does["rcpt"])
    server.does.clear()
    clock.moment = alerts.next_morning(clock.moment)
    work(database, index, transport, clock)
    assert len(server.taken) == 1
    assert told(database) == {1}


def test_an_unsure_mail_is_never_sent_again_that_day(
    database: Database, index: EmbeddedIndex, clock: Clock, server: MailServer
) -> None:
    ready(database, index, clock)
    server.does["end"] = "hang up after taking"
    transport = Smtp(server.url, SENDER)
    for _ in range(3):
        work(database, index, transport, clock)
        clock.moment += timedelta(hours=2)
    assert len(server.taken) == 1
    server.does.clear()
    clock.moment = MORNING + DAY
    work(database, index, transport, clock)
    assert len(server.taken) == 2


# --- Two senders, sleepers ----------------------------------------------------------------------


class Counting:
    """A transport that counts how often each mail may have arrived; `during` runs before that."""

    def __init__(self, *, repeatable: bool, during: Callable[[], None] = lambda: None) -> None:
        self.repeatable = repeatable
        self.during = during
        self.arrived: dict[str, int] = {}
        self.lock = threading.Lock()

    def send(self, letter: Letter, handing_over: Callable[[], None]) -> None:
        during, self.during = self.during, lambda: None
        during()
        handing_over()
        with self.lock:
            self.arrived[letter.message_id] = self.arrived.get(letter.message_id, 0) + 1


@pytest.mark.parametrize("repeatable", [True, False])
def test_senders_that_race_send_each_mail_once(
    database: Database, index: EmbeddedIndex, clock: Clock, repeatable: bool
) -> None:
    ready(database, index, clock, people=12)
    transport = Counting(repeatable=repeatable)
    race(database, lambda own: send(own, transport, LINKS.host, clock=clock))
    assert sorted(transport.arrived.values()) == [1] * 12
    assert {mail.state for mail in queued(database)} == {"sent"}


def test_composers_that_race_queue_each_mail_once(
    database: Database, index: EmbeddedIndex, clock: Clock
) -> None:
    for number in range(6):
        subscribed(database, email=f"reader{number}@example.jp")
    published(database, index, now=NOW + timedelta(hours=1))
    clock.moment = MORNING
    race(database, lambda own: compose(own, index, LINKS, clock=clock))
    assert len(queued(database)) == 6
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(AlertSeen)) == 6


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_sender_that_slept_too_long_sends_nothing(
    database: Database, index: EmbeddedIndex, clock: Clock, repeatable: bool
) -> None:
    ready(database, index, clock)
    other = Counting(repeatable=repeatable)

    def overtaken() -> None:
        clock.moment += mails.LEASE
        assert send(database, other, LINKS.host, clock=clock)

    sleeper = Counting(repeatable=repeatable, during=overtaken)
    assert send(database, sleeper, LINKS.host, clock=clock)
    assert list(other.arrived.values()) == [1]
    assert sleeper.arrived == {}
    assert queued(database)[0].state == "sent"


def test_an_alert_that_ends_while_its_mail_is_on_the_way_gets_none(
    database: Database, index: EmbeddedIndex, clock: Clock
) -> None:
    ready(database, index, clock)

    def ended() -> None:
        with database.unit_of_work() as session:
            alerts.end(session, session.scalars(select(Alert)).one(), now=clock.moment)

    transport = Counting(repeatable=False, during=ended)
    assert send(database, transport, LINKS.host, clock=clock)
    assert transport.arrived == {}


# --- Death at every step ------------------------------------------------------------------------


def dead_or_done(
    database: Database, folder: Path, when: datetime, mail_url: str, fatal: int
) -> int:
    """Do everything in a process that is killed at a step; 0, or the number of steps it took."""

    def work(own: Database) -> None:
        transport: Transport = (
            Smtp(mail_url, SENDER) if mail_url else Folder(folder / "mail", SENDER)
        )
        compose(own, EmbeddedIndex(folder / "index"), LINKS, clock=lambda: when)
        send(own, transport, LINKS.host, clock=lambda: when)

    return dying(database, work, fatal)


@pytest.mark.heavy
@pytest.mark.parametrize("way", ["folder", "smtp"])
def test_killed_at_any_step(
    database: Database, index: EmbeddedIndex, clock: Clock, server: MailServer, tmp_path: Path,
    way: str,
) -> None:  # fmt: skip
    """Each day begins with a call that is new; its worker dies one step later than the day before."""
    mail_url = server.url if way == "smtp" else ""
    transport: Transport = Smtp(mail_url, SENDER) if mail_url else Folder(tmp_path / "mail", SENDER)
    alert = subscribed(database)
    day, unsure = 0, 0
    while day < 80:
        day += 1
        clock.moment = MORNING + day * DAY
        call = published(
            database, index, now=clock.moment - timedelta(hours=5),
            closes_at=clock.moment + 99 * DAY, title=f"放課後の募集 kikaku{day:03}",
        )  # fmt: skip
        steps = dead_or_done(database, tmp_path, clock.moment, mail_url, day)
        clock.moment += mails.LEASE + timedelta(minutes=1)
        work(database, index, transport, clock)
        mail = queued(database)[-1]
        assert mail.key.endswith(str(clock.moment.date())), "one for each day"
        if way == "folder":
            assert mail.state == "sent"
            assert len(received(tmp_path)) == day
            assert call in told(database)
        else:
            unsure += mail.state == "failed"
            assert len(server.taken) <= day, "at most one a day"
        if steps:
            break
    assert day == steps + 1 > 15, "every step was the last one once"
    clock.moment = MORNING + (day + 1) * DAY
    work(database, index, transport, clock)
    with database.session() as session:
        everything = set(session.scalars(select(Call.id)))
        assert session.get_one(Alert, alert).state == "active"
    assert told(database) == everything, "nothing is lost"
    if way == "smtp":
        assert 1 <= unsure < 15, "only between the last line and its being written down"
