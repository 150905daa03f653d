"""The flow behind the form in Prefect's UI: the same run as the command line's, started from the browser.

``stillwalk serve`` runs it in a process of its own for each run.
"""

from pathlib import Path
from typing import Any, Final

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import settings
from flows.bulletin import failures
from flows.explain import explain
from flows.inputs import find_videos
from flows.notices import Notices
from flows.run import run_all
from flows.watch import watched
from tasks.errors import StillwalkError

FLOW: Final = "stillwalk-form"
DEPLOYMENT: Final = "stillwalk"


@flow(name=FLOW, persist_result=False)
def entry(overrides: list[str]) -> State[Any]:
    """Hold the person of each video still.

    The results lie where the command line would put them, and what is there already is not computed again.

    Args:
        overrides: One setting a line, as on the command line: `video=/videos/walk.mp4`, `smoothing.window=9`.
            Paths count from the folder in which `stillwalk serve` was started; `stillwalk --help` lists all settings.

    """
    settings.register()
    quoted = [settings.quoted(override.strip(), sweep=False) for override in overrides if override.strip()]
    try:
        config = settings.load(quoted)
        Notices(Path()).name([video.name for video in find_videos(config.video)], [quoted])
        base = Path(config.output_dir).expanduser().absolute()
        with watched() as watch:
            status, results = run_all(quoted, output_dir=base, base_dir=base)
            watch.settle(results)
    except StillwalkError as error:
        return Failed(message=explain(error))
    return Failed(message=failures(results)) if status else Completed()
