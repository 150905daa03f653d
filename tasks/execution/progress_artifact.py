"""How far a long stage has come, as a progress artifact on the pages of Prefect's UI.

It is sent by a thread of its own that waits a short time for each answer. Where the server is slow, refuses or is gone,
an update is lost and never the work.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
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
MOST_A_SECOND: Final = 4  # updates, of all stages together
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
    """Give some settings of a ``part`` of Prefect's, such as ``client``, other values while the block runs.

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
    run = context.task_run
    with _board(str(context.client.api_url).rstrip("/")).showing(_Notice(meter, run.id, run.flow_run_id)):
        yield


@dataclass(eq=False)
class _Notice:
    """What is put up about one stage."""

    meter: Meter
    task_run_id: UUID
    flow_run_id: UUID | None
    started_s: float = field(default_factory=time.monotonic)
    over: bool = False
    artifact: UUID | None = None  # where it is put up
    told_last: threading.Event = field(default_factory=threading.Event)

    @property
    def is_long(self) -> bool:
        return time.monotonic() >= self.started_s + LONG_S


class _Board:
    """The notices of a server. One thread sends them all: a client for each took 60 ms of CPU."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._changed = threading.Condition(threading.RLock())
        self._notices: list[_Notice] = []
        self._is_kept = False

    @contextmanager
    def showing(self, notice: _Notice) -> Iterator[None]:
        """Show a notice while the block runs."""
        with self._changed:
            self._notices.append(notice)
            if not self._is_kept:
                self._is_kept = True
                threading.Thread(target=self._keep, daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                notice.over = True
                if notice.artifact is None:
                    self._forget(notice)
                else:
                    self._changed.notify()
            if notice.artifact is not None:
                notice.told_last.wait(UPDATE_S)

    def _forget(self, notice: _Notice) -> None:
        with self._changed:
            if notice in self._notices:
                self._notices.remove(notice)

    def _keep(self) -> None:
        """Send what is new as long as there are notices; many take turns."""
        next_round_s = time.monotonic() + UPDATE_S
        with ExitStack() as stack:
            client: SyncPrefectClient | None = None
            while True:
                with self._changed:
                    if not any(notice.over for notice in self._notices):
                        self._changed.wait(max(0.0, next_round_s - time.monotonic()))
                    if not self._notices:
                        self._is_kept = False
                        return
                    due = [notice for notice in self._notices if notice.over]
                    if time.monotonic() >= next_round_s:
                        due = [notice for notice in self._notices if notice.over or notice.is_long]
                        next_round_s = time.monotonic() + max(UPDATE_S, len(due) / MOST_A_SECOND)
                for notice in due:
                    client = client or stack.enter_context(connected(self._api))
                    self._send(client, notice)

    def _send(self, client: SyncPrefectClient, notice: _Notice) -> None:
        """Put up a notice, or what is new of it; one that the server refuses to put up is left out."""
        is_last, (text, percent) = notice.over, _told(notice.meter, notice.started_s)
        try:
            if notice.artifact is None:
                key = artifact_key("progress", notice.meter.work.stage, notice.meter.work.video)
                made = ArtifactCreate(
                    key=key,
                    type="progress",
                    description=text,
                    data=percent,
                    task_run_id=notice.task_run_id,
                    flow_run_id=notice.flow_run_id,
                )
                notice.artifact = client.create_artifact(made).id
                if notice.over and not is_last:  # it ended meanwhile, and was taken from the board
                    self._send(client, notice)
            else:
                with suppress(httpx.HTTPError):  # the next one may come through
                    client.update_artifact(notice.artifact, ArtifactUpdate(description=text, data=percent))
        except REFUSALS:
            is_last = True
        if is_last:
            self._forget(notice)
            notice.told_last.set()


@cache
def _board(api: str) -> _Board:
    return _Board(api)


def _told(meter: Meter, started_s: float) -> tuple[str, Any]:
    """What is shown: a sentence, which Prefect reads as Markdown, and percents; 0 while the length is not known."""
    done, frames = meter.frames_done, meter.work.frames
    rate_hz = done / max(time.monotonic() - started_s, 1e-3)
    part = f"{done} of {counted(frames, 'frame')}" if frames else counted(done, "frame")
    return f"{meter.work.stage} {escape_markdown(meter.work.video)}: {part}, {rate_hz:.0f} per second", (
        round(100 * min(done / frames, 1), 1) if frames else (100.0 if meter.whole else 0.0)
    )
