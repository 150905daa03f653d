"""Where the stages of a run are computed: ``runner=threads``, ``processes`` or ``dask``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conf.config import AUTO_WORKERS, Config
from conf.enums import Runner
from flows.worker_count import worker_count
from tasks.errors import SettingError
from tasks.execution import processes, progress
from tasks.execution.computation import Compute, here

if TYPE_CHECKING:
    from tasks.execution.cluster import Cluster

_connected: list["Cluster"] = []  # of the run that this process makes


@contextmanager
def workers_ready(config: Config, cache: Path) -> Iterator[None]:
    """Have the workers that a run needs while the block runs. ``SettingError`` where a cluster is of no use."""
    if config.runner.kind is not Runner.dask:
        with processes.kept():
            yield
        return
    address = config.runner.address
    progress.listener.doing(f"connecting to {address}" if address else "starting the workers")
    try:
        from tasks.execution.cluster import connected  # it loads Dask, which not everybody has
    except ImportError as error:
        cure = "type `pip install '.[dask]'` in Stillwalk's folder, or give runner=threads"
        raise SettingError(f"runner=dask: the package {error.name} is not installed; {cure}") from error
    with connected(address, config.runner.there, worker_count(config.workers)) as cluster:
        cluster.require_workers(cache, may_grow=config.workers != AUTO_WORKERS)
        _connected.append(cluster)
        try:
            yield
        finally:
            _connected.remove(cluster)


def compute_of(config: Config) -> Compute:
    """What computes the stages of a run."""
    if config.runner.kind is Runner.dask:
        return _connected[-1].compute
    return processes.apart if config.runner.kind is Runner.processes else here


def stages_at_once(config: Config) -> int:
    """How many stages run at the same time; with ``workers=auto`` as many as a cluster has threads now."""
    if config.runner.address and config.workers == AUTO_WORKERS and _connected:
        return max(1, _connected[-1].threads)
    return worker_count(config.workers)
