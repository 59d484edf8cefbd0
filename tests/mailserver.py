"""A mail server for tests: takes mails, or misbehaves at the step it is told to."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class MailServer(socketserver.ThreadingTCPServer):
    """`does` maps a step (connect, mail, rcpt, data, middle, end) to an answer such as "450 later"
    or to "hang up"; `taken` is the post."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.does: dict[str, str] = {}
        self.taken: list[bytes] = []
        self.recipients: list[str] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _HungUp(Exception):
    pass


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        try:
            self._talk()
        except (_HungUp, ConnectionError):
            return

    def _talk(self) -> None:
        self._answer("connect", "220 here")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            if word == b"DATA":
                self._take()
            elif word == b"RCPT":
                self.server.recipients.append(line.decode().strip()[len("RCPT TO:<") : -1])
                self._answer("rcpt", "250 fine")
            else:
                self._answer("mail" if word == b"MAIL" else "", "250 fine")

    def _take(self) -> None:
        if not self._answer("data", "354 go on").startswith("354"):
            return
        if self.server.does.get("middle"):
            self.rfile.readline()
            raise _HungUp
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if not line:
            return  # the sender went away before the end: nothing is taken
        said = self.server.does.get("end", "250 taken")
        if said.startswith("250") or said == "hang up after taking":
            self.server.taken.append(b"".join(lines))
        self._answer("end", "250 taken")

    def _answer(self, step: str, usual: str) -> str:
        said = self.server.does.get(step, usual)
        if said.startswith("hang up"):
            raise _HungUp
        if said.startswith("sleep"):
            time.sleep(float(said.split()[1]))
            said = usual
        self.wfile.write(f"{said}\r\n".encode())
        return said


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server that runs while the block does."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)
