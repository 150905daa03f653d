"""From overrides to an exit status: check, choose a server, run the flow, say what came of it."""

import os
import signal
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from flows import preflight, server, settings
from flows.inputs import find_videos
from tasks import progress

HOME = settings.ROOT / "outputs" / ".prefect"


def run(overrides: list[str], *, output_dir: Path, base_dir: Path) -> int:
    """Run everything and return the exit status; ``SettingError`` before any work for what cannot be honoured."""
    started = time.perf_counter()
    config = settings.load(overrides)
    cache = Path(config.cache_dir).expanduser().absolute() if config.cache_dir else base_dir / ".cache"
    preflight.check(config, find_videos(config.video))
    server.choose(config.server, HOME)
    # Prefect takes seconds to import and reads its settings while it does: only now.
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.flow import VideosFailed, configured
    from flows.terminal import print_results, shown_progress

    # The heartbeat's thread sleeps in whole seconds: with it, every run ends up to one second late.
    warnings.filterwarnings("ignore", module="mediapipe|google")  # of protobuf's own deprecations
    with shown_progress(), interruptible(), temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        try:
            results = configured(config, cache)(overrides, str(output_dir), str(cache), uuid.uuid4().hex[:12])
        except VideosFailed as failure:
            results = failure.results
    print_results(results, time.perf_counter() - started)
    return int(any(result.error for result in results))


@contextmanager
def interruptible() -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) asks the stages to stop, the second one ends the process at once."""

    def ask(number: int, _: FrameType | None) -> None:
        if progress.stop.is_set():
            os._exit(128 + number)
        progress.stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
