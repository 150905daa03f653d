"""Proxy variables of the user's environment, as companies set them. Nothing on loopback goes through a proxy."""

import os
import shutil
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.prefect_server import server_choice
from tests.support.program import DEMO, ended, start

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
LOOPBACK = ("http://127.0.0.1:4200/api", "http://localhost:4200/api", "http://[::1]:4200/api")
LONGEST_S = 60  # a run without a proxy takes about 15 s


@pytest.fixture
def closed_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port on loopback that refuses every connection; the environment has no proxy variables."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with socket.socket() as bound:  # bound, and not listening
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def home(finished: Path, database: Path, tmp_path: Path) -> Path:
    """A home in which all is done: what is left is to reach the server."""
    shutil.copytree(finished / "outputs" / ".cache", tmp_path / "outputs" / ".cache")
    (tmp_path / ".prefect").mkdir()
    shutil.copy(database, tmp_path / ".prefect" / "prefect.db")
    return tmp_path


@pytest.fixture
def proxied(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    proxy = f"http://127.0.0.1:{closed_port}"
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    return proxy


@pytest.mark.parametrize("choice", ["server=auto", "server=ephemeral"])
def test_a_run_behind_a_proxy_reaches_its_server(home: Path, api: str, proxied: str, choice: str) -> None:
    started_s = time.monotonic()
    done = ended(start(*DEMO, "outputs=[pose]", choice, cwd=home, api=api))
    assert done.status == 0, done.err
    assert time.monotonic() - started_s < LONGEST_S


def test_a_socks_proxy_does_not_end_a_run(
    home: Path, api: str, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect's HTTP client raises ``ImportError`` for it."""
    monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{closed_port}")
    done = ended(start(*DEMO, "outputs=[pose]", cwd=home, api=api))
    assert done.status == 0, done.err


@pytest.mark.parametrize("given", ["", "intranet.example, 10.0.0.0/8", "localhost"])
def test_every_client_bypasses_the_proxy_on_loopback_only(
    proxied: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", given)
    monkeypatch.setenv("no_proxy", given)
    server_choice.bypass_proxies_on_loopback()
    with httpx.Client() as client:
        direct = client._transport
        assert all(client._transport_for_url(httpx.URL(address)) is direct for address in LOOPBACK)
        assert client._transport_for_url(httpx.URL("http://models.example")) is not direct
    assert urllib.request.proxy_bypass("127.0.0.1:4200") and urllib.request.proxy_bypass("localhost:4200")
    assert not urllib.request.proxy_bypass("models.example")
    assert set(filter(None, given.replace(" ", "").split(","))) <= set(os.environ["no_proxy"].split(","))


def test_a_star_in_no_proxy_stays(proxied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    server_choice.bypass_proxies_on_loopback()
    assert os.environ["no_proxy"] == "*"
