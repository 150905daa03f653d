"""From overrides to an exit status: check, choose a server, run the flow, say what came of it."""

import sys
import time
import uuid
import warnings
from pathlib import Path

from conf.schema import Config
from flows import preflight, server, settings
from flows.index import read_sweep
from flows.inputs import Video, find_all, find_videos, missing
from flows.results import Result
from flows.sweeps import Setting, check_run_wide
from flows.terminal import print_results, print_sweep, shown_progress
from tasks import progress
from tasks.memory import use_few_heaps

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended
HOME = settings.ROOT / "outputs" / ".prefect"


def run(overrides: list[str], *, output_dir: Path, base_dir: Path) -> int:
    """Run everything and return the exit status; ``SettingError`` before any work for what cannot be honoured."""
    return _run([Setting("", overrides)], output_dir, base_dir)[0]


def run_sweep(asked: list[Setting], unnamed: str) -> tuple[int, list[float | None]]:
    """Run all settings as one; the exit status, and the mean over the videos of each setting's ``lock_rms`` in px.

    ``unnamed`` names the sweep's folder where ``sweep.name`` does not. ``SettingError`` before any work where one of
    the settings cannot be honoured.
    """
    config = settings.load(asked[0].overrides)
    base = Path(config.output_dir).expanduser().absolute()
    status, results = _run(asked, base / "sweeps" / (config.sweep.name or unnamed), base)
    return status, [_mean_lock(results, one.name) for one in asked]


def _mean_lock(results: list[Result], setting: str) -> float | None:
    locks = [result.metrics.get("lock_rms") for result in results if result.setting == setting]
    known = [lock for lock in locks if lock is not None]
    return sum(known) / len(known) if known and len(known) == len(locks) else None


def _run(asked: list[Setting], output_dir: Path, base_dir: Path) -> tuple[int, list[Result]]:
    started = time.perf_counter()
    use_few_heaps()
    config, videos = _checked(asked)
    cache = Path(config.cache_dir).expanduser().absolute() if config.cache_dir else base_dir / ".cache"
    preflight.check_folder("output_dir", output_dir)
    preflight.check_folder("cache_dir", cache)
    if all(video.path and not video.path.exists() for video in videos):  # nothing that a server would be needed for
        results, also = [Result(video, missing(video)) for video in videos], ""
    else:
        server.choose(config.server, HOME)
        results, also = _flow_run(asked, config, (str(output_dir), str(cache), uuid.uuid4().hex[:12]))
    seconds = time.perf_counter() - started
    if asked[0].name:
        print_sweep(results, read_sweep(output_dir), output_dir, seconds)
    else:
        print_results(results, output_dir, seconds)
    if also:
        print(f"stillwalk: {also}", file=sys.stderr)
    if progress.stop.is_set():
        return INTERRUPTED, results
    return int(bool(also) or any(result.error for result in results)), results


def _checked(asked: list[Setting]) -> tuple[Config, list[Video]]:
    """What is one for the whole run, and all its videos, with every setting checked against those it names."""
    configs = [settings.load(setting.overrides) for setting in asked]
    check_run_wide(configs)
    for config in configs:
        preflight.check(config, find_videos(config.video))
    return configs[0], find_all([config.video for config in configs])


def _flow_run(asked: list[Setting], config: Config, place: tuple[str, str, str]) -> tuple[list[Result], str]:
    """Run the flow; what became of the videos, and what else went wrong."""
    # Prefect takes seconds to import and reads its settings while it does: only now.
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.flow import VideosFailed, configured, stabilize, sweep

    warnings.filterwarnings("ignore", module="mediapipe|google")  # of protobuf's own deprecations
    cache = Path(place[1])
    # The heartbeat's thread sleeps in whole seconds: with it, every run ends up to one second late.
    with shown_progress(), temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        try:
            if asked[0].name:
                return configured(sweep, config, cache)(asked, *place), ""
            return configured(stabilize, config, cache)(asked[0].overrides, *place), ""
        except VideosFailed as failure:
            return failure.results, failure.also
