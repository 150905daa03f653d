"""From overrides to an exit status: check, choose a server, run the flow, say what came of it."""

import os
import sys
import time
import uuid
import warnings
from pathlib import Path

from flows import preflight, server, settings
from flows.inputs import find_videos, missing
from flows.results import Result
from flows.terminal import print_results, shown_progress
from tasks import progress
from tasks.memory import use_few_heaps

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended
HOME = settings.ROOT / "outputs" / ".prefect"


def run(overrides: list[str], *, output_dir: Path, base_dir: Path) -> int:
    """Run everything and return the exit status; ``SettingError`` before any work for what cannot be honoured."""
    return run_all(overrides, output_dir=output_dir, base_dir=base_dir)[0]


def run_all(overrides: list[str], *, output_dir: Path, base_dir: Path) -> tuple[int, list[Result]]:
    """The same, with what became of each video."""
    started = time.perf_counter()
    use_few_heaps()
    config = settings.load(overrides)
    cache = Path(config.cache_dir).expanduser().absolute() if config.cache_dir else base_dir / ".cache"
    videos = find_videos(config.video)
    preflight.check(config, videos)
    preflight.check_folder("output_dir", output_dir)
    preflight.check_folder("cache_dir", cache)
    if all(video.path and not video.path.exists() for video in videos):  # nothing that a server would be needed for
        results = [Result(video, missing(video)) for video in videos]
        print_results(results, time.perf_counter() - started)
        return 1, results
    server.choose(config.server, HOME)
    lost = False
    # Prefect takes seconds to import and reads its settings while it does: only now.
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.flow import VideosFailed, configured
    from flows.watch import Concluded

    # The heartbeat's thread sleeps in whole seconds: with it, every run ends up to one second late.
    warnings.filterwarnings("ignore", module="mediapipe|google")  # of protobuf's own deprecations
    with shown_progress(), temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        try:
            results = configured(config, cache)(overrides, str(output_dir), str(cache), uuid.uuid4().hex[:12])
        except VideosFailed as failure:
            results = failure.results
        except Concluded as end:
            results, lost = end.results, end.lost
    print_results(results, time.perf_counter() - started)
    status = INTERRUPTED if progress.stop.is_set() else int(any(result.error for result in results))
    if lost:  # Prefect's threads would go on trying to reach the server, and keep the process for minutes
        sys.stdout.flush()
        os._exit(status)
    return status, results
