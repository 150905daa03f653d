"""The flow behind the form in Prefect's UI: the same run as the command line's, started from the browser.

``stillwalk serve`` runs it in a process of its own for each run.
"""

import time
from pathlib import Path
from typing import Any, Final

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.config import settings
from flows.config.error_lines import explain
from flows.config.overrides import quote_argument, sweep_combinations
from flows.prefect_server.artifact_text import failures
from flows.prefect_server.artifacts import Notices
from flows.prefect_server.cancellation import watched
from flows.prefect_server.form_guard import require_inside, require_plain_overrides
from flows.run import run_all, run_all_settings
from flows.sweep import SweepSetting, name_settings
from flows.videos import find_all_videos
from tasks.errors import StillwalkError
from tasks.paths import absolute_path
from tasks.untrusted.plain_text import one_line

FLOW: Final = "stillwalk-form"
DEPLOYMENT: Final = "stillwalk"


@flow(name=FLOW, persist_result=False)
def entry(overrides: list[str], sweep: bool = False) -> State[Any]:
    """Hold the person of each video still.

    The results lie where the command line would put them, and what is there already is not computed again.

    Args:
        overrides: One setting a line, as on the command line: `video=/videos/walk.mp4`, `smoothing.window=9`.
            Paths count from the folder in which `stillwalk serve` was started, and results and lists stay in it;
            `stillwalk --help` lists all settings.
        sweep: Try every combination of the values that commas part, as the command line does with `-m`:
            `smoothing.window=5,9`, `smoothing=moving,gaussian`, `sweep.name=windows`.

    """
    settings.register_schema()
    try:
        quoted = [quote_argument(override, sweep=sweep) for override in require_plain_overrides(overrides)]
        asked = _asked(quoted, sweep)
        configs = [settings.load(one.overrides) for one in asked]
        for config in configs:
            require_inside(config, Path.cwd())
        videos = [video.name for video in find_all_videos([config.video for config in configs])]
        unnamed = time.strftime("%Y-%m-%d_%H-%M-%S")
        Notices(Path()).name(
            videos, [one.overrides for one in asked], configs[0].sweep.name or unnamed if sweep else ""
        )
        with watched() as watch:
            if sweep:
                status, results = run_all_settings(asked, unnamed)
            else:
                base = absolute_path(configs[0].output_dir)
                status, results = run_all(quoted, output_dir=base, base_dir=base)
            watch.settle(results)
    except StillwalkError as error:
        return Failed(message=one_line(explain(error)))
    return Failed(message=failures(results)) if status else Completed()


def _asked(overrides: list[str], sweep: bool) -> list[SweepSetting]:
    if not sweep:
        return [SweepSetting("", overrides)]
    jobs, fixed = sweep_combinations(overrides)
    return name_settings(jobs, fixed)
