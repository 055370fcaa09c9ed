"""Shared by the tests of remote inputs: a web server with many faults, and S3."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.fakes import HttpServer


@dataclass(slots=True)
class WebServer:
    """The files of a web server, and how it answers.

    `breaks` says after how many bytes the next answers break off; from byte `lost_from` on nothing
    is given at all.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    length: bool = True
    head: bool = True
    encoding: str = ""
    status: int = 200
    latency: float = 0.0
    breaks: list[int] = field(default_factory=list)
    lost_from: int | None = None
    got: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    under_way: int = 0
    most: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def fetched(self) -> list[str]:
        """The paths that were fetched, and not only asked about."""
        return [line.split()[1] for line in self.got if line.startswith("GET")]


@contextmanager
def web_server() -> Iterator[WebServer]:
    """Serve files, with pages for folders, on a free port of this machine."""
    web = WebServer()
    handler = type("Handler", (_Handler,), {"web": web})
    with _Server(("127.0.0.1", 0), handler) as server:
        web.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


class _Server(HttpServer):
    def handle_error(self, *_: Any) -> None:
        """A client that breaks off gets no answer any more."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: WebServer

    def do_HEAD(self) -> None:
        if self.web.head:
            self._answer(body=False)
        else:
            self._refuse(403)

    def do_GET(self) -> None:
        web = self.web
        with web.lock:
            web.under_way += 1
            web.most = max(web.most, web.under_way)
        try:
            time.sleep(web.latency)
            self._answer(body=True)
        finally:
            with web.lock:
                web.under_way -= 1

    def _answer(self, *, body: bool) -> None:
        web = self.web
        path = self.path.partition("?")[0]
        asked = self.headers.get("Range", "")
        web.accepted.add(self.headers.get("Accept-Encoding", ""))
        web.got.append(f"{self.command} {path} {asked}".rstrip())
        content = self._page(path) if path.endswith("/") else web.files.get(path)
        if content is None and any(name.startswith(f"{path}/") for name in web.files):
            self._refuse(301, Location=f"{path}/")
        elif web.status != 200 or content is None:
            self._refuse(web.status if web.status != 200 else 404)
        elif asked and web.ranges:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            self._give(content, int(first), min(int(last) + 1, len(content)), body=body)
        else:
            self._give(content, body=body)

    def _give(self, content: bytes, start: int = 0, stop: int | None = None, *, body: bool) -> None:
        web = self.web
        if stop and web.lost_from is not None and start >= web.lost_from:
            self._refuse(503)
            return
        part = content[start:stop]
        self.send_response(206 if stop else 200)
        if stop:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        is_page = self.path.partition("?")[0].endswith("/")
        self.send_header("Content-Type", "text/html" if is_page else "any/thing")
        self.send_header("ETag", f'"{md5(content).hexdigest()}"')
        if web.encoding:
            self.send_header("Content-Encoding", web.encoding)
        if web.length:
            self.send_header("Content-Length", str(len(part)))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if body:
            self._send(part)

    def _send(self, content: bytes) -> None:
        web = self.web
        broken = web.breaks.pop(0) if web.breaks and len(content) > web.breaks[0] else None
        if web.lost_from is not None and len(content) > web.lost_from:
            broken = web.lost_from
        sent = content[:broken]
        self.wfile.write(sent if web.length else b"%x\r\n%s\r\n" % (len(sent), sent))
        if broken is not None:
            self.wfile.flush()
            self.connection.shutdown(2)
            self.close_connection = True
        elif not web.length:
            self.wfile.write(b"0\r\n\r\n" if sent else b"")

    def _refuse(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _page(self, path: str) -> bytes:
        below = [name[len(path) :] for name in self.web.files if name.startswith(path)]
        names = sorted({name.partition("/")[0] + "/" * ("/" in name) for name in below})
        links = "".join(f'<a href="{name}">{name}</a>\n' for name in ("../", "?C=N;O=D", *names))
        return f"<html>{links}</html>".encode()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
