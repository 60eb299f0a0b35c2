"""A file server on 127.0.0.1 that can be made to fail in the ways that servers do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FileServer:
    """Serves one file under any path.

    Attributes:
        data: the file.
        ranges: whether it understands ``Range``.
        cuts: after how many bytes the next connections break.
        status: answer this instead of the file.
        location: redirect there.
        skew: offset of what it sends from what was asked for.
        pause: set once bytes were sent and the connection is held open, until ``resume`` is set.
        raw: sent instead of any answer.
        drip: sent after ``raw``, again and again, every hundredth of a second.
        dripped: how often that was.
        asked: the ``Range`` of every request so far.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ranges = True
        self.cuts: list[int] = []
        self.status: int | None = None
        self.location: str | None = None
        self.skew = 0
        self.raw: bytes | None = None
        self.drip = b""
        self.dripped = 0
        self.pause: threading.Event | None = None
        self.resume = threading.Event()
        self.asked: list[str | None] = []
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.asked.append(asked)
        if self.raw is not None:
            request.wfile.write(self.raw)
            with suppress(OSError):  # until the other side has had enough
                while self.drip and not self.resume.wait(0.01):
                    request.wfile.write(self.drip)
                    self.dripped += 1
            request.close_connection = True
            return
        if self.location or self.status:
            request.send_response(self.status or 302)
            request.send_header("Location", self.location or "")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        first, last = 0, len(self.data) - 1
        if self.ranges and asked:
            start, _, end = asked.removeprefix("bytes=").partition("-")
            first, last = int(start), min(int(end), last)
            if first > last:
                request.send_error(416)
                return
            request.send_response(206)
            shown = f"bytes {first + self.skew}-{last + self.skew}/{len(self.data)}"
            request.send_header("Content-Range", shown)
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(last + 1 - first))
        request.end_headers()
        body = self.data[first : last + 1]
        request.wfile.write(body[: self.cuts.pop(0)] if self.cuts else body)
        request.wfile.flush()
        if self.pause:
            self.pause.set()
            self.resume.wait(30)
        request.close_connection = True


@contextmanager
def serving(data: bytes) -> Iterator[FileServer]:
    """A server of ``data`` for the time of a test."""
    server = FileServer(data)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server.url = f"http://127.0.0.1:{httpd.server_port}/made.ptau"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.resume.set()
        httpd.shutdown()
        thread.join()
        httpd.server_close()
