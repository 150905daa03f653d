"""A server on loopback that speaks the few S3 requests of the second level of the cache. It checks no signature.

``moto[server]`` would add 28 packages to the tools of this repository.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


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
        if content is None:
            self._answer(404)
        else:
            self._answer(200, content)

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

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if self.server.cut else content)
        if self.server.cut:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None: ...


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
