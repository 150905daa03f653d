"""From overrides to an exit status: check, choose a server, run the flow, say what came of it."""

import os
import sys
import time
import uuid
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from conf.config import Config
from flows import machine, preflight
from flows.cli import interrupt
from flows.cli.terminal import print_run, print_sweep, shown_progress
from flows.config import settings
from flows.prefect_server import own_server, server_choice
from flows.prefect_server.own_server import OwnServer
from flows.results.index import index_name, read_sweep_index, require_own_index
from flows.results.result import Result
from flows.results.sweep_resume import check_resume
from flows.runner import workers_ready
from flows.sweep import SweepSetting, check_run_wide, distinct_settings, merge_equal_settings
from flows.videos import Video, find_all_videos, find_videos_of, require_any_file
from flows.worker_count import worker_count
from tasks.cache.entries import register_output_folder
from tasks.cache.object_store import require_installed
from tasks.errors import SettingError, counted
from tasks.execution import progress
from tasks.execution.memory import keep_what_is_loaded, stay_small
from tasks.maths.metrics.ranking import JUDGED_METRICS, judge_of
from tasks.untrusted.paths import absolute_path
from tasks.untrusted.plain_text import one_line

if TYPE_CHECKING:
    from pydantic import ValidationError

INTERRUPTED_STATUS = 130  # what a shell expects of a program that Ctrl-C ended
SERVER_FAULT: Final = 500  # the least status of an answer by which a server says that the fault is its own
HOME = settings.prefect_home()


class Ended(NamedTuple):
    """How the flow ended."""

    results: list[Result]
    run_error: str = ""  # what went wrong apart from the videos, in a sentence; empty: nothing
    server_lost: bool = False


def run(overrides: list[str], *, output_dir: Path, base_dir: Path) -> int:
    """Run everything and return the exit status; ``SettingError`` before any work for what cannot be honoured."""
    return _end_if_interrupted(results_of_run(overrides, output_dir=output_dir, base_dir=base_dir)[0])


def results_of_run(overrides: list[str], *, output_dir: Path, base_dir: Path) -> tuple[int, list[Result]]:
    """The same, with what became of each video; an interrupted run returns too."""
    return _run([SweepSetting("", overrides)], output_dir, base_dir)


def run_sweep(asked: list[SweepSetting], unnamed: str) -> tuple[int, list[float | None]]:
    """Run all settings as one; the exit status, and the mean over the videos of each setting's lock in px.

    The lock is measured in the files if all were verified, else planned. ``unnamed`` names the sweep's folder where
    ``sweep.name`` does not. ``SettingError`` before any work where one of the settings cannot be honoured.
    """
    status, results = results_of_sweep(asked, unnamed)
    lock, _ = JUDGED_METRICS[judge_of([result.metrics for result in results if not result.error])]
    return _end_if_interrupted(status), [_mean(results, one.name, lock) for one in _merged(asked)]


def results_of_sweep(asked: list[SweepSetting], unnamed: str) -> tuple[int, list[Result]]:
    """The same, with what became of each video with each setting; an interrupted run returns too."""
    config = settings.load(asked[0].overrides)
    base = absolute_path(config.output_dir)
    return _run(distinct_settings(_merged(asked)), base / "sweeps" / (config.sweep.name or unnamed), base)


def _merged(asked: list[SweepSetting]) -> list[SweepSetting]:
    """For each setting the first one that is equal to it."""
    return merge_equal_settings(asked, [settings.load(one.overrides) for one in asked])


def _mean(results: list[Result], setting: str, metric: str) -> float | None:
    values = [result.metrics.get(metric) for result in results if result.setting == setting]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _run(asked: list[SweepSetting], output_dir: Path, base_dir: Path) -> tuple[int, list[Result]]:
    started = time.perf_counter()
    stay_small()
    config, videos = _checked(asked)
    if config.storage:
        require_installed("storage", "leave out storage=")
    if config.shard:
        whole = find_videos_of([settings.load(one.overrides) for one in asked])
        print(f"shard {config.shard}: {len(videos)} of {counted(len(whole), 'video')}", flush=True)
        if not videos:
            print("nothing to do: other shares hold all of them")
            return 0, []
    for line in settings.unused_setting_lines([one.overrides for one in asked]):
        print(f"stillwalk: {line}", file=sys.stderr)
    cache = absolute_path(config.cache_dir) if config.cache_dir else base_dir / ".cache"
    machine.check_path("output_dir", output_dir)
    machine.check_path("cache_dir", cache)
    machine.check_folder("output_dir", output_dir, by_making_one=not config.plan)
    machine.check_folder("cache_dir", cache, by_making_one=not config.plan)
    if asked[0].name:
        check_resume(asked, read_sweep_index(output_dir), output_dir)
    if config.plan:
        from flows.dry_run.dry_run import dry_run

        return dry_run([(one.name, settings.load(one.overrides)) for one in asked], cache), []
    preflight.require_any_video(config, videos, output_dir)
    machine.raise_open_files_limit(worker_count(config.workers))
    for line in machine.lock_lines(output_dir, cache):
        progress.tell(line)
    if name := index_name(asked, len(videos), config.shard):
        require_own_index(output_dir, name)
    register_output_folder(cache, base_dir)
    with shown_progress(), workers_ready(config, cache):
        progress.listener.doing("looking for a Prefect server")
        own = None if server_choice.choose_server(config.server, HOME) else _starting_server()
        if own is None:
            progress.listener.doing("starting the run")
        end = _flow_run(asked, config, (str(output_dir), str(cache), uuid.uuid4().hex[:12]), own)
    _print_end(end, asked, output_dir, time.perf_counter() - started, config.shard)
    failed = bool(end.run_error) or any(result.error for result in end.results)
    status = INTERRUPTED_STATUS if progress.stop.is_set() else int(failed)
    if end.server_lost:  # Prefect's threads would go on trying to reach the server, and keep the process for minutes
        sys.stdout.flush()
        os._exit(status)
    return status, end.results


def _starting_server() -> OwnServer:
    """The server of this run, starting."""
    progress.listener.doing("starting the Prefect server")
    return own_server.start_own_server()


def _print_end(end: Ended, asked: list[SweepSetting], output_dir: Path, seconds: float, shard: str | None) -> None:
    if end.results and asked[0].name:
        print_sweep(end.results, read_sweep_index(output_dir), output_dir, seconds)
    elif end.results:
        print_run(end.results, output_dir, seconds, shard)
    if end.run_error:
        print(f"stillwalk: {one_line(end.run_error)}", file=sys.stderr)


def _end_if_interrupted(status: int) -> int:
    """``status``; after an interruption the process ends here, when the server has the last messages."""
    if status == INTERRUPTED_STATUS:
        from prefect.events.worker import EventsWorker

        interrupt.exit_interrupted(lambda: EventsWorker.drain_all(timeout=1))
    return status


def _checked(asked: list[SweepSetting]) -> tuple[Config, list[Video]]:
    """The run-wide settings and all videos of the run. Every setting is checked against the videos that it names."""
    configs = [settings.load(setting.overrides) for setting in asked]
    check_run_wide(configs)
    for name in dict.fromkeys(setting.name for setting in asked):  # which may have one value of video= each
        own = [config for setting, config in zip(asked, configs, strict=True) if setting.name == name]
        preflight.check_run(own[0], find_all_videos(own))
    videos = find_all_videos(configs)
    require_any_file(videos)
    return configs[0], videos


def _flow_run(asked: list[SweepSetting], config: Config, place: tuple[str, str, str], own: OwnServer | None) -> Ended:
    """Run the flow and say how it ended. ``own`` is the server that was started for the run, if there is one."""
    # Imported here: Prefect takes seconds to import, and reads its settings while it does.
    from httpx import HTTPError
    from pydantic import ValidationError

    try:
        from flows.flow import VideosFailed, configured, stabilize, sweep
    except ValidationError as error:
        raise _refused_by_prefect(error) from error
    from flows.prefect_server.cancellation import Concluded
    from tasks.execution.progress_artifact import changed_settings

    keep_what_is_loaded()
    # The heartbeat's thread sleeps in whole seconds: with it, every run ends up to one second late.
    with changed_settings("flows", heartbeat_frequency=None):
        try:
            if own:
                own.wait()
            progress.listener.doing("starting the run")
            if asked[0].name:
                return Ended(configured(sweep, config)(asked, *place).unwrap())
            return Ended(configured(stabilize, config)(asked[0].overrides, *place).unwrap())
        except VideosFailed as failure:
            return Ended(failure.results, failure.run_error)
        except Concluded as end:
            return Ended(end.results, end.run_error, server_lost=end.lost)
        except (HTTPError, RuntimeError) as error:  # before the first stage or after the last: they need no server
            if not isinstance(error, HTTPError) and not isinstance(error.__cause__, HTTPError):
                raise
            cure = "finished stages are kept, run the same command again"
            answered = getattr(getattr(error, "response", None), "status_code", 0)
            if own and answered >= SERVER_FAULT:
                cure += "; where that fails again, see whether the disk with Prefect's database (PREFECT_HOME) is full"
            if answered in server_choice.REFUSED:
                cure = f"give that server's token in {server_choice.CLIENT_TOKEN_VARIABLE}, or unset PREFECT_API_URL"
            if answered == HTTPStatus.SERVICE_UNAVAILABLE and not own:
                cure += ", and fewer commands beside it: one command takes many videos"
            fact = str(error).splitlines()[0].partition(" - ")[0]  # Prefect adds the answer, and a page to read
            return Ended([], f"the Prefect server is gone, or refuses: {fact}; {cure}", server_lost=True)


def _refused_by_prefect(error: "ValidationError") -> SettingError:
    """The line for a setting of Prefect's, in the environment or in its files, that Prefect does not take."""
    first = error.errors()[0]
    fact = f"{' '.join(map(str, first['loc']))} of Prefect's {error.title}: {first['msg']}, and not {first['input']!r}"
    return SettingError(f"PREFECT_: {fact}; correct it: env | grep PREFECT_ shows what is set")
