"""The summary and warnings of a video in the terminal and in ``run.json``."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conf.config import Config
from conf.enums import BorderMode
from conf.input import PoseConf
from conf.lock import LockConf
from conf.render import BorderConf
from flows.jobs import Job
from flows.results.gait_figures import gait_lines
from flows.results.run_record import describe_result, read_metrics, summary_lines, whole_percents
from flows.videos import Video
from tasks.records import Artifact, StoredFile
from tests.support.artifacts import clip_artifact
from tests.support.drawn.paths import even_times, pose_track, straight_walk

LOCK = "lock: 190 px off the target in the source, 0.2 px in the plan (rms)"


def stage(name: str, folder: Path, **facts: Any) -> Artifact[Any]:
    return Artifact(
        name,
        "key",
        str(folder),
        {name: StoredFile("", 0, 0) for name in ("metrics.json", "verified.json")},
        facts,
        "run",
        1.0,
    )


def summary_of(made: dict[str, Artifact[Any]], border: BorderMode, target: Any = "auto") -> Iterator[str]:
    return summary_lines(made, read_metrics(made), Config(border=BorderConf(mode=border), target=target))


def artifacts(folder: Path, looked: int, detected: int, states: dict[str, int]) -> dict[str, Artifact[Any]]:
    """The stages of a clip of 120 frames at 30000/1001 Hz as far as the summary needs them."""
    walk = straight_walk(even_times(120))
    found = {"frames": 120, "looked": looked, "detected": detected, "detection_rate": detected / looked}
    metrics = {"planned": {"lock_rms": 0.2, "visible_area_mean": 0.8}, "before": {"lock_rms": 190.0}, "units": {}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return {
        "decode": clip_artifact(folder / "clip", pose_track(even_times(120), walk, walk), (640, 480)),
        "subject": stage("subject", folder, **found),
        "offsets": stage("offsets", folder, states=states),
        "trajectory": stage("trajectory", folder),
        "stabilized.mp4": stage("render", folder),
        "report.html": stage("render", folder),
    }


@pytest.mark.parametrize(
    ("looked", "detected", "states", "lines"),
    [
        (
            120,
            119,
            {"measured": 120},
            [
                "person: found in 119 of 120 frames (99.2%)",
                LOCK,
            ],
        ),
        (
            12,
            12,
            {"measured": 12, "bridged": 108},
            [
                "person: found in 12 of 12 analysed frames, 120 in all",
                LOCK,
            ],
        ),
        (
            8,
            8,
            {"measured": 8, "bridged": 61, "held": 51},
            [
                "person: found in 8 of 8 analysed frames, 120 in all",
                f"{LOCK}, over the 69 frames with a measured anchor",
            ],
        ),
    ],
)
def test_the_summary_says_how_many_frames_its_figures_cover(
    tmp_path: Path, looked: int, detected: int, states: dict[str, int], lines: list[str]
) -> None:
    made = artifacts(tmp_path, looked, detected, states)
    assert list(summary_of(made, BorderMode.mirror)) == [*lines, "picture: 80% of the output shows the frame itself"]
    without = {title: one for title, one in made.items() if title != "stabilized.mp4"}
    assert list(summary_of(without, BorderMode.mirror)) == lines, "no picture was made"


def test_small_figures_have_digits_enough(tmp_path: Path) -> None:
    made = artifacts(tmp_path, 120, 120, {"measured": 120})
    made["trajectory"] = stage("trajectory", tmp_path, zoom=0.00417)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    metrics["before"]["lock_rms"] = 0.31
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    _, lock, zoom, _ = summary_of(made, BorderMode.mirror)
    assert (
        lock == "lock: 0.3 px off the target in the source, 0.2 px in the plan (rms)"
        and zoom == "zoom: 0.00417; distances are in pixels of the output"
    )


def test_the_summary_of_one_frame_has_no_plural(tmp_path: Path) -> None:
    made = artifacts(tmp_path, 1, 1, {"measured": 1})
    assert next(summary_of(made, BorderMode.mirror)) == "person: found in 1 of 1 analysed frame, 120 in all"


def test_the_summary_shows_what_was_measured_in_the_file(tmp_path: Path) -> None:
    made = artifacts(tmp_path, 120, 120, {"measured": 120}) | {"verify": stage("verify", tmp_path)}
    verified = {"residual_step": 0.35, "residual_step_before": 2.63, "lock_rms": 1.9, "judged": 0.5}
    (tmp_path / "verified.json").write_text(json.dumps(verified))
    source, plan = "lock: 190 px off the target in the source", "0.2 px in the plan (rms)"
    noise = "the figure of the file holds the noise of a second pose run; only 50% of the frames could be judged"
    assert list(summary_of(made, BorderMode.mirror))[1:3] == [
        f"{source}, 1.9 px in the rendered file, {plan}; {noise}",
        "torso in the file: 0.35 px per frame, 2.63 in the source",
    ]
    (tmp_path / "verified.json").write_text(json.dumps(verified | {"lock_rms": None}))
    unknown = "unknown in the rendered file, where the second pose run did not find the person"
    assert f"{source}, {plan}; {unknown}" in summary_of(made, BorderMode.mirror)


@pytest.mark.parametrize(
    ("speed", "shown"),
    [
        ({"speed_m_per_s": {"mean": 1.304, "deviation": 0.026}}, ", 1.30 ± 0.03 m/s"),
        ({"speed_px_per_s": {"mean": 211.6, "deviation": None}}, ", 212 px/s"),
        ({}, ""),
    ],
)
def test_the_gait_is_one_line_of_the_summary(speed: dict[str, Any], shown: str, tmp_path: Path) -> None:
    stride = {"mean": 1.066, "deviation": 0.012, "count": 6}
    cadence = {"mean": 112.58, "deviation": 1.26, "count": 6}
    figures = {"cadence_steps_per_min": cadence, "stride_s": stride} | speed
    (tmp_path / "events.json").write_text(json.dumps({"figures": figures, "lengths_why_not": ""}))
    export = replace(stage("export", tmp_path), files={"events.json": StoredFile("", 0, 0)})
    made = artifacts(tmp_path, 120, 120, {"measured": 120}) | {"exports/events": export}
    job = Job(Video("a", tmp_path / "a.mp4"), tmp_path / "a.mp4", "d" * 64, Config(), {}, "run")
    figures_of_time = "112.6 ± 1.3 steps/min, 1.07 ± 0.01 s per stride"
    line = f"gait: {figures_of_time}{shown} (mean ± standard deviation of 6 strides)"
    assert describe_result(job, made, tmp_path).summary[-1] == line


def test_a_gait_without_figures_is_no_line_of_the_summary(tmp_path: Path) -> None:
    (tmp_path / "events.json").write_text(json.dumps({"figures": {}, "lengths_why_not": "the person runs"}))
    export = replace(stage("export", tmp_path), files={"events.json": StoredFile("", 0, 0)})
    assert not list(gait_lines({"exports/events": export}))


def test_a_large_mirrored_border_is_named_with_its_cure(tmp_path: Path) -> None:
    made = artifacts(tmp_path, 120, 120, {"measured": 120})
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    own = "of the output shows the frame itself"
    mirrored = f"picture: 60% {own}, the rest is mirrored; border=constant or border=blur mirrors nobody"
    for area, border, line in (
        (0.8, BorderMode.mirror, f"picture: 80% {own}"),
        (0.6, BorderMode.constant, f"picture: 60% {own}"),
        (0.6, BorderMode.mirror, mirrored),
    ):
        metrics["planned"]["visible_area_mean"] = area
        (tmp_path / "metrics.json").write_text(json.dumps(metrics))
        assert list(summary_of(made, border))[-1] == line


def test_a_target_that_shows_clearly_more_of_the_picture_is_named(tmp_path: Path) -> None:
    made = artifacts(tmp_path, 120, 120, {"measured": 120})
    more = "more of it: target=natural, where the hips stay at their mean height in the source, shows 91%"
    for area, target, lines in (
        (0.91, "auto", [more]),
        (0.91, "center", []),
        (0.91, "natural", []),
        (None, "auto", []),
    ):
        made["trajectory"] = stage("trajectory", tmp_path, **({"natural_area": area} if area else {}))
        assert list(summary_of(made, BorderMode.scene, target))[3:] == lines


@pytest.mark.parametrize(
    ("height", "area", "warning"),
    [
        (0.05, 0.0, "only 0.0% of the output shows the picture, the rest is border; lock.height=0.6 shows the person"),
        (None, 0.05, "only 5.0% of the output shows the picture, the rest is border; crop=auto shows no border"),
        (0.05, 0.11, ""),
    ],
)
def test_an_output_that_is_nearly_all_border_is_warned_of(
    tmp_path: Path, height: float | None, area: float, warning: str
) -> None:
    made = artifacts(tmp_path, 10, 10, {"measured": 120})
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    metrics["planned"]["visible_area_mean"] = area
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    config = Config(lock=LockConf(height=height))
    job = Job(Video("a", tmp_path / "a.mp4"), tmp_path / "a.mp4", "d" * 64, config, {}, "run")
    told = "".join(describe_result(job, made, tmp_path).warnings)
    assert told.startswith(warning) if warning else told == ""


def test_many_older_files_are_counted(tmp_path: Path) -> None:
    job = Job(Video("a", tmp_path / "a.mp4"), tmp_path / "a.mp4", "d" * 64, Config(), {}, "run")
    made = artifacts(tmp_path, 10, 10, {"measured": 120})
    (told,) = describe_result(job, made, tmp_path, older=["a", "b", "c", "d", "e"]).warnings
    assert told == "the folder also holds files of an earlier run with other settings: a, b, c and 2 more"


@pytest.mark.parametrize(("every", "verify", "warned"), [(1, False, False), (12, False, True), (12, True, False)])
def test_a_pose_interval_is_warned_of_unless_the_file_is_verified(
    tmp_path: Path, every: int, verify: bool, warned: bool
) -> None:
    config = Config(pose=PoseConf(every=every), verify=verify)
    job = Job(Video("a", tmp_path / "a.mp4"), tmp_path / "a.mp4", "d" * 64, config, {}, "run")
    result = describe_result(job, artifacts(tmp_path, 10, 10, {"measured": 10, "bridged": 110}), tmp_path)
    assert [
        text for text in result.warnings if text.startswith("pose.every=12: the pose is measured every 0.40 s; ")
    ] == (result.warnings if warned else [])
    assert len(result.warnings) == warned


def test_corrections_that_hold_are_counted_with_their_file(tmp_path: Path) -> None:
    file = tmp_path / "a" / "corrections.csv"
    file.parent.mkdir()
    file.write_text("frame,x_px,y_px,absent\n1,10,20,\n5,,,1\n")
    made = artifacts(tmp_path, 10, 10, {"measured": 10})

    def summary(corrections: str | None) -> list[str]:
        config = Config(output_dir=str(tmp_path), corrections=corrections)
        job = Job(Video("a", tmp_path / "a.mp4"), tmp_path / "a.mp4", "d" * 64, config, {}, "run")
        return describe_result(job, made, tmp_path).summary

    told = [line for line in summary(None) if line.startswith("corrections")]
    assert told == [f"corrections by hand: 2 from {file}; corrections=none leaves them out"]
    assert not any(line.startswith("corrections") for line in summary("none"))


def test_who_is_followed_by_hand_is_told(tmp_path: Path) -> None:
    file = tmp_path / "hand.csv"
    made = artifacts(tmp_path, 10, 10, {"measured": 10})
    facts = {**made["subject"].facts, "followed": "person 1 of 2", "others": ""}
    made["subject"] = replace(made["subject"], facts=facts)
    for rows, told in {
        "0,1": "person 1 of 2",  # the stage has told it
        "0,1\n80,2": "person 1 of 2; corrected: person 2 from frame 80 on",
        "80,2\n90,1": "person 1 of 2; corrected: person 2 from frame 80 on, person 1 from frame 90 on",
    }.items():
        file.write_text(f"frame,person\n{rows}\n")
        config = Config(corrections=str(file))
        job = Job(Video("a", tmp_path / "a.mp4"), tmp_path / "a.mp4", "d" * 64, config, {}, "run")
        assert describe_result(job, made, tmp_path).summary[0] == f"followed: {told}"


@pytest.mark.parametrize(
    ("shares", "percents"),
    [
        ((0.875, 0.015, 0.11), [88, 1, 11]),
        ((0.506, 0.247, 0.247), [50, 25, 25]),
        ((0.996, 0.002, 0.002), [100, 0, 0]),
        ((1.0, 0.0, 0.0), [100, 0, 0]),
        ((0.296,), [30]),
    ],
)
def test_shares_of_the_picture_add_up_to_a_hundred(shares: tuple[float, ...], percents: list[int]) -> None:
    assert whole_percents(shares) == percents
