"""The notice board of Prefect's UI, as far as stages use it: how far a long one has come.

What is put up there is sent by threads of its own with a short patience: a server that is slow, refuses or is gone
costs a notice and never the work.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.context import SettingsContext, TaskRunContext, get_settings_context
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_KEY

from tasks.errors import counted
from tasks.execution.progress import Meter
from tasks.untrusted.plain_text import escape_markdown

ANSWER_S: Final = 5.0  # the patience with one request
LONG_S: Final = 2.0  # a stage that takes less shows no progress
UPDATE_S: Final = 1.0  # between two updates; one costs the server about 17 ms
REFUSALS: Final = (httpx.HTTPError, PrefectException)


@contextmanager
def connected(api: str) -> Iterator[SyncPrefectClient]:
    """A client of its own for the server at ``api`` that tries once and waits ``ANSWER_S`` at most."""
    client = SyncPrefectClient(
        api,
        auth_string=PREFECT_API_AUTH_STRING.value(),
        api_key=PREFECT_API_KEY.value(),
        httpx_settings={"timeout": ANSWER_S},
    )
    with changed_settings("client", max_retries=0), client:
        yield client


@contextmanager
def changed_settings(part: str, **values: int | None) -> Iterator[None]:
    """Have some of Prefect's settings in a ``part`` of them, such as ``client``, other values while the block runs.

    They are not checked: Prefect's own ``temporary_settings`` reads and checks all settings again, 22 ms of CPU.
    """
    context = get_settings_context()
    changed = getattr(context.settings, part).model_copy(update=values)
    settings = context.settings.model_copy(update={part: changed})
    with SettingsContext(profile=context.profile, settings=settings):
        yield


def current_api() -> str:
    """Address of the server that knows the run this is called in."""
    return str(get_client(sync_client=True).api_url).rstrip("/")


def artifact_key(*parts: str) -> str:
    """The parts as Prefect wants keys: small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-") or "stillwalk"


@contextmanager
def shown_progress(meter: Meter) -> Iterator[None]:
    """Put up how far ``meter`` has come while the block runs, once it has run for ``LONG_S``; inside a task run."""
    context = TaskRunContext.get()
    if context is None:  # the function is called without Prefect
        yield
        return
    over = threading.Event()
    run, started = context.task_run, time.monotonic()
    sender = threading.Thread(
        target=_send, args=(meter, over, started, current_api(), run.id, run.flow_run_id), daemon=True
    )
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join(UPDATE_S)


def _send(
    meter: Meter, over: threading.Event, started: float, api: str, task_run_id: UUID, flow_run_id: UUID | None
) -> None:
    if over.wait(LONG_S):
        return
    with suppress(*REFUSALS), connected(api) as client:
        key = artifact_key("progress", meter.work.stage, meter.work.video)
        text, percent = _told(meter, started)
        artifact = client.create_artifact(
            ArtifactCreate(
                key=key,
                type="progress",
                description=text,
                data=percent,
                task_run_id=task_run_id,
                flow_run_id=flow_run_id,
            )
        )
        ended = False
        while not ended:
            ended = over.wait(UPDATE_S)
            text, percent = _told(meter, started)
            with suppress(httpx.HTTPError):  # the next one may come through
                client.update_artifact(artifact.id, ArtifactUpdate(description=text, data=percent))


def _told(meter: Meter, started: float) -> tuple[str, Any]:
    """What is shown: a sentence, which Prefect reads as Markdown, and percents; 0 while the length is not known."""
    done, frames = meter.frames_done, meter.work.frames
    rate_hz = done / max(time.monotonic() - started, 1e-3)
    part = f"{done} of {counted(frames, 'frame')}" if frames else counted(done, "frame")
    return f"{meter.work.stage} {escape_markdown(meter.work.video)}: {part}, {rate_hz:.0f} per second", (
        round(100 * min(done / frames, 1), 1) if frames else (100.0 if meter.whole else 0.0)
    )
