"""Hydra's launcher of sweeps: all jobs of ``-m`` become one run of the flow, whichever sweeper chose them.

Hydra takes launchers of the namespace ``hydra_plugins`` only: ``flows/plugins`` is put on Python's path for it.
"""

import atexit
import shutil
import tempfile
import time
from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, read_write

from flows import sweep
from flows.cli import exit_status
from flows.config import settings
from tasks.errors import StillwalkError


class FlowLauncher(Launcher):
    """Runs a batch of jobs as one sweep. What Hydra writes of its own into a sweep's folder is thrown away.

    To sweepers that search, a setting returns the mean over its videos of ``lock_rms``, the less the better.
    """

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        HydraConfig.instance().set_config(config)
        parser = OverridesParser.create(config_loader=hydra_context.config_loader)
        self._fixed = settings.same_in_all(parser.parse_overrides(settings.as_given(config.hydra.overrides.task)))
        self._time = time.strftime("%Y-%m-%d_%H-%M-%S")  # one for all batches of jobs that a sweeper makes
        scratch = tempfile.mkdtemp(prefix="stillwalk-hydra-")  # a sweep that is refused leaves the user's folders alone
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        with read_write(config.hydra):
            config.hydra.sweep.dir = scratch

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from flows.run import run_sweep  # Hydra looks at launchers for tab completion too

        costs: list[float | None] = [None] * len(job_overrides)
        try:
            code, costs = run_sweep(sweep.named(job_overrides, self._fixed), self._time)
            exit_status.note(code)
        except StillwalkError as error:  # here, because Hydra adds a line of its own to what passes through it
            exit_status.refuse(error)
        return [
            JobReturn(overrides=job, _return_value=cost, status=JobStatus.COMPLETED)
            for job, cost in zip(job_overrides, costs, strict=True)
        ]
