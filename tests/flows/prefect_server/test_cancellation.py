"""Watching in Prefect's UI: names, progress, table and report; Cancel; the form; a server that goes away."""

import base64
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
import pytest

from flows.prefect_server import cancellation, monitor
from tasks.execution import progress
from tests.conftest import served
from tests.support import chromium, program, server_page

DEMO = (*program.DEMO, "outputs=[stabilized]")
LONG = ("video=demo", "demo.seconds=60")
# As the program, but for the patience with which progress is shown: a stage of a second counts as a long one.
IMPATIENT = (
    "import sys, tasks.execution.progress_artifact as b; b.LONG_S = 0.05; b.UPDATE_S = 0.1; "
    "import flows.stabilize as s; s.main()"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def demo_run(home: Path, api: str) -> dict[str, Any]:
    """A run of the demo that is over."""
    environment = {**os.environ, "PREFECT_API_URL": api, "PYTHONPATH": str(program.ROOT), "PREFECT_HOME": str(home)}
    command = [sys.executable, "-P", "-c", IMPATIENT, *DEMO, "smoothing.window=7"]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    runs = server_page.flow_runs(api, "demo", "COMPLETED")  # the server has those of other tests too
    (found,) = [run for run in runs if run["name"].endswith(" smoothing.window=7")]
    return found


def test_a_run_is_named_by_video_and_setting_and_tasks_by_stage(api: str, demo_run: dict[str, Any]) -> None:
    assert demo_run["name"].startswith("demo demo.seconds=1.2")
    assert demo_run["name"].endswith("outputs=(stabilized) smoothing.window=7")
    assert set(demo_run["tags"]) == {"stillwalk", "demo"}
    stages = ("demo", "decode", "pose", "subject", "offsets", "trajectory", "stabilized.mp4")
    wanted = {(f"{stage} demo", "Completed") for stage in stages}
    assert server_page.until(lambda: wanted <= server_page.task_runs(api, demo_run["id"]).items())


def test_the_log_of_a_task_says_what_it_did(api: str, demo_run: dict[str, Any]) -> None:
    def told() -> list[str] | None:
        body = {"logs": {"flow_run_id": {"any_": [demo_run["id"]]}}}
        lines = [log["message"] for log in server_page.ask(api, "/logs/filter", body)]
        return lines if any("the result lies in " in line and "/render/" in line for line in lines) else None

    lines = server_page.until(told)
    assert any(line.startswith("36 frames in ") and " frames a second; " in line for line in lines)
    assert any("person found in " in line for line in lines)
    assert any("the result lies in " in line and "/pose/" in line for line in lines)


def test_a_run_has_a_progress_a_table_and_a_report_artifact(api: str, demo_run: dict[str, Any]) -> None:
    shown = server_page.artifacts(api, demo_run["id"])
    progress = shown["progress-pose-demo"]
    assert (progress["type"], progress["data"], progress["task_run_id"] is not None) == ("progress", 100, True)
    assert progress["description"].startswith("pose demo: 36 of 36 frames")
    (row,) = json.loads(shown["results-demo"]["data"])
    assert (row["video"], row["result"], row["cached"]) == ("demo", "done", 0)
    assert {"decode", "pose", "trajectory", "stabilized.mp4"} <= set(row["ran"].split(", "))
    assert 0 < row["lock px"] < 5
    report = shown["report-demo"]["data"]
    assert "data:image/jpeg;base64," in report
    assert len(report) < 105_000
    assert "| pose | ran |" in report


def test_a_browser_shows_run_table_progress_and_picture(home: Path, api: str, demo_run: dict[str, Any]) -> None:
    site = api.removesuffix("/api")
    shown = server_page.artifacts(api, demo_run["id"])
    with chromium.browser(home / "profile") as page:
        page.show(1400, 1000)

        def shows(path: str, *texts: str) -> None:
            page.call("Page.navigate", url=f"{site}/{path}")
            for text in texts:
                page.until(f"document.body !== null && document.body.innerText.includes({json.dumps(text)})")

        shows(f"runs/flow-run/{demo_run['id']}", demo_run["name"], "stillwalk", "Completed", "trajectory demo")
        shows(f"artifacts/artifact/{shown['progress-pose-demo']['id']}", "Progress: 100%")
        shows(f"artifacts/artifact/{shown['results-demo']['id']}", "lock px", "stabilized.mp4")
        shows(f"artifacts/artifact/{shown['report-demo']['id']}")
        page.until("[...document.images].some((one) => one.src.startsWith('data:image/jpeg') && one.naturalWidth > 0)")
        page.picture(home / "page.png")
    report = shown["report-demo"]["data"]
    coded = base64.b64decode(report.partition("data:image/jpeg;base64,")[2].partition(")")[0])
    sheet = np.asarray(cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR))
    assert alike(cv2.imread(str(home / "page.png")), sheet) > 0.8


def alike(page: Any, sheet: Any) -> float:
    """How well the best place of ``page`` shows ``sheet``, whatever the width that the page gives it; 1 is equal."""
    small = cv2.resize(np.asarray(page), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    height, width = sheet.shape[:2]
    sizes = [(wide, round(height * wide / width)) for wide in range(small.shape[1] // 4, small.shape[1])]
    fits = [cv2.resize(sheet, size, interpolation=cv2.INTER_AREA) for size in sizes if size[1] < small.shape[0]]
    return max(float(cv2.matchTemplate(small, fit, cv2.TM_CCOEFF_NORMED).max()) for fit in fits)


def test_cancel_in_the_ui_stops_a_command_line_run(home: Path, api: str) -> None:
    process = program.start_copy(*LONG, cwd=home, api=api)
    named = "demo demo.seconds=60"  # the server has the runs of other tests too, some killed and "running" for ever
    (run,) = server_page.until(
        lambda: [one for one in server_page.flow_runs(api, "demo", "RUNNING") if one["name"] == named]
    )
    wish = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    assert server_page.ask(api, f"/flow_runs/{run['id']}/set_state", wish)["status"] == "ACCEPT"
    done = program.ended(process)  # soon: the whole video would take minutes
    assert done.status == 130
    assert "cancelled in Prefect's UI" in done.err
    state = server_page.ask(api, f"/flow_runs/{run['id']}")["state"]
    assert (state["type"], state["message"]) == ("CANCELLED", "cancelled in the UI; finished stages are kept")


@pytest.fixture(scope="module")
def form(home: Path, api: str) -> Iterator[str]:
    """Id of the deployment that ``stillwalk serve`` makes, while it serves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_RUNNER_POLL_FREQUENCY", "1")
        process = program.start("serve", cwd=home, api=api)
    assert process.stdout is not None
    try:
        assert "serving stillwalk-form/stillwalk" in process.stdout.readline()
        wanted = {"deployments": {"name": {"any_": ["stillwalk"]}}}
        (deployment,) = server_page.until(lambda: server_page.ask(api, "/deployments/filter", wanted))
        yield deployment["id"]
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert "Traceback" not in err


def over(api: str, deployment: str, overrides: list[str], *, sweep: bool = False) -> dict[str, Any]:
    """Start a run by the form, and wait for its end."""
    body = {"parameters": {"overrides": overrides, "sweep": sweep}, "state": {"type": "SCHEDULED"}}
    run = server_page.ask(api, f"/deployments/{deployment}/create_flow_run", body)["id"]

    def ended() -> dict[str, Any] | None:
        now: dict[str, Any] = server_page.ask(api, f"/flow_runs/{run}")
        return now if now["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    found: dict[str, Any] = server_page.until(ended, 120)
    return found


def test_the_form_has_a_list_of_settings_with_a_description(api: str, form: str) -> None:
    schema = server_page.ask(api, f"/deployments/{form}")["parameter_openapi_schema"]["properties"]["overrides"]
    assert (schema["type"], schema["items"]) == ("array", {"type": "string"})
    assert "smoothing.window=9" in schema["description"]


def test_a_form_run_reuses_the_stages_of_the_command_line(api: str, form: str, demo_run: dict[str, Any]) -> None:
    run = over(api, form, [*DEMO, "smoothing.window=7"])
    assert run["state_type"] == "COMPLETED"
    asked = {"flow_runs": {"parent_flow_run_id": {"any_": [run["id"]]}}}
    (inner,) = server_page.ask(api, "/flow_runs/filter", asked)
    assert inner["name"] == run["name"] == demo_run["name"]
    assert server_page.until(lambda: set(server_page.task_runs(api, inner["id"]).values()) == {"Cached"})


def test_a_form_sweep_reuses_the_stages_of_the_command_line(
    api: str, form: str, home: Path, demo_run: dict[str, Any]
) -> None:
    asked = [*DEMO, "smoothing.window=7,9", "sweep.name=windows", "sweep.render=none"]
    run = over(api, form, asked, sweep=True)
    assert run["state_type"] == "COMPLETED", run["state"]
    assert run["name"] == "demo sweep windows of 2 settings"
    index = json.loads((home / "outputs" / "sweeps" / "windows" / "sweep.json").read_text())
    found = {row["setting"]: (row["ran"], row["cached"]) for row in index["rows"]}
    assert found == {"smoothing.window=7": (0, 6), "smoothing.window=9": (1, 5)}
    again = program.run("-m", *asked, cwd=home, api=api)
    assert ", 0 stages ran\n" in again.out, again.err
    wrong = over(api, form, ["video=demo", "lock.x=0.5,2"], sweep=True)
    assert wrong["state_type"] == "FAILED"
    assert wrong["state"]["message"].startswith("lock.x: 2.0 is out of range")


def test_a_wrong_setting_in_the_form_fails_its_run_with_one_line(api: str, form: str) -> None:
    run = over(api, form, ["video=demo", "smothing.window=7"])
    wanted = "smothing: there is no such setting; did you mean smoothing?"
    assert (run["state_type"], run["state"]["message"]) == ("FAILED", wanted)


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["--help"], 0, "stillwalk serve: runs what the form"),
        (["port=1"], 2, "stillwalk: serve: it has no option 'port=1'"),
        ([], 2, "PREFECT_API_URL: http://127.0.0.1:9/api does not answer"),
    ],
)
def test_serve_prints_one_line_when_it_does_not_start(home: Path, arguments: list[str], status: int, line: str) -> None:
    done = program.run("serve", *arguments, cwd=home, api="http://127.0.0.1:9/api")
    assert done.status == status
    assert line in done.out + done.err
    assert len((done.out + done.err).splitlines()) == 1


def test_a_server_lost_during_a_run_stops_nothing(finished: Path, tmp_path: Path, database: Path) -> None:
    """It is lost after the drawing: what is found in the cache, and the render, come after that."""
    cache = tmp_path / "outputs" / ".cache"
    shutil.copytree(finished / "outputs" / ".cache", cache)
    for stage in ("demo", "render"):
        shutil.rmtree(cache / stage)
    (tmp_path / "server").mkdir()
    shutil.copy(database, tmp_path / "server" / "prefect.db")
    with served(tmp_path / "server") as (address, server):
        process = program.start(*DEMO, cwd=tmp_path, api=address)
        server_page.until(lambda: list(cache.glob("demo/*/done.json")))
        server.kill()
        server.wait()
        done = program.ended(process)
    assert done.status == 0, done.err
    (line,) = done.err.splitlines()
    assert line.startswith(f"stillwalk: the Prefect server at {address} ")
    assert "1 of 1 video done" in done.out
    assert program.record(tmp_path / "outputs" / "demo")["error"] == ""
    assert program.ran(tmp_path / "outputs" / "demo") == {"demo", "stabilized.mp4", "report.html"}


class OnlyHealthy(BaseHTTPRequestHandler):
    """A server that is healthy when it is asked how it is, and answers nothing else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_the_end_of_a_run_that_the_server_refuses_is_left_for_the_next_command_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = uuid4()
    context = SimpleNamespace(flow_run=SimpleNamespace(id=run))
    monkeypatch.setattr(logging, "raiseExceptions", True)  # which watching changes
    monkeypatch.setattr(progress.stop, "is_set", lambda: True)
    monkeypatch.setattr(monitor, "PREFECT_HOME", SimpleNamespace(value=lambda: tmp_path))
    monkeypatch.setattr(cancellation, "FlowRunContext", SimpleNamespace(get=lambda: context))
    with HTTPServer(("127.0.0.1", 0), OnlyHealthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(cancellation, "current_api", lambda: f"http://127.0.0.1:{server.server_port}/api")
        with pytest.raises(cancellation.Concluded), cancellation.server_watch() as watch:
            watch.conclude([])
        server.shutdown()
    assert [path.name for path in (tmp_path / monitor.RUNS_FOLDER_NAME).iterdir()] == [str(run)]


def test_a_server_lost_before_the_first_stage_is_one_line(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), OnlyHealthy) as server:
        process = program.start(*DEMO, cwd=tmp_path, api=f"http://127.0.0.1:{server.server_port}/api")
        server.handle_request()  # one, and no more
    done = program.ended(process)
    assert done.status == 1
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    (line,) = lines
    assert line.startswith("stillwalk: the Prefect server is gone, or refuses: ")


class Busy(OnlyHealthy):
    """A server whose database other runs have locked."""

    def do_GET(self) -> None:
        self.send_response(404 if "csrf" in self.path else 200)
        self.end_headers()
        self.wfile.write(b'"3.0.0"')  # where the version is asked for

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(503)
        self.end_headers()
        self.wfile.write(b'{"exception_message": "Service Unavailable"}')


def test_a_server_that_is_too_busy_is_one_short_line_with_a_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "0")
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = f"http://127.0.0.1:{server.server_port}/api"
        done = program.ended(program.start(*DEMO, cwd=tmp_path, api=api))
        server.shutdown()
    fact = f"Server error '503 Service Unavailable' for url '{api}/flows/'; finished stages are kept"
    cure = "run the same command again, and fewer commands beside it: one command takes many videos"
    assert (done.status, done.out) == (1, "")
    assert done.err == f"stillwalk: the Prefect server is gone, or refuses: {fact}, {cure}\n"
