"""Hydra launcher for sweeps: all jobs of ``-m`` become one run of the flow, with any sweeper. And a user's presets.

Hydra finds plugins only in the namespace ``hydra_plugins``, so ``flows/plugins`` is put on Python's path.
"""

import atexit
import shutil
import tempfile
import time
from collections.abc import Sequence

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, read_write

from flows import sweep
from flows.cli import command
from flows.config import presets
from flows.config.overrides import fixed_overrides, raw_overrides
from tasks.errors import StillwalkError
from tasks.untrusted.paths import is_folder


class UserPresets(SearchPathPlugin):
    """Finds the presets of a user beside the program's own: ``preset/mine.yaml`` in ``presets.user_folder()``."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        folder = presets.user_folder()
        if is_folder(folder):
            search_path.append("user", f"file://{folder}")


class FlowLauncher(Launcher):
    """Runs a batch of jobs as one sweep. Files that Hydra itself writes for a sweep are deleted.

    Other Hydra sweepers minimise the mean ``lock_rms``, in pixels, of a setting's videos.
    """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        HydraConfig.instance().set_config(config)
        parser = OverridesParser.create(config_loader=hydra_context.config_loader)
        self._fixed = fixed_overrides(parser.parse_overrides(raw_overrides(config.hydra.overrides.task)))
        self._time = time.strftime("%Y-%m-%d_%H-%M-%S")  # the same for all batches of a sweeper
        scratch = tempfile.mkdtemp(prefix="stillwalk-hydra-")  # nothing is written to the user's folders
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        with read_write(config.hydra):
            config.hydra.sweep.dir = scratch

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from flows.run import run_sweep  # lazy: Hydra loads launchers for tab completion too

        costs: list[float | None] = [None] * len(job_overrides)
        try:
            status, costs = run_sweep(sweep.name_settings(job_overrides, self._fixed), self._time)
            command.note_status(status)
        except StillwalkError as error:  # caught here: Hydra would add a line of its own
            command.refuse(error)
        return [
            JobReturn(overrides=job, _return_value=cost, status=JobStatus.COMPLETED)
            for job, cost in zip(job_overrides, costs, strict=True)
        ]
