"""Asks a Prefect server as its own page does."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

BUSY_TRIES = 10


def ask(api: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The answer to a GET, or to a POST of ``body``; asked again while the server's database is busy, as clients do."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(api + path, data, {"content-type": "application/json"})
    for tries_left in reversed(range(BUSY_TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            if refusal.code != HTTPStatus.SERVICE_UNAVAILABLE or not tries_left:
                raise
            time.sleep(1)
    return None


def until(found: Callable[[], Any], seconds: float = 90) -> Any:
    """What ``found`` gives, as soon as it is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found_now := found():
            return found_now
        time.sleep(0.2)
    return pytest.fail(f"in {seconds} s there was nothing of what was waited for")


def flow_runs(api: str, tag: str, *states: str) -> list[dict[str, Any]]:
    """Runs with a tag, the latest first; only those in ``states``, where some are given."""
    wanted: dict[str, Any] = {"tags": {"all_": [tag]}}
    if states:
        wanted["state"] = {"type": {"any_": list(states)}}
    found: list[dict[str, Any]] = ask(api, "/flow_runs/filter", {"sort": "START_TIME_DESC", "flow_runs": wanted})
    return found


def task_runs(api: str, flow_run: str) -> dict[str, str]:
    """The state of each task run, by its name."""
    body = {"task_runs": {"flow_run_id": {"any_": [flow_run]}}}
    return {run["name"]: run["state_name"] for run in ask(api, "/task_runs/filter", body)}


def artifacts(api: str, flow_run: str) -> dict[str, dict[str, Any]]:
    """What was put up of a run, by key."""
    body = {"artifacts": {"flow_run_id": {"any_": [flow_run]}}}
    return {one["key"]: one for one in ask(api, "/artifacts/filter", body)}
