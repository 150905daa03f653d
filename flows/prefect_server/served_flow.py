"""The flow of the form in Prefect's UI: the same run as on the command line, started in the browser.

``stillwalk serve`` runs it in a new process each time.
"""

import time
from pathlib import Path
from typing import Any, Final

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.cli.terminal_text import guard_output
from flows.config import settings
from flows.config.error_lines import explain
from flows.config.overrides import quote_argument, sweep_combinations
from flows.prefect_server.artifact_text import failure_line
from flows.prefect_server.artifacts import RunArtifacts
from flows.prefect_server.cancellation import server_watch
from flows.prefect_server.form_guard import require_inside, require_plain_overrides
from flows.run import results_of_run, results_of_sweep
from flows.sweep import SweepSetting, name_settings
from flows.videos import find_all_videos
from tasks.errors import StillwalkError
from tasks.untrusted.paths import absolute_path
from tasks.untrusted.plain_text import one_line

FORM_FLOW_NAME: Final = "stillwalk-form"
DEPLOYMENT_NAME: Final = "stillwalk"


@flow(name=FORM_FLOW_NAME, persist_result=False)
def form_flow(overrides: list[str], sweep: bool = False) -> State[Any]:
    """Hold the person of each video still.

    Results go where the command line would put them; finished stages are not computed again.

    Args:
        overrides: One setting per line, as on the command line: `video=/videos/walk.mp4`, `smoothing.window=9`.
            Paths are relative to the folder in which `stillwalk serve` was started; results and lists stay in it.
            `stillwalk --help=all` lists all settings.
        sweep: Try every combination of comma-separated values, as the command line does with `-m`:
            `smoothing.window=5,9`, `smoothing=moving,gaussian`, `sweep.name=windows`.

    """
    guard_output()
    settings.register_schema()
    try:
        quoted = [quote_argument(override, sweep=sweep) for override in require_plain_overrides(overrides)]
        wanted = _sweep_settings(quoted, sweep)
        configs = [settings.load(one.overrides) for one in wanted]
        for config in configs:
            require_inside(config, Path.cwd())
        videos = [video.name for video in find_all_videos(configs)]
        unnamed = time.strftime("%Y-%m-%d_%H-%M-%S")
        RunArtifacts(Path()).name_run(
            videos, [one.overrides for one in wanted], configs[0].sweep.name or unnamed if sweep else ""
        )
        with server_watch() as watch:
            if sweep:
                status, results = results_of_sweep(wanted, unnamed)
            else:
                base = absolute_path(configs[0].output_dir)
                status, results = results_of_run(quoted, output_dir=base, base_dir=base)
            watch.conclude(results)
    except StillwalkError as error:
        return Failed(message=one_line(explain(error)))
    return Failed(message=failure_line(results)) if status else Completed()


def _sweep_settings(overrides: list[str], sweep: bool) -> list[SweepSetting]:
    if not sweep:
        return [SweepSetting("", overrides)]
    jobs, fixed = sweep_combinations(overrides)
    return name_settings(jobs, fixed)
