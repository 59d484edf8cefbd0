"""Handing mails over: what has certainly not arrived, what may have, what has."""

from collections.abc import Iterator
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.config import Settings
from hub.domain.errors import Refused
from hub.domain.inputs import clean_line, clean_text, parse_email
from hub.mail import Folder, Letter, Nobody, NotSent, Smtp, Unsure, open_transport
from tests.conftest import NOW
from tests.mailserver import MailServer, mail_server

SENDER = "Local Hub <no-reply@hub.example.jp>"
LETTER = Letter(
    "news-A7K-3MQ-2026-12-01@hub.example.jp",
    "hanako@example.jp",
    "【Local Hub】新着1件",
    "本文です。\n.点で始まる行\n",
    NOW,
)


class Step:
    """What the sender does before it hands over; counts, and fails when told so."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self.error = error

    def __call__(self) -> None:
        self.count += 1
        if self.error:
            raise self.error


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_takes_the_same_mail_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "mail", SENDER)
    for _ in range(3):
        folder.send(LETTER, Step())
    assert files(tmp_path / "mail") == ["news-A7K-3MQ-2026-12-01@hub.example.jp.eml"]
    raw = folder.path(LETTER.message_id).read_bytes()
    message = BytesParser(policy=policy.default).parsebytes(raw)
    assert message["Message-ID"] == f"<{LETTER.message_id}>"
    assert message["Subject"] == LETTER.subject
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0


@given(st.emails(), st.text(max_size=100), st.text(max_size=300))
def test_every_address_that_we_accept_can_be_written_to(
    email: str, subject: str, body: str
) -> None:
    try:
        address, key = parse_email(email)
    except Refused:
        return
    recipient = f"{address.rpartition('@')[0]}@{key.rpartition('@')[2]}"
    letter = replace(
        LETTER, recipient=recipient, subject=clean_line(subject), body=clean_text(body)
    )
    raw = bytes(letter.message(SENDER))
    message = BytesParser(policy=policy.default).parsebytes(raw)
    (to,) = message["To"].addresses
    assert to.addr_spec == recipient
    assert raw.isascii()
    assert message.get_content().split() == letter.body.split()  # type: ignore[attr-defined]


def test_a_file_name_stays_in_the_folder(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "mail", SENDER)
    folder.send(replace(LETTER, message_id="../../x/y@z"), Step())
    assert files(tmp_path) == ["mail"]


@pytest.mark.parametrize("kind", ["folder", "smtp"])
def test_a_lost_claim_sends_nothing(kind: str, tmp_path: Path, server: MailServer) -> None:
    transport = Folder(tmp_path / "mail", SENDER) if kind == "folder" else Smtp(server.url, SENDER)
    with pytest.raises(KeyError):
        transport.send(LETTER, Step(KeyError()))
    assert server.taken == []
    assert not (tmp_path / "mail").exists() or files(tmp_path / "mail") == []


def test_a_server_takes_a_mail(server: MailServer) -> None:
    step = Step()
    Smtp(server.url, SENDER).send(LETTER, step)
    (raw,) = server.taken
    message = BytesParser(policy=policy.default).parsebytes(raw)
    assert step.count == 1
    assert message.get_content().replace("\r\n", "\n") == LETTER.body  # type: ignore[attr-defined]
    assert server.recipients == ["hanako@example.jp"]


@pytest.mark.parametrize(
    ("step", "answer", "final", "away"),
    [
        ("connect", "hang up", False, True),
        ("connect", "421 too busy", False, True),
        ("mail", "451 later", False, False),
        ("rcpt", "450 mailbox busy", False, False),
        ("rcpt", "550 no such mailbox", True, False),
        ("rcpt", "hang up", False, True),
        ("data", "452 no room", False, False),
        ("end", "451 later", False, False),
        ("end", "554 not wanted", True, False),
    ],
)
def test_a_refused_mail_has_not_arrived(
    server: MailServer, step: str, answer: str, final: bool, away: bool
) -> None:
    server.does[step] = answer
    handed = Step()
    with pytest.raises(NotSent) as found:
        Smtp(server.url, SENDER).send(LETTER, handed)
    assert (found.value.final, found.value.away) == (final, away)
    assert handed.count == (step == "end")
    assert server.taken == []


@pytest.mark.parametrize("answer", ["hang up", "hang up after taking"])
def test_a_server_that_hangs_up_at_the_end_leaves_us_unsure(
    server: MailServer, answer: str
) -> None:
    server.does["end"] = answer
    handed = Step()
    with pytest.raises(Unsure):
        Smtp(server.url, SENDER).send(LETTER, handed)
    assert handed.count == 1


def test_a_server_that_hangs_up_in_the_middle_has_taken_nothing(server: MailServer) -> None:
    """Either the text cannot be sent, or its end meets a closed door."""
    server.does["middle"] = "hang up"
    long = replace(LETTER, body="とても長い本文。\n" * 200_000)
    with pytest.raises(NotSent) as found:
        Smtp(server.url, SENDER).send(long, Step())
    assert found.value.away
    assert server.taken == []


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(NotSent) as found:
        Smtp("smtp://127.0.0.1:9", SENDER).send(LETTER, Step())
    assert found.value.away


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file where the folder should be")
    with pytest.raises(NotSent):
        Folder(tmp_path / "mail", SENDER).send(LETTER, Step())


def test_the_setting_chooses(tmp_path: Path) -> None:
    made = open_transport(Settings(data_dir=tmp_path))
    assert isinstance(made, Folder)
    assert made.folder == tmp_path / "mail"
    assert isinstance(open_transport(Settings(data_dir=tmp_path, mail_url="null:")), Nobody)
    smtp = open_transport(
        Settings(
            data_dir=tmp_path,
            mail_url="smtps://us%40er:p%3Aw@mail.example.jp",
            public_url="https://hub.example.jp/",
        )
    )
    assert isinstance(smtp, Smtp)
    assert (smtp.host, smtp.port, smtp.user, smtp.password) == (
        "mail.example.jp",
        465,
        "us@er",
        "p:w",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"mail_url": "smtp://mail.example.jp"},  # links would lead nowhere
        {"mail_url": "http://mail.example.jp"},
        {"public_url": "hub.example.jp"},
        {"public_url": "https://hub.example.jp/path"},
        {"public_url": "https://user@hub.example.jp"},
        {"mail_from": "Local Hub"},
        {"mail_from": "a@example.jp\nBcc: b@example.jp"},
    ],
)
def test_settings_that_cannot_be_meant(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(data_dir=tmp_path, **wrong)


def test_where_links_lead(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path, port=8123).origin == "http://127.0.0.1:8123"
    assert Settings(data_dir=tmp_path, host="::1").origin == "http://[::1]:8000"
    named = Settings(data_dir=tmp_path, public_url="https://hub.example.jp/")
    assert named.origin == "https://hub.example.jp"
