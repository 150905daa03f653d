"""A server on loopback that speaks the few S3 requests of this program. It checks no signature.

``moto[server]`` would add 28 packages to the tools of this repository.
"""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from tasks.cache import object_store

SECRET = "not-for-the-log"
MODIFIED = "2026-11-01T00:00:00.000Z"


class Bucket(ThreadingHTTPServer):
    """Objects by path; ``status`` other than 0 is the answer to each request, ``cut`` ends each answer halfway."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.status, self.refused_method, self.cut = 0, "", False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Bucket

    def do_GET(self) -> None:
        content = self.server.objects.get(self.path)
        if self._refused():
            return
        if "list-type=2" in self.path:
            self._answer(200, self._listing())
        elif content is None:
            self._answer(404)
        elif self.headers.get("If-Match", etag(content)) != etag(content):
            self._answer(412)
        elif asked := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
            begin, last = int(asked[1]), int(asked[2])
            self._answer(206, content, content[begin : last + 1], f"bytes {begin}-{last}/{len(content)}")
        else:
            self._answer(200, content)

    def _listing(self) -> bytes:
        """All objects whose names begin with the prefix; with a delimiter those directly there."""
        asked = urlsplit(self.path)
        options = parse_qs(asked.query)
        prefix, flat = options.get("prefix", [""])[0], "delimiter" in options
        names = {unquote(path).removeprefix(f"{asked.path.rstrip('/')}/"): path for path in self.server.objects}
        items = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>{MODIFIED}</LastModified>"
            f"<ETag>{etag(self.server.objects[path])}</ETag><Size>{len(self.server.objects[path])}</Size></Contents>"
            for name, path in sorted(names.items())
            if name.startswith(prefix) and not (flat and "/" in name[len(prefix) :])
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._refused():
            return
        if self.headers.get("If-None-Match") == "*" and self.path in self.server.objects:
            self._answer(412)
            return
        self.server.objects[self.path] = content
        self._answer(200)

    def _refused(self) -> bool:
        self.server.asked.append(f"{self.command} {self.path}")
        if self.server.status and self.server.refused_method in ("", self.command):
            self._answer(self.server.status)
            return True
        return False

    def _answer(self, status: int, content: bytes = b"", part: bytes | None = None, place: str = "") -> None:
        sent = content if part is None else part
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.send_header("ETag", etag(content))
        self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
        if place:
            self.send_header("Content-Range", place)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent[: len(sent) // 2] if self.server.cut else sent)
        if self.server.cut:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None: ...


def etag(content: bytes) -> str:
    """A text that changes with the content, and is no digest of it that this program makes."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


@contextmanager
def bucket_in_use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The same, named by the environment as a store, with credentials; nothing that fails is tried again."""
    monkeypatch.setattr(object_store, "RETRIES", 0)
    with bucket() as server:
        for name, value in (
            ("AWS_ENDPOINT_URL", server.address),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "walker"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "us-east-1"),
            ("no_proxy", "127.0.0.1"),
        ):
            monkeypatch.setenv(name, value)
        yield server


@contextmanager
def bucket() -> Iterator[Bucket]:
    """The server, while the block runs."""
    with Bucket() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
