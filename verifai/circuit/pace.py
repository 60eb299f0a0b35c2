"""A download that hardly advances is ended, wherever it hangs.

A socket's time-out starts anew with each byte: a server that sends one byte in 20 seconds, of the
file, of a header or of a redirection, would hold a download for ever. So a thread of its own looks
at the clock, and shuts the connections down; reading then ends at once.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import urllib.request
from functools import partial
from typing import Any

from verifai.limits import FETCH_WINDOW, MIN_FETCH_RATE


class Pace:
    """Watches over the connections of one download while it is entered.

    Attributes:
        received: bytes of the file so far; the download counts them here.
        fault: in words, once a window passed in which fewer came than MIN_FETCH_RATE demands.
    """

    def __init__(self) -> None:
        self.received = 0
        self.fault: str | None = None
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Pace:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._thread.join()

    def handler(self) -> urllib.request.BaseHandler:
        """For an opener whose connections are watched."""
        return _Handler(self)

    def connected(self, connection: socket.socket) -> None:
        """Take a connection under watch."""
        with self._lock:
            self._sockets = [one for one in self._sockets if one.fileno() >= 0] + [connection]
            if self.fault:
                _shut(connection)

    def _passed(self) -> bool:
        """Wait for the end of a window; whether the download is still on by then."""
        return not self._over.wait(FETCH_WINDOW)

    def _watch(self) -> None:
        before = 0
        while self._passed():
            if self.received - before < FETCH_WINDOW * MIN_FETCH_RATE:
                with self._lock:
                    self.fault = (
                        f"less than MIN_FETCH_RATE ({MIN_FETCH_RATE:,} bytes a second) came in "
                        f"{FETCH_WINDOW} seconds"
                    )
                    for connection in self._sockets:
                        _shut(connection)
                return
            before = self.received


def _shut(connection: socket.socket) -> None:
    # of the plain class: an SSLSocket's own forgets its encryption, while another thread reads
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Watched(http.client.HTTPConnection):
    def __init__(self, pace: Pace, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pace = pace

    def connect(self) -> None:
        super().connect()
        self._pace.connected(self.sock)


class _WatchedEncrypted(_Watched, http.client.HTTPSConnection):
    """The handshake is not watched: it has a time-out as a whole."""


class _Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Watched, self._pace), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_WatchedEncrypted, self._pace), req)
