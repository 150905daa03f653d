"""Many videos and many settings, as a user runs them: what is computed once, what fails alone, what is listed."""

import json
import os
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from conf.demo import DemoConf
from flows.videos import path_digest
from tasks.demo.demo_video import draw_demo
from tasks.requests import DemoRequest
from tests.support import program

WALKERS = ("a", "Gänge üben [1] (neu), #2")
VALUES = ("smoothing.window=5,9", "smoothing=moving,gaussian")
SWEEP = ("-m", "video=clips/*.mp4", *VALUES)
SETTINGS = [f"smoothing.window={size},smoothing={kind}" for size in (5, 9) for kind in ("moving", "gaussian")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two walkers, a clip without anybody, and a file that is no video."""
    home = tmp_path_factory.mktemp("home")
    (home / "clips").mkdir()
    for number, name in enumerate(WALKERS):
        settings = DemoConf(width=480, height=270, seconds=1.0, fps="24", seed=number)
        draw_demo(DemoRequest(settings=settings), home / "clips", lambda _: None)
        (home / "clips" / "demo.mp4").rename(home / "clips" / f"{name}.mp4")
    (home / "clips" / "text.mp4").write_text("not a video")
    with av.open(str(home / "clips" / "empty street.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=24, width=320, height=180)
        for _ in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((180, 320, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return home


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["rows"]
    return found


def flow_runs(api: str) -> int:
    """How many runs the server knows of the sweep of this module; it has those of other tests too."""
    ours = {"name": {"like_": "sweep windows of 4 settings"}}
    asked = json.dumps({"flows": {"name": {"any_": ["stillwalk sweep"]}}, "flow_runs": ours}).encode()
    request = urllib.request.Request(f"{api}/flow_runs/count", asked, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.read())


@pytest.fixture(scope="module")
def swept(home: Path, api: str) -> Path:
    """The folder of a sweep with metrics only, done once."""
    before = flow_runs(api)
    done = program.run(*SWEEP, "sweep.name=windows", "sweep.render=none", cwd=home, api=api)
    assert done.status == 1
    assert "text: FAILED: " in done.err and "empty street: FAILED: no person found in 12 frames" in done.err
    assert len(done.err.strip().splitlines()) == 2
    assert "8 of 16 results done, 8 failed" in done.out and "best of all: " in done.out
    assert flow_runs(api) == before + 1
    return home / "outputs" / "sweeps" / "windows"


def test_what_settings_share_is_computed_once_and_one_bad_video_fails_alone(home: Path, swept: Path) -> None:
    made = {stage.name: len(list(stage.glob("*/done.json"))) for stage in (home / "outputs" / ".cache").iterdir()}
    assert made["decode"] == made["pose"] == 3  # but for the file that is no video; one look has found nobody
    assert made["subject"] == made["offsets"] == 2
    assert made["trajectory"] == 8
    assert not {"masks", "render"} & set(made)
    listed = rows(swept / "sweep.json")
    assert [row["setting"] for row in listed] == SETTINGS * 4
    assert list(dict.fromkeys(row["video"] for row in listed)) == sorted([*WALKERS, "empty street", "text"])
    good = [row for row in listed if not row["error"]]
    assert {row["video"] for row in good} == set(WALKERS)
    assert {(row["ran"], row["cached"], row["rendered"]) for row in good} == {(5, 0, False)}
    for video in WALKERS:  # who stand alike share a rank, but one is the best
        ranks = [row["rank"] for row in good if row["video"] == video]
        assert all(rank == 1 + sum(other < rank for other in ranks) for rank in ranks)
        assert [row["best"] for row in good if row["video"] == video].count(True) == 1
    for row in good:
        files = {path.name for path in (swept / row["folder"]).iterdir()}
        assert files == {"trajectory.parquet", "metrics.json", "run.json"}
        metrics = json.loads((swept / row["folder"] / "metrics.json").read_text())
        assert row["metrics"] == metrics["planned"]


def test_the_same_sweep_again_runs_nothing_and_another_setting_goes_on_in_its_folder(
    home: Path, swept: Path, api: str
) -> None:
    same = program.run(*SWEEP, "sweep.name=windows", "sweep.render=none", cwd=home, api=api)
    assert same.status == 1 and "no person found in 12 frames" in same.err and ", 0 stages ran" in same.out
    more = ("-m", "video=clips/a.mp4", "smoothing=savgol", "sweep.name=windows", "sweep.render=best")
    done = program.run(*more, "outputs=[stabilized]", cwd=home, api=api)
    assert done.status == 0, done.err
    listed = rows(swept / "sweep.json")
    assert [row["setting"] for row in listed if row["video"] == "a"] == [
        *SETTINGS,
        "smoothing=savgol,outputs=[stabilized]",
    ]
    assert [row["rendered"] for row in listed if row["video"] == "a"] == [False] * 4 + [True]
    assert len(listed) == 17
    assert (swept / listed[-1]["folder"]).exists() or listed[-1]["error"]
    before = (swept / "sweep.json").read_bytes()
    other_border = (*SWEEP, "sweep.name=windows", "border=constant")
    for other in program.run_each([(*other_border, plan) for plan in ("plan=true", "plan=false")], cwd=home):
        assert (other.status, other.out) == (2, "")
        holds = f'border.mode: the sweep windows holds {SETTINGS[0]} with "scene", and this is "constant"'
        assert other.err == f"stillwalk: {holds}; give another sweep.name=\n"
    assert (swept / "sweep.json").read_bytes() == before


def test_two_videos_of_one_name_are_two_however_they_are_called(
    home: Path, swept: Path, tmp_path: Path, api: str
) -> None:
    shutil.copytree(swept.parents[1] / ".cache", tmp_path / "outputs" / ".cache")  # equal bytes: the poses are found
    for place, name in zip("xy", WALKERS, strict=True):
        (tmp_path / place).mkdir()
        shutil.copy(home / "clips" / f"{name}.mp4", tmp_path / place / "walk.mp4")
    asked = ("-m", "smoothing.window=5,9", "sweep.name=w", "sweep.render=none")
    for video in ("x/walk.mp4", "y/walk.mp4", "*/walk.mp4"):
        done = program.run(*asked, f"video={video}", cwd=tmp_path, api=api)
        assert done.status == 0, done.err
    listed = rows(tmp_path / "outputs" / "sweeps" / "w" / "sweep.json")
    names = [f"walk-{path_digest(tmp_path / place / 'walk.mp4')}" for place in "xy"]
    assert [row["video"] for row in listed] == [names[0], names[0], names[1], names[1]]
    assert [Path(row["folder"]).name for row in listed] == ["walk", "walk", names[1], names[1]]
    assert sorted(row["rank"] for row in listed) == [1, 1, 2, 2]
    assert all(name in done.out for name in names)


def test_the_index_leads_to_the_reports_that_are_there(home: Path, swept: Path, tmp_path: Path, api: str) -> None:
    shutil.copytree(swept.parents[1] / ".cache", tmp_path / "outputs" / ".cache")
    for name in "ab":
        shutil.copy(home / "clips" / "a.mp4", tmp_path / f"{name}.mp4")
    index = tmp_path / "outputs" / "index.html"
    for broken in (False, True):
        assert program.run("video=[a.mp4,b.mp4]", "outputs=[pose]", cwd=tmp_path, api=api).status == int(broken)
        assert all(f'href="./{name}/report.html"' in index.read_text() for name in "ab")
        assert ("of an earlier, successful run" in index.read_text()) == broken
        (tmp_path / "b.mp4").write_text("not a video any more")
    sweep = ("-m", "video=a.mp4", "smoothing.window=5,9", "sweep.name=w")
    assert program.run(*sweep, "outputs=[pose]", cwd=tmp_path, api=api).status == 0
    assert program.run(*sweep, "sweep.render=none", cwd=tmp_path, api=api).status == 0
    assert "/a/report.html" in (tmp_path / "outputs" / "sweeps" / "w" / "index.html").read_text()
    shutil.copy(home / "clips" / "a.mp4", tmp_path / "c.mp4")
    only = ("-m", "video=[a.mp4,c.mp4]", "smoothing.window=5,9", "sweep.name=only", "sweep.render=none")
    assert program.run(*only, cwd=tmp_path, api=api).status == 0
    (tmp_path / "a.mp4").write_text("not a video any more")
    assert program.run(*only, cwd=tmp_path, api=api).status == 1
    assert "report.html" not in (tmp_path / "outputs" / "sweeps" / "only" / "index.html").read_text()


def test_only_the_best_setting_of_a_video_is_rendered(home: Path, swept: Path, api: str) -> None:
    best = ("video=clips/a.mp4", "sweep.name=best", "sweep.render=best", "outputs=[stabilized,pose]")
    assert program.run("-m", *VALUES, *best, cwd=home, api=api).status == 0
    listed = rows(home / "outputs" / "sweeps" / "best" / "sweep.json")
    assert [row["rendered"] for row in listed] == [row["best"] for row in listed]
    (one,) = [row for row in listed if row["rendered"]]
    assert (one["rank"], one["pareto"]) == (1, True)
    files = {path.name for path in (home / "outputs" / "sweeps" / "best" / one["folder"]).iterdir()}
    assert {"stabilized.mp4", "pose.parquet", "report.html"} < files


WRONG = {
    "lock.x=0.5,2": "lock.x: 2.0 is out of range",
    "workers=1,2": "workers: a sweep is one run and cannot have 1 and 2; give one value",
    "crop.window=[0,0,100,100],[900,0,100,100]": "crop.window: ",
    "sweep.render=nothing": "sweep.render: there is no",
}


def test_one_bad_setting_stops_a_sweep_before_it_starts(home: Path, tmp_path: Path) -> None:
    clip = f"video={home / 'clips' / 'a.mp4'}"
    asked = [("-m", clip, wrong, "lock.y=0,1") for wrong in WRONG]
    for done, sentence in zip(program.run_each(asked, cwd=tmp_path), WRONG.values(), strict=True):
        assert (done.status, done.out, len(done.err.strip().splitlines())) == (2, "", 1), sentence
        assert sentence in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_batch_lists_its_videos_and_repeats_only_what_failed(home: Path, swept: Path, api: str) -> None:
    (home / "list.txt").write_text(
        "# some clips\nclips/text.mp4\nclips/empty street.mp4\nclips/a.mp4\nclips/none.mp4\n"
    )
    batch = ("video=@list.txt", "outputs=[pose]")
    assert program.run(*batch, cwd=home, api=api).status == 1
    listed = rows(home / "outputs" / "batch.json")
    assert [row["video"] for row in listed] == ["text", "empty street", "a", "none"]
    assert [bool(row["error"]) for row in listed] == [True, True, False, True]
    assert "there is no such file" in listed[3]["error"]
    shutil.copy(home / "clips" / f"{WALKERS[1]}.mp4", home / "clips" / "none.mp4")
    done = program.run(*batch, cwd=home, api=api)
    assert done.status == 1 and "2 of 4 videos done, 2 failed" in done.out and "index.html" in done.out
    listed = rows(home / "outputs" / "batch.json")
    # The sweep has left all but the path of the default smoother, its charts, and the pictures of the people.
    assert [(row["ran"], bool(row["error"])) for row in listed] == [(0, True), (0, True), (0, False), (3, False)]


def test_a_setting_that_fits_some_videos_fails_the_others_only(home: Path, tmp_path: Path, api: str) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    clips = f"video=[{home / 'clips' / 'a.mp4'},{home / 'clips' / 'empty street.mp4'},pipe.mp4]"
    asked = (clips, "smoothing.window=23", "outputs=[pose]")  # the street has 12 frames
    said = "empty street: FAILED: smoothing.window: 23 frames is longer than the clip of 12; give an odd number"
    pipe = "pipe.mp4: is not a regular file; give a video file"
    planned = program.run(*asked, "plan=true", cwd=tmp_path, api=api)
    assert planned.status == 1 and f"would fail: {pipe}" in planned.out
    assert "would fail: smoothing.window: 23 frames is longer" in planned.out
    done = program.run(*asked, cwd=tmp_path, api=api)
    assert done.status == 1 and "1 of 3 videos done, 2 failed" in done.out
    assert said in done.err and pipe in done.err
    errors = {row["video"]: row["error"] for row in rows(tmp_path / "outputs" / "batch.json")}
    assert errors["a"] == "" and "longer than the clip of 12" in errors["empty street"]
    page = (tmp_path / "outputs" / "index.html").read_text()
    assert "longer than the clip of 12" in page and "is not a regular file" in page
    assert "longer than the clip of 12" in (tmp_path / "outputs" / "empty street" / "report.html").read_text()


def test_in_a_sweep_too_a_setting_fails_the_videos_that_it_does_not_fit(
    home: Path, swept: Path, tmp_path: Path, api: str
) -> None:
    shutil.copytree(swept.parents[1] / ".cache", tmp_path / "outputs" / ".cache")
    clips = f"video={home / 'clips' / 'a.mp4'},{home / 'clips' / 'empty street.mp4'}"
    refused = program.run("-m", clips, "smoothing.window=5,99", cwd=tmp_path, api="http://127.0.0.1:9/api")
    assert refused.status == 2 and "none of the 2 videos fits" in refused.err
    asked = ("smoothing.window=9,23", "sweep.name=w", "sweep.render=best", "outputs=[pose]")
    done = program.run("-m", clips, *asked, cwd=tmp_path, api=api)
    assert done.status == 1 and "2 of 4 results done, 2 failed" in done.out
    errors = {row["setting"]: row["error"] for row in rows(tmp_path / "outputs" / "sweeps" / "w" / "sweep.json")[2:]}
    assert "no person found" in errors["smoothing.window=9"]
    assert "longer than the clip of 12" in errors["smoothing.window=23"]
