"""Which Prefect server a run talks to, and how Prefect is to behave: settled before Prefect is imported."""

import os
import urllib.error
import urllib.request
from pathlib import Path

from conf.schema import Server

LOCAL_API = "http://127.0.0.1:4200/api"
HEALTH_TIMEOUT_S = 0.5
QUIET = {
    # Logs go to the server; the terminal gets a failure's sentence from us, and its traceback only on request.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # The default of 20 s is near what a first start takes; a fresh machine was seen to need more.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # One transaction per event, the default, leaves SQLite busy for a minute after a burst of tasks.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "50",
}


def choose(server: Server, home: Path) -> str:
    """Set Prefect's environment and return the address of the API, or "" when one is made for this run.

    ``home`` is where Prefect keeps its database unless the user has set ``PREFECT_HOME``.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_HOME", str(home))
    if server is Server.ephemeral:
        os.environ.pop("PREFECT_API_URL", None)
        return ""
    if "PREFECT_API_URL" not in os.environ and _healthy(LOCAL_API):
        os.environ["PREFECT_API_URL"] = LOCAL_API
    return os.environ.get("PREFECT_API_URL", "")


def _healthy(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=HEALTH_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
