"""Pages of other origins, names that lead here, other accounts: none of them gives orders to the servers here."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from flows.prefect_server import api_token
from flows.prefect_server.gate import authorization
from flows.prefect_server.own_server import OwnServer
from flows.prefect_server.server_choice import server_answers
from tests.support import chromium, program, server_page

FILTER: Final = "/flow_runs/filter"
EVIL: Final = "http://evil.example"


class Place(NamedTuple):
    """A server, and the token that it wants."""

    api: str
    token: str


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Iterator[Place]:
    """The server of a run."""
    home = tmp_path_factory.mktemp("own")
    shutil.copy(database, home / "prefect.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        started = OwnServer()
        try:
            started.wait()
            yield Place(started.api, started.token)
        finally:
            started.end()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Iterator[Place]:
    """What ``make ui`` runs."""
    home = tmp_path_factory.mktemp("ui")
    shutil.copy(database, home / "prefect.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(program.ROOT),
        "PREFECT_HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
    }
    command = [sys.executable, "-P", "-m", "flows.stabilize", "ui", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = process.stdout.readline()
        (kept,) = (home / "state" / "stillwalk").iterdir()
        token = kept.read_text()
        api = f"http://127.0.0.1:{port}/api"
        try:
            server_page.until(lambda: server_answers(api, 5))
            assert shown.endswith(f"http://127.0.0.1:{port}/?token={token.partition(':')[2]}\n")
            assert kept.stat().st_mode & 0o777 == 0o600
            yield Place(api, token)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
    assert not kept.exists()


@pytest.fixture(params=["own", "pages"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


def status(address: str, headers: dict[str, str], body: bytes | None = None) -> int:
    request = urllib.request.Request(address, body, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert "access-control-allow-origin" not in answer.headers or "*" not in answer.headers.values()
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        assert "access-control-allow-origin" not in refusal.headers
        return refusal.code


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, 200),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Basic c3RpbGx3YWxrOng="}, 401),
        ({"Authorization": "Bearer x"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:4200"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Origin": EVIL}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost:4200"}, 403),
    ],
)
def test_only_who_names_this_address_comes_from_it_and_knows_the_token_is_let_in(
    place: Place, headers: dict[str, str], wanted: int
) -> None:
    with_token = {"Authorization": authorization(place.token), **headers}
    assert status(place.api + FILTER, with_token, b"{}") == wanted
    assert status(place.api + "/version", with_token) == wanted
    if wanted == 403:
        assert status(place.api + "/health", headers) == 403
        assert status(place.api.removesuffix("/api") + "/docs", with_token) == 403


def test_without_a_token_nothing_is_told_but_that_somebody_is_there(place: Place) -> None:
    site = place.api.removesuffix("/api")
    assert status(place.api + "/health", {}) == 200
    for path in (
        "/",
        "/docs",
        "/openapi.json",
        "/ui-settings",
        "/api/",
        "/api/health/",
        "/api/admin/settings",
        "//api/health",
    ):
        assert status(site + path, {}) == 401, path
    assert status(site + "/?token=guessed", {}) == 401


def opened(address: str, **headers: str) -> bool:
    try:
        with connect(address, additional_headers=headers, open_timeout=20, subprotocols=["prefect"]):  # type: ignore[list-item]
            return True
    except (WebSocketException, OSError):
        return False


@pytest.mark.parametrize("path", ["/events/in", "/events/out", "/logs/out"])
def test_web_sockets_are_held_to_the_same(place: Place, path: str) -> None:
    address = place.api.replace("http", "ws", 1) + path
    known = {"Authorization": authorization(place.token)}
    assert opened(address, **known)
    assert not opened(address)
    assert not opened(address, Origin=EVIL, **known)


class Evil(BaseHTTPRequestHandler):
    """A page of another origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title>")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def evil() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Evil) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()


def tried(page: chromium.Page, address: str, options: str) -> str:
    """What a page gets of an address by ``fetch``."""
    body = f"fetch({json.dumps(address)}, {options}).then(async a => a.status + ' ' + await a.text(), e => 'refused')"
    return str(page.value(body))


def visit(page: chromium.Page, address: str) -> None:
    page.call("Page.navigate", url=address)
    page.until("document.readyState === 'complete' && location.protocol === 'http:'")


def test_a_hostile_page_gets_nothing_and_our_own_pages_work(pages: Place, evil: str, tmp_path: Path) -> None:
    site = pages.api.removesuffix("/api")
    order = '{method: "POST", credentials: "include", headers: {"content-type": "application/json"}, body: "{}"}'
    blind = '{method: "POST", credentials: "include", mode: "no-cors", body: "{}"}'
    with chromium.browser(tmp_path / "profile") as page:
        visit(page, f"{site}/?token={pages.token.partition(':')[2]}")
        page.until("location.pathname !== '/' || document.querySelector('#app, #root') !== null")
        assert tried(page, "/api" + FILTER, order).startswith("200 ")
        assert "token" not in str(page.value("document.cookie + location.search"))
        visit(page, evil)  # the browser still has the cookie of the same host
        assert tried(page, pages.api + FILTER, order) == "refused"
        assert tried(page, pages.api + "/version", '{credentials: "include"}') == "refused"
        assert tried(page, pages.api + "/deployments/", blind) == "0 "  # opaque: refused by us, see below
        events = f"{pages.api.replace('http', 'ws')}/events/out"
        socket_ = f"new Promise(done => {{ const s = new WebSocket('{events}', 'prefect');"
        assert (
            page.value(f"{socket_} s.onopen = () => done('open'); s.onerror = () => done('refused') }})") == "refused"
        )
    assert (
        status(pages.api + "/deployments/", {"Origin": evil, "Authorization": authorization(pages.token)}, b"{}") == 403
    )


def test_a_run_finds_the_token_of_the_users_own_server(
    pages: Place, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished / "outputs" / ".cache", tmp_path / "outputs" / ".cache")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    port = int(pages.api.removesuffix("/api").rpartition(":")[2])
    refused = program.ended(program.start(*program.DEMO, "outputs=[pose]", cwd=tmp_path, api=pages.api))
    assert refused.status == 1
    assert "the Prefect server is gone, or refuses: Client error '401 Unauthorized'" in refused.err
    cure = "give that server's token in PREFECT_API_AUTH_STRING, or unset PREFECT_API_URL"
    assert refused.err.endswith(f"; {cure}\n")
    api_token.save_token(port, pages.token)
    done = program.ended(program.start(*program.DEMO, "outputs=[pose]", cwd=tmp_path, api=pages.api))
    assert (done.status, done.err) == (0, "")


def test_the_form_behind_the_gate_refuses_what_reaches_for_more(pages: Place, tmp_path: Path) -> None:
    token = {"Authorization": authorization(pages.token), "content-type": "application/json"}

    def ask(path: str, body: dict[str, object] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(pages.api + path, data, token), timeout=20) as answer:
            return json.load(answer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_AUTH_STRING", pages.token)
        patch.setenv("SECRET", "hunter2")
        patch.setenv("PREFECT_RUNNER_POLL_FREQUENCY", "1")
        process = program.start("serve", cwd=tmp_path, api=pages.api)
    try:
        assert process.stdout is not None
        assert "serving" in process.stdout.readline()
        (deployment,) = server_page.until(lambda: ask("/deployments/filter", {}))
        bad = (["video=[@/etc/passwd,one.mp4]"], ["video=demo", "sweep.name=${oc.env:SECRET}"])
        start = f"/deployments/{deployment['id']}/create_flow_run"
        runs = [
            ask(start, {"parameters": {"overrides": one, "sweep": False}, "state": {"type": "SCHEDULED"}})["id"]
            for one in bad
        ]

        def over() -> list[dict[str, Any]]:
            found = [ask(f"/flow_runs/{run}") for run in runs]
            return found if all(run["state_type"] in ("FAILED", "CRASHED", "COMPLETED") for run in found) else []

        for run in server_page.until(over, 120):
            assert run["state_type"] == "FAILED"
            assert run["state"]["message"].startswith(
                ("video: the list lies outside the served folder", "sweep.name: the form takes no ")
            )
            assert "passwd" not in run["name"] + run["state"]["message"]
            assert "hunter2" not in json.dumps(run)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_a_token_that_others_may_read_or_that_leads_elsewhere_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    api_token.save_token(4200, "a:b")
    assert api_token.find_token("http://127.0.0.1:4200/api") == "a:b"
    assert api_token.find_token("http://evil.example:4200/api") == ""
    path = tmp_path / "stillwalk" / "server-4200.token"
    path.chmod(0o644)
    assert api_token.find_token("http://127.0.0.1:4200/api") == ""
    path.rename(tmp_path / "kept")
    path.symlink_to(tmp_path / "kept")
    assert api_token.find_token("http://127.0.0.1:4200/api") == ""
    api_token.save_token(4200, "c:d")
    assert (tmp_path / "kept").read_text() == "a:b"


def test_a_server_of_another_account_is_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    row = "   0: 0100007F:1068 00000000:0000 0A 00000000:00000000 00:00000000 00000000 {} 0 1\n"
    monkeypatch.setattr(api_token, "TCP_TABLE", tmp_path / "tcp")
    for uid, foreign in ((os.getuid(), False), (0, False), (54321, True)):
        (tmp_path / "tcp").write_text(head + row.format(uid))
        assert api_token.is_foreign_server("http://127.0.0.1:4200/api") is foreign
