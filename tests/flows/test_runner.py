"""Which workers a run gets, and how many stages they compute at once."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conf.config import Config
from conf.enums import Runner
from conf.machines import RunnerConf
from flows.config import settings
from flows.runner import compute_of, stages_at_once, workers_ready
from flows.worker_count import worker_count
from tasks.errors import SettingError
from tasks.execution import cluster, processes
from tasks.execution.computation import here

ADDRESS = "tcp://head:8786"


class Workers:
    """A cluster of five threads; notes what it is asked."""

    threads = 5
    may_grow: list[bool]

    def __init__(self) -> None:
        self.may_grow = []

    def require_workers(self, cache: Path, *, may_grow: bool) -> None:
        self.may_grow.append(may_grow)

    def compute(self, *_: Any) -> None: ...


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    found = Workers()

    @contextmanager
    def connected(address: str | None, paths: Mapping[str, str], count: int) -> Iterator[Workers]:
        yield found

    monkeypatch.setattr(cluster, "connected", connected)
    return found


def test_threads_and_processes_need_no_cluster(tmp_path: Path) -> None:
    with workers_ready(Config(), tmp_path):
        assert compute_of(Config()) is here
    assert compute_of(Config(runner=RunnerConf(Runner.processes))) is processes.apart


def test_a_cluster_computes_as_many_stages_at_once_as_it_has_threads(workers: Workers, tmp_path: Path) -> None:
    asked = Config(runner=RunnerConf(Runner.dask, ADDRESS))
    fixed = Config(runner=RunnerConf(Runner.dask, ADDRESS), workers=9)
    own = Config(runner=RunnerConf(Runner.dask))
    for config in (asked, fixed, own):
        with workers_ready(config, tmp_path):
            assert compute_of(config) == workers.compute
            count = stages_at_once(config)
        assert count == {id(asked): 5, id(fixed): 9, id(own): worker_count("auto")}[id(config)]
    assert workers.may_grow == [False, True, False]  # a number is for clusters that grow with their work


def test_without_the_package_the_line_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tasks.execution.cluster")
    monkeypatch.setitem(sys.modules, "dask", None)
    line = r"^runner=dask: the package dask is not installed; type `pip install '\.\[dask\]'`"
    with pytest.raises(SettingError, match=line), workers_ready(Config(runner=RunnerConf(Runner.dask)), tmp_path):
        pass


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("runner.address=head", r"^runner\.address: 'head' is no address of a Dask scheduler; give one such as tcp://"),
        ("runner.paths=[/data]", r"^runner\.paths: \['/data'\] does not name folders here and there; give absolute"),
        ("runner.paths={/data: mnt}", r"^runner\.paths: 'mnt' is no absolute path; give absolute ones, as in runner"),
        ("runner.paths={/data: [/mnt]}", r"^runner\.paths: \['/mnt'\] is no absolute path; "),
        ("runner=ray", r"^runner: there is no 'ray'; choose one of dask, processes, threads"),
    ],
)
def test_a_wrong_address_or_folder_is_refused(override: str, line: str) -> None:
    settings.register_schema()
    with pytest.raises(SettingError, match=line):
        settings.load(["video=demo", *(["runner=dask"] if override != "runner=ray" else []), override])


def test_an_address_and_folders_are_taken_as_they_are_typed() -> None:
    settings.register_schema()
    typed = ("runner=dask", f"runner.address={ADDRESS}", "runner.paths={/data: /mnt/data, /cache: /scratch}")
    runner = settings.load(["video=demo", *typed]).runner
    assert (runner.address, runner.there) == (ADDRESS, {"/data": "/mnt/data", "/cache": "/scratch"})
