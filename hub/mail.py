"""Handing mails over: to a mail server, to a folder, or to nobody.

A mail is handed over in two parts, because only the last one counts. Until `handing_over` is
called nothing can have arrived, so whoever dies before it may try again. A mail server takes a
mail with the line that ends it: what dies between that line and the server's answer may have
arrived. A folder takes a mail with a file name made from its message id, so that handing it over
again changes nothing (`repeatable`).
"""

import os
import re
import smtplib
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from hub.clock import to_jst
from hub.config import Settings

SOCKET_SECONDS = 20  # a mail server that is silent for longer counts as away
HandingOver = Callable[[], None]

_ADDRESS = re.compile(r"[^\s<>()\"',;:]+@[^\s<>()\"',;:]+")


class NotSent(Exception):
    """The mail has certainly not arrived. `final` when the server will never take it."""

    def __init__(self, reason: str, *, final: bool = False, away: bool = False) -> None:
        super().__init__(reason)
        self.final = final
        self.away = away  # the server itself could not be reached: other mails fare no better


class Unsure(Exception):
    """The mail may have arrived: the server went away before it answered."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as its parts. The same letter is always the same bytes."""

    message_id: str
    recipient: str
    subject: str
    body: str
    at: datetime
    language: str = "ja"
    end_url: str = ""

    def message(self, sender: str) -> EmailMessage:
        """The mail: one part of plain text, and the headers that end it with one click."""
        name, address = parseaddr(sender)
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(display_name=name, addr_spec=address)
        message["To"] = Address(addr_spec=self.recipient)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(to_jst(self.at))
        message["Message-ID"] = f"<{self.message_id}>"
        message["Auto-Submitted"] = "auto-generated"
        if self.end_url:
            message["List-Unsubscribe"] = f"<{self.end_url}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(self.body, cte="base64")
        message["Content-Language"] = self.language  # set_content drops such headers
        return message


class Transport(Protocol):
    """A way out for mails."""

    repeatable: bool  # handing the same mail over twice is the same as once

    def send(self, letter: Letter, handing_over: HandingOver) -> None:
        """Hand a mail over; `handing_over` is called just before it may arrive.

        Raises NotSent or Unsure, and whatever `handing_over` raises: then it is not sent.
        """
        ...


class Nobody:
    """Takes every mail and keeps none."""

    repeatable = True

    def send(self, letter: Letter, handing_over: HandingOver) -> None:
        """Forget the mail."""
        handing_over()


class Folder:
    """One file for each mail, as mail programs open it; for trying out and for tests."""

    repeatable = True

    def __init__(self, folder: Path, sender: str) -> None:
        self.folder = folder
        self.sender = sender

    def path(self, message_id: str) -> Path:
        """Where the mail of this message id is."""
        return self.folder / f"{re.sub('[^A-Za-z0-9.@_-]', '_', message_id)}.eml"

    def send(self, letter: Letter, handing_over: HandingOver) -> None:
        """Write the mail beside its place, whole, then give it its name."""
        place = self.path(letter.message_id)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(dir=self.folder, prefix=".writing-")
            with os.fdopen(number, "wb") as file:
                file.write(bytes(letter.message(self.sender)))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotSent(str(error), away=True) from error
        try:
            handing_over()
            os.replace(name, place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync(self.folder)


class Smtp:
    """A mail server: TLS from the start (`smtps`) or by STARTTLS, except to this machine itself."""

    repeatable = False

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "localhost"
        self.secure = parts.scheme == "smtps"
        self.port = parts.port or (465 if self.secure else 587)
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.sender = sender

    def send(self, letter: Letter, handing_over: HandingOver) -> None:
        """Everything up to the mail's last line, then `handing_over`, then that line."""
        content = bytes(letter.message(self.sender))
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(_said(error), away=True) from error
        try:
            with _answers():
                self._begin(server, letter.recipient, content)
            self._hand_over(server, handing_over)
            self._end(server)
        finally:
            _leave(server)

    def _connect(self) -> smtplib.SMTP:
        tls = ssl.create_default_context()
        if self.secure:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=SOCKET_SECONDS, context=tls
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SOCKET_SECONDS)
        try:
            server.ehlo_or_helo_if_needed()
            if not self.secure and self.host not in _OURSELVES:
                server.starttls(context=tls)
                server.ehlo_or_helo_if_needed()
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def _begin(self, server: smtplib.SMTP, recipient: str, content: bytes) -> None:
        """The envelope and the text without the line that ends it."""
        _expect(server.mail(parseaddr(self.sender)[1]), 250)
        _expect(server.rcpt(recipient), 250, 251)
        _expect(server.docmd("DATA"), 354)
        server.send(content.rstrip(b"\r\n") + b"\r\n")  # base64: no line begins with a dot

    def _hand_over(self, server: smtplib.SMTP, handing_over: HandingOver) -> None:
        try:
            handing_over()
        except BaseException:
            server.close()  # the server waits for the last line: to it a farewell would be text
            raise

    def _end(self, server: smtplib.SMTP) -> None:
        try:
            server.send(b".\r\n")
            answer = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise Unsure(_said(error)) from error
        _expect(answer, 250)


_OURSELVES = ("localhost", "127.0.0.1", "::1")  # no network in between


def open_transport(settings: Settings) -> Transport:
    """The way out that MAIL_URL names."""
    if settings.mail_url.startswith("null:"):
        return Nobody()
    if settings.mail_url:
        return Smtp(settings.mail_url, settings.mail_from)
    return Folder(folder_of(settings), settings.mail_from)


def folder_of(settings: Settings) -> Path:
    """Where mails go when no server is named."""
    return settings.data_dir / "mail"


@contextmanager
def _answers() -> Iterator[None]:
    """A server that goes away before the end has taken nothing."""
    try:
        yield
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(_said(error), away=True) from error


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    code, text = answer
    if code not in codes:
        reason = _nameless(f"{code} {text.decode('utf-8', 'replace')}")
        raise NotSent(reason, final=code >= 500, away=code == 421)


def _said(error: Exception) -> str:
    return _nameless(f"{type(error).__name__}: {error}")


def _nameless(reason: str) -> str:
    """The reason without addresses: servers repeat them, and reasons are kept and shown."""
    return _ADDRESS.sub("‹…›", reason)


def _leave(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


def _sync(folder: Path) -> None:
    """The new name survives a power cut too."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
