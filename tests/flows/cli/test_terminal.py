"""The summaries of a run and of a sweep in the terminal."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.cli.terminal import print_result, print_run, print_sweep
from flows.report.index_page import PLANNED_SWEEP_NOTE
from flows.results.result import Result, StageRun
from flows.videos import Video
from tasks.execution.progress import INTERRUPTED

Captured = pytest.CaptureFixture[str]


def result(name: str, error: str = "", setting: str = "", **more: Any) -> Result:
    return Result(Video(name, Path(f"/clips/{name}.mp4")), error, Path("out") / name, setting=setting, **more)


def test_a_video_has_short_lines_and_the_run_one(capsys: Captured, tmp_path: Path) -> None:
    stages = [StageRun("decode", "", "d", "ran", 1.25), StageRun("pose", "", "p", "cached", 0.0)]
    summary = ["person: found in 60 of 60 frames (100.0%)", "lock: 0.2 px rms planned, 187 px in the source"]
    made = result("walk", stages=stages, warnings=["the file ends early"], summary=summary)
    print_result(made)
    print_run([made], tmp_path, 2.04)
    assert capsys.readouterr().out.splitlines() == [
        "walk: out/walk",
        "  warning: the file ends early",
        "  ran: decode 1.2 s",
        "  cached: pose",
        *(f"  {line}" for line in summary),
        "1 of 1 video done in 2.0 s",
    ]


def test_videos_of_one_pass_have_one_time(capsys: Captured) -> None:
    names = ("stabilized.mp4", "comparison.mp4", "person.mp4", "report.html")
    stages = [StageRun("render", name, name, "ran", 46 + number / 10) for number, name in enumerate(names)]
    print_result(result("walk", stages=stages))
    line = "  ran: stabilized.mp4, comparison.mp4 and person.mp4 46.2 s together, report.html 46.3 s"
    assert capsys.readouterr().out.splitlines()[1] == line


def test_masks_and_scene_of_one_pass_have_one_time(capsys: Captured) -> None:
    seconds = {"decode": 0.1, "masks": 0.9, "scene": 0.8, "offsets": 0.2}
    stages = [StageRun(name, "", name, "ran", seconds[name]) for name in seconds]
    print_result(result("walk", stages=stages))
    print_result(result("walk", stages=[stages[0], stages[2]]))
    print_result(result("walk", stages=[replace(stages[1], alone=True), stages[2]]))  # masks that need no frames
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "  ran: decode 0.1 s, masks and scene 0.9 s together, offsets 0.2 s"
    assert lines[3] == "  ran: decode 0.1 s, scene 0.8 s"
    assert lines[5] == "  ran: masks 0.9 s, scene 0.8 s"


def test_what_several_persons_share_is_told_once_and_persons_are_counted(capsys: Captured, tmp_path: Path) -> None:
    shared = [StageRun("decode", "", "d", "ran", 1.25), StageRun("pose", "", "p", "cached", 0.0)]
    first = result("walk", person=1, stages=[*shared, StageRun("subject", "", "s1", "ran", 0.5)])
    second = result("walk", person=2, stages=[*shared, StageRun("subject", "", "s2", "ran", 0.5)])
    told: dict[str, str] = {}
    for one in (first, second):
        print_result(one, told)
    print_run([first, second], tmp_path, 2.0)
    print_run([first, second, result("other")], tmp_path, 2.0)
    assert capsys.readouterr().out.splitlines() == [
        "walk person 1: out/walk",
        "  ran: decode 1.2 s, subject 0.5 s",
        "  cached: pose",
        "walk person 2: out/walk",
        "  ran: subject 0.5 s",
        "  shared with walk person 1: decode, pose",
        "2 of 2 persons done in 2.0 s",
        "3 of 3 results done in 2.0 s",
    ]


def test_failures_go_to_standard_error_and_an_index_is_named(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    made = [result("a", "a.mp4: broken; copy it again"), result("b"), result("c", INTERRUPTED)]
    for one in made:
        print_result(one)
    print_run(made, tmp_path, 1.0)
    shown = capsys.readouterr()
    assert shown.err == "a: FAILED: a.mp4: broken; copy it again\n"
    assert shown.out.splitlines() == [
        "b: out/b",
        f"overview: {tmp_path / 'index.html'}",
        "1 of 3 videos done, 1 failed in 1.0 s",
    ]


def test_a_sweep_has_a_table_of_the_best_settings(capsys: Captured) -> None:
    metrics = {"lock_rms": 0.25, "residual_accel": 0.1, "visible_area_mean": 0.8}
    metrics |= {"verified_lock_rms": 1.5, "verified_residual_step": 0.4}
    rows = [
        {
            "video": video,
            "setting": setting,
            "best": setting == "window=9",
            "rank": 1,
            "judge": judge,
            "metrics": metrics,
        }
        for video, judge in (("a", "planned"), ("long name", "measured in the file"))
        for setting in ("window=5", "window=9")
    ]
    settings = [{"setting": name, "best": name == "window=9", "mean_rank": 1.5} for name in ("window=5", "window=9")]
    failed = [result("c", "no person found", setting) for setting in ("window=5", "window=9")]
    ran = result("a", setting="window=5", stages=[StageRun("pose", "", "p", "ran", 1.0)])
    print_sweep([ran, *failed], {"rows": rows, "settings": settings}, Path("sweeps/w"), 3.0)
    shown = capsys.readouterr()
    assert shown.err == "c: FAILED: no person found (2 settings)\n"
    assert shown.out.splitlines() == [
        "video      best setting  lock px  tremble px  picture             judged by",
        "a          window=9         0.25        0.10      80%               planned",
        "long name  window=9         1.50        0.40      80%  measured in the file",
        PLANNED_SWEEP_NOTE,
        "best of all: window=9 (mean rank 1.50 of 2, shared with window=5)",
        "all figures: sweeps/w/index.html",
        "1 of 3 results done, 2 failed in 3.0 s, 1 stage ran",
    ]


def test_a_best_setting_that_no_row_of_the_table_names_is_explained(capsys: Captured) -> None:
    metrics = {"lock_rms": 0.25, "residual_accel": 0.1, "visible_area_mean": 0.8}
    rows = [
        {"video": video, "setting": setting, "best": best, "rank": rank, "judge": "planned", "metrics": metrics}
        for video, setting, best, rank in (
            ("a", "window=5", False, 1),
            ("a", "window=9", True, 1),
            ("b", "window=5", True, 1),
            ("b", "window=9", False, 2),
        )
    ]
    settings = [
        {"setting": "window=5", "best": True, "mean_rank": 1.0},
        {"setting": "window=9", "best": False, "mean_rank": 1.5},
    ]
    print_sweep([result("a"), result("b")], {"rows": rows, "settings": settings}, Path("sweeps/w"), 3.0)
    assert capsys.readouterr().out.splitlines()[-4:-2] == [
        "best of all: window=5 (mean rank 1.00 of 2)",
        "for a it shares the first rank with the setting that the table names",
    ]
