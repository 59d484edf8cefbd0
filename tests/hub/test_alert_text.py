"""Mails of alerts: plain, complete in themselves, narrow, and typeable."""

import re
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from urllib.parse import urlsplit

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hub.db import Database
from hub.domain import alert_text, alerts
from hub.domain.alert_text import COLUMNS, Links, Text, columns, wrap
from hub.domain.alerts import LETTERS, parse_reference
from hub.domain.saved_search import Search
from hub.mail import Letter
from hub.models import Alert, Call
from tests.conftest import NOW, Once
from tests.market import firm, publish_call, publish_solution, town

LINKS = Links("https://hub.example.jp", "a key for tests only")
JAPANESE = re.compile("[\u3041-\u30fa\u4e00-\u9fff]")
SENTENCES = st.text(st.sampled_from("あア漢、。「」（）0123456789abc -ー…é𠮷👪‍ \t"), max_size=200)


def alert(language: str = "ja", target: str = "call", title: str = "子育て・宮城県") -> Alert:
    return Alert(
        reference="A7K-3MQ",
        email="hanako@example.jp",
        target=target,
        title=title,
        language=language,
        nonce="n",
        state="active",
    )


def letter(text: Text, end_url: str = "https://hub.example.jp/alerts/end/x") -> EmailMessage:
    """The mail as it goes out, read as a stranger would."""
    made = Letter("id@hub.example.jp", "hanako@example.jp", *_both(text), NOW, "ja", end_url)
    raw = bytes(made.message("Local Hub 運営 <no-reply@hub.example.jp>"))
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    read = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(read, EmailMessage)
    return read


def _both(text: Text) -> tuple[str, str]:
    return text.subject, text.body


def make_listings(database: Database) -> list[Call]:
    with database.unit_of_work() as session:
        officer = town(session)
        made = [
            publish_call(
                session,
                officer,
                title=f"雪道の見守り{n}: とても長い題名でも、行の幅を守って折り返し、読みやすく届ける",
                closes_at=NOW + timedelta(days=n) if n else None,
            )
            for n in range(22)
        ]
        for call in made:
            session.refresh(call, ["organisation"])
            _ = call.organisation.municipality.prefecture.name
        return made


@pytest.fixture
def listings(once: Once, database: Database) -> list[Call]:
    """22 calls, the first without a deadline."""
    made: list[Call] = once(make_listings, database)
    return made


def narrow(body: str) -> bool:
    return all(columns(line) <= COLUMNS or line.startswith("https://") for line in body.split("\n"))


@pytest.mark.parametrize("language", ["ja", "en"])
def test_news_are_complete_in_themselves(listings: list[Call], language: str) -> None:
    text = alert_text.news(alert(language), listings[:2], LINKS)
    place = "宮城県石巻市" if language == "ja" else "Ishinomaki, Miyagi"
    assert text.body.count(place) == 2
    assert "雪道の見守り0" in text.body
    assert ("随時受付中" if language == "ja" else "Open at any time") in text.body
    assert ("12月2日（水）12:00" if language == "ja" else "Wed 2 December 2026, 12:00") in text.body
    assert "A7K-3MQ" in text.body
    assert narrow(text.body)
    lines = text.body.split("\n")
    suffix = "" if language == "ja" else "?lang=en"
    for call in listings[:2]:
        assert f"https://hub.example.jp/calls/{call.id}{suffix}" in lines
    for line in lines:
        assert "https://" not in line or line.startswith("https://"), "an address has its own line"


def test_the_subject_says_the_search_and_the_number(listings: list[Call]) -> None:
    assert alert_text.news(alert(), listings[:2], LINKS).subject == (
        "【Local Hub】「子育て・宮城県」の募集に新着2件"
    )
    english = alert_text.news(alert("en", title="Snow · Miyagi"), listings[:2], LINKS)
    assert english.subject == '[Local Hub] New calls for "Snow · Miyagi": 2'
    assert len(alert_text.news(alert(title="長" * 200), listings, LINKS).subject) < 80


def test_an_english_mail_is_english(listings: list[Call]) -> None:
    made = alert("en", title="Snow")
    call = listings[1]
    call.title = "Watching over snowy roads"
    for text in (
        alert_text.confirmation(made, LINKS),
        alert_text.already(made, LINKS),
        alert_text.news(made, [call], LINKS),
    ):
        assert not JAPANESE.search(text.subject + text.body)
        assert narrow(text.body)


def test_the_twenty_first_is_counted(listings: list[Call]) -> None:
    body = alert_text.news(alert(), listings, LINKS).body
    assert len(re.findall(r"^https://hub.example.jp/calls/", body, re.M)) == 20
    assert "ほかに2件あります" in body


def test_solutions_name_their_owner(database: Database) -> None:
    with database.unit_of_work() as session:
        solution = publish_solution(session, firm(session))
        text = alert_text.news(alert(target="solution"), [solution], LINKS)
    assert text.subject.endswith("のソリューションに新着1件")
    assert "株式会社ひだまり" in text.body
    assert f"https://hub.example.jp/solutions/{solution.id}" in text.body.split("\n")


def test_one_plain_part_and_one_click(listings: list[Call]) -> None:
    message = letter(alert_text.news(alert(), listings[:1], LINKS))
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"
    assert not message.is_multipart()
    assert not list(message.iter_attachments())
    assert message["List-Unsubscribe"] == "<https://hub.example.jp/alerts/end/x>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].endswith("+0900")
    assert message["Content-Language"] == "ja"
    assert "子育て" in message.get_content()
    assert letter(alert_text.confirmation(alert(), LINKS), "")["List-Unsubscribe"] is None


def test_the_same_letter_is_the_same_bytes(listings: list[Call]) -> None:
    text = alert_text.news(alert(), listings[:1], LINKS)
    assert letter(text).as_bytes() == letter(text).as_bytes()


def test_every_address_in_a_mail_is_a_page(app: Flask, listings: list[Call]) -> None:
    made = alert()
    bodies = [
        alert_text.confirmation(made, LINKS).body,
        alert_text.already(made, LINKS).body,
        alert_text.news(made, listings[:1], LINKS).body,
    ]
    adapter = app.url_map.bind("localhost")
    found = {
        adapter.match(urlsplit(line).path)[0]
        for body in bodies
        for line in body.split("\n")
        if line.startswith("https://")
    }
    assert found == {"alert.confirm", "alert.end", "alert.reference", "listing.call"}


@given(SENTENCES, st.sampled_from(["", "1. ", "   "]))
def test_lines_are_narrow_and_lose_nothing(text: str, indent: str) -> None:
    wrapped = wrap(text, indent)
    assert narrow(wrapped)
    assert "".join(wrapped.split()) == "".join((indent + text).split())


@given(SENTENCES, st.integers(1, 200), SENTENCES)
def test_an_address_is_never_cut(before: str, length: int, after: str) -> None:
    url = f"https://example.jp/{'x' * length}"
    assert url in wrap(f"{before} {url} {after}")


def test_japanese_lines_begin_and_end_rightly() -> None:
    text = "受付は12月1日（火）17時までです、「夜間」も含みます。" * 8
    for line in wrap(text).split("\n"):
        assert line[0] not in "、。）」"
        assert line[-1] not in "（「0123456789"


def test_reference_numbers_are_read_as_people_type_them() -> None:
    for typed in ("A7K-3MQ", "a7k3mq", "Ａ７Ｋ－３ＭＱ", " a7k 3mq ", "A7Kー3MQ", "a7k‐3mq。"):
        assert parse_reference(typed) == "A7K-3MQ", typed
    for typed in ("", "A7K", "A7K-3M0", "A7K-3MQX", "あいう-えおか", "' OR 1=1"):
        assert parse_reference(typed) == "", typed


def test_no_letter_of_a_number_looks_like_another() -> None:
    assert not set("0O1IL2Z5S8BUV") & set(LETTERS)
    assert len(set(LETTERS)) == len(LETTERS) == 23


def test_links_of_one_alert_do_not_give_away_another(database: Database) -> None:
    with database.unit_of_work() as session:
        for email in ("a@example.jp", "b@example.jp"):
            alerts.subscribe(
                session,
                email=email,
                search=Search(text="雪"),
                title="雪",
                language="ja",
                links=LINKS,
                now=NOW,
            )
        rows = session.scalars(select(Alert)).all()
    links = {f(row) for row in rows for f in (LINKS.confirm, LINKS.end)}
    assert len(links) == 4
    assert len({row.reference for row in rows}) == 2
    other = Links(LINKS.origin, "another key")
    assert not links & {f(row) for row in rows for f in (other.confirm, other.end)}
    for row in rows:
        kept = f"{row.confirm_hash} {row.end_hash} {row.nonce}"
        assert LINKS.token("end", row.nonce) not in kept
