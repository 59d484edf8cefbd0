"""A line to a server that can be cut, held and mended, and that counts its connections."""

import socket
import threading
from contextlib import suppress


class Line:
    """Carries bytes to a server on this machine; `url` is where callers connect."""

    def __init__(self, host: str, port: int) -> None:
        self.connections = 0
        self.held = False  # nothing is carried, nothing is closed
        self.lose = b""  # the answer to the next request with these bytes is lost
        self._target = (host, port)
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._listen()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def cut(self) -> None:
        """Break every connection and take no new one."""
        for open_socket in (self._listener, *self._sockets):
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()
        self._sockets = []
        self._thread.join()

    def mend(self) -> None:
        """Take connections again, at the same place."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._listen()

    def _listen(self) -> None:
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                self.connections += 1
                server = socket.create_connection(self._target)
                self._sockets += [caller, server]
                lost = threading.Event()
                for carry, ends in (
                    (self._ask, (caller, server)),
                    (self._answer, (server, caller)),
                ):
                    threading.Thread(target=carry, args=(*ends, lost), daemon=True).start()

    def _ask(self, caller: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while data := caller.recv(65_536):
                if self.lose and self.lose in data:
                    self.lose = b""
                    lost.set()
                if not self.held:
                    server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, caller: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if lost.is_set():
                    break
                if not self.held:
                    caller.sendall(data)
            caller.shutdown(socket.SHUT_RDWR)
