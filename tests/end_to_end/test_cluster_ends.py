"""A run on a cluster that is ended from outside: by Cancel in Prefect's UI, and by the death of the scheduler."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import program, server_page
from tests.support.program import DEMO, ROOT

SOON_S = 15  # from the wish to the end of the process; the watch looks every 2 s, and machines of tests are busy
NAME = "demo demo.seconds=58"


class Machines:
    """A scheduler and one worker of one thread, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, place = folder, folder / "scheduler.json"
        options = ["--host", "127.0.0.1", "--no-dashboard"]
        self.scheduler = self._start("dask_scheduler", "--port", "0", "--scheduler-file", str(place), *options)
        server_page.until(lambda: place.exists() and place.stat().st_size)
        rest = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--local-directory", str(folder))
        self.worker = self._start("dask_worker", "--scheduler-file", str(place), *rest, *options)
        self.address = str(json.loads(place.read_text())["address"])

    def _start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{name}", *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, env=environment, cwd=self._folder, stdout=quiet, stderr=quiet)

    def end(self) -> None:
        for process in (self.worker, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    started = Machines(tmp_path_factory.mktemp("machines"))
    try:
        yield started
    finally:
        started.end()


def test_cancel_in_the_ui_stops_the_workers_too(machines: Machines, tmp_path: Path, api: str) -> None:
    """Whether they have stopped, the next test shows: it needs the one worker."""
    asked = ("video=demo", "demo.seconds=58", "runner=dask", f"runner.address={machines.address}")
    process = program.start_copy(*asked, cwd=tmp_path, api=api)
    server_page.until(lambda: list(tmp_path.glob("outputs/.cache/demo/.*work/.*")))  # the worker draws
    (run,) = [one for one in server_page.flow_runs(api, "demo", "RUNNING") if one["name"].startswith(NAME)]
    wish = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    assert server_page.ask(api, f"/flow_runs/{run['id']}/set_state", wish)["status"] == "ACCEPT"
    asked_s = time.monotonic()
    done = program.ended(process)
    assert time.monotonic() - asked_s < SOON_S
    assert (done.status, "cancelled in Prefect's UI" in done.err) == (130, True), done.err
    state = server_page.ask(api, f"/flow_runs/{run['id']}")["state"]
    assert (state["type"], state["message"]) == ("CANCELLED", "cancelled in the UI; finished stages are kept")
    assert not [path for path in (tmp_path / "outputs/.cache/demo").glob("*") if path.is_dir()]
    assert (machines.scheduler.poll(), machines.worker.poll()) == (None, None)


def test_a_scheduler_that_dies_ends_the_run_with_a_line_and_the_next_run_goes_on(
    machines: Machines, finished: Path, tmp_path: Path, api: str
) -> None:
    shutil.copytree(finished / "outputs" / ".cache", tmp_path / "outputs" / ".cache")
    shutil.rmtree(tmp_path / "outputs" / ".cache" / "pose")
    asked = (*DEMO, "outputs=[pose]")
    process = program.start_copy(*asked, "runner=dask", f"runner.address={machines.address}", cwd=tmp_path, api=api)
    server_page.until(lambda: list(tmp_path.glob("outputs/.cache/pose/.*work/.*")))
    machines.scheduler.kill()
    done = program.ended(process)
    line = f"demo: FAILED: the Dask scheduler at {machines.address} is gone; finished stages are kept, run the same"
    assert (done.status, done.err.startswith(line), len(done.err.splitlines())) == (1, True, 1), done.err
    again = program.run(*asked, cwd=tmp_path, api=api)
    assert (again.status, again.err) == (0, "")
    out = tmp_path / "outputs" / "demo"
    assert program.ran(out) == {"pose"}
    same = finished / "outputs" / "demo" / "pose.parquet"
    assert (out / "pose.parquet").read_bytes() == same.read_bytes()
