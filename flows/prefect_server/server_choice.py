"""Chooses the Prefect server of a run and sets Prefect's environment, before Prefect is imported."""

import os
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Final

from conf.enums import Server
from flows.prefect_server.api_token import find_token, is_foreign_server
from flows.prefect_server.gate import authorization
from tasks.errors import SettingError
from tasks.untrusted.paths import absolute_path

LOCAL_API: Final = "http://127.0.0.1:4200/api"
REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
API_PATH: Final = "/api"
HEALTHY: Final = b"true"  # what the API answers at /health
CLIENT_TOKEN_VARIABLE: Final = "PREFECT_API_AUTH_STRING"  # Prefect's clients read it
LOCAL_TIMEOUT_S: Final = 0.5
LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
PROXY_VARIABLES: Final = ("http_proxy", "https_proxy", "all_proxy")  # in either case
GIVEN_TIMEOUT_S: Final = 60.0  # for a server that the user names: it may still be starting, or many may ask it at once
PREFECT_DEFAULTS: Final = {
    # Logs go to the server; the terminal shows only our own lines.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",  # else a page of text for each event that a lost server refuses
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_COLORS": "false",  # the program prints no control sequences
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # The default of 20 s is too short for the first start on some new machines.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # The default, one transaction per event, keeps SQLite busy for a minute after a burst of tasks.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "50",
}


def choose_server(server: Server, home: Path) -> str:
    """Set Prefect's environment and return the address of the API, or "" if one must be started for this run.

    Prefect keeps its database in ``home`` unless ``PREFECT_HOME`` is set. ``SettingError`` when the
    server that ``PREFECT_API_URL`` names does not answer, and for a user without a home folder, which Prefect needs.
    """
    require_home()
    bypass_proxies_on_loopback()
    for name, value in PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    set_prefect_home(home)
    if server is Server.ephemeral:
        os.environ.pop("PREFECT_API_URL", None)
        return _without_tls_checks("")
    given = os.environ.get("PREFECT_API_URL", "")
    if given and _names_pages(given):
        fact = f"{given} is the address of Prefect's pages"
        raise SettingError(f"PREFECT_API_URL: {fact}; give {given.rstrip('/')}{API_PATH}")
    if given and not server_answers(given, GIVEN_TIMEOUT_S):
        cure = "start that server (stillwalk ui starts one here), or unset PREFECT_API_URL"
        raise SettingError(f"PREFECT_API_URL: {given} does not answer; {cure}")
    token = os.environ.get(CLIENT_TOKEN_VARIABLE) or find_token(given or LOCAL_API)
    if not given and _is_usable(LOCAL_API, token):
        os.environ["PREFECT_API_URL"] = LOCAL_API
    if token and os.environ.get("PREFECT_API_URL"):
        os.environ[CLIENT_TOKEN_VARIABLE] = token
    return _without_tls_checks(os.environ.get("PREFECT_API_URL", ""))


def set_prefect_home(usual: Path) -> None:
    """Set ``PREFECT_HOME`` to an absolute path: to ``usual`` where it is empty or not set."""
    given = os.environ.get("PREFECT_HOME")
    os.environ["PREFECT_HOME"] = str(absolute_path(given) if given else usual)


def _names_pages(address: str) -> bool:
    """Whether an address is that of a server's pages, which answer every request: those of the API begin with /api."""
    try:
        if API_PATH in urllib.parse.urlsplit(address).path:
            return False
        with _opener(address).open(f"{address.rstrip('/')}{API_PATH}/health", timeout=GIVEN_TIMEOUT_S) as answer:
            return bool(answer.read(len(HEALTHY)) == HEALTHY)
    except (OSError, ValueError):
        return False


def _is_usable(api: str, token: str) -> bool:
    """Whether the server at the usual address answers, is not another account's, and accepts the token."""
    if not server_answers(api, LOCAL_TIMEOUT_S) or is_foreign_server(api):
        return False
    request = urllib.request.Request(f"{api}/version", headers={"Authorization": authorization(token)} if token else {})
    try:
        with _opener(api).open(request, timeout=GIVEN_TIMEOUT_S) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (OSError, ValueError):  # an HTTP error is an OSError
        return False


def _without_tls_checks(api: str) -> str:
    """Return ``api``; without HTTPS, keep Prefect's clients from loading certificates.

    Each client takes 36 ms for that, and a run makes dozens.
    """
    if not api.startswith("https:"):
        os.environ["PREFECT_API_TLS_INSECURE_SKIP_VERIFY"] = "true"
    return api


def require_home() -> None:
    """``SettingError`` for a user without a home folder."""
    try:
        Path.home()
    except RuntimeError as error:
        fact = "it is not set, and this user has no account with a home folder"
        raise SettingError(f"HOME: {fact}; name a folder that you may write: export HOME=/tmp") from error


def bypass_proxies_on_loopback() -> None:
    """Change the proxy variables of this process and its children: no client uses a proxy on loopback.

    A proxy that is neither HTTP nor HTTPS is removed: Prefect's HTTP client raises an error for it, even if the server
    is on loopback.
    """
    for name in [name for name in os.environ if name.lower() in PROXY_VARIABLES]:
        scheme, separator, _ = os.environ[name].partition("://")
        if separator and scheme.lower() not in ("http", "https"):
            del os.environ[name]
    hosts = [host.strip() for host in os.environ.get("no_proxy", os.environ.get("NO_PROXY", "")).split(",")]
    if "*" in hosts:
        return
    bypassed = ",".join(dict.fromkeys([*filter(None, hosts), *LOOPBACK_HOSTS]))
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = bypassed  # each client reads one of them first


def _opener(api: str) -> urllib.request.OpenerDirector:
    """Return a client for ``api``. ``no_proxy`` does not suffice for an IPv6 address in brackets."""
    if urllib.parse.urlsplit(api).hostname in LOOPBACK_HOSTS:
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()


def server_answers(api: str, timeout_s: float) -> bool:
    """Whether a server answers; one that requires authentication counts too."""
    try:
        with _opener(api).open(f"{api}/health", timeout=timeout_s) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refusal:
        return refusal.code in REFUSED
    except (OSError, ValueError):
        return False
