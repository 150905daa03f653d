"""Crops as settings, and what the trajectory becomes: one framing, in the table, the record and the metrics alike."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from conf.config import Config
from conf.enums import CropMode
from conf.lock import AnchorConf, CropConf, LockConf, SmoothingConf
from flows import preflight
from flows.config import settings
from flows.videos import Video
from tasks.errors import SettingError
from tasks.maths.path import affine, framing
from tasks.media.files.tables import matrices_of, points_of, read_table
from tasks.media.input.frames import read_frames
from tasks.media.input.probe import probe_shape
from tasks.offsets import measure_offsets
from tasks.requests import OffsetsRequest, TrajectoryRequest
from tasks.trajectory import plan_trajectory
from tests.flows.config.composing import compose_once
from tests.support import program
from tests.support.artifacts import artifact, clip_artifact, pose_artifact
from tests.support.clips import Made, make
from tests.support.drawn.paths import even_times, pose_track, shaky_walk
from tests.support.rewrite_clip import read, video_writer_for

SIZE = (640, 480)
COUNT = 40
HALF = np.array([9.0, 2.0])


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)


def load(*overrides: str) -> Config:
    return settings.load(["video=demo", *overrides])


def facts(
    folder: Path, crop: CropConf, lock: LockConf | None = None, shared_px: tuple[int, int] | None = None
) -> dict[str, Any]:
    """What the trajectory of a walk across a third of the picture says of itself; its files go to ``out``.

    ``shared_px`` is the size of the window where the videos of a run share one.
    """
    hips = shaky_walk(COUNT) * [0.3, 1.0] + [250, 0]
    track = pose_track(even_times(COUNT), hips - HALF, hips + HALF)
    clip, pose = clip_artifact(folder / "clip", track, SIZE), pose_artifact(folder / "pose", track)
    measured, out = folder / "offsets", folder / "out"
    measured.mkdir()
    out.mkdir()
    cut = replace(crop, size=list(shared_px), aspect=None) if shared_px and crop.aspect else crop
    measure_offsets(OffsetsRequest(clip, pose, AnchorConf(fusion=False), "center", cut), measured, lambda _: None)
    held = artifact("offsets", measured)
    asked = TrajectoryRequest(clip, pose, held, SmoothingConf(), crop, lock or LockConf(), window_px=shared_px)
    return plan_trajectory(asked, out, lambda _: None)


def planned(folder: Path, crop: CropConf, lock: LockConf | None = None) -> tuple[dict[str, Any], Any, Any]:
    """Columns of the table, the framing, and the planned metrics, of that walk."""
    facts(folder, crop, lock)
    out = folder / "out"
    metrics = json.loads((out / "metrics.json").read_text())["planned"]
    return read_table(out / "trajectory.parquet"), json.loads((out / "framing.json").read_text()), metrics


@pytest.mark.parametrize(
    ("overrides", "mode"),
    [
        ([], CropMode.none),
        (["crop.size=[320,240]"], CropMode.follow),
        (["crop.aspect=9:16"], CropMode.follow),
        (["crop.aspect=2.00:1"], CropMode.follow),
        (["crop=follow", "crop.aspect=1:1"], CropMode.follow),
        (["crop.window=[0,0,100,100]"], CropMode.fixed),
        (["crop=fixed", "crop.window=[0,0,100,100]"], CropMode.fixed),
        (["crop=auto"], CropMode.auto),
        (["crop=expand"], CropMode.expand),
        (["crop.output=1080x1920"], CropMode.follow),
        (["crop.output=[1080,1920]", "crop.size=[90,160]"], CropMode.follow),
        (["crop.keep=0.9"], CropMode.follow),
        (["crop=auto", "crop.output=640x360"], CropMode.auto),
        (["crop=expand", "crop.output=640x360"], CropMode.expand),
        (["crop.window=[0,0,64,36]", "crop.output=640x360"], CropMode.fixed),
    ],
)
def test_every_crop_is_a_group_or_follows_from_its_window(overrides: list[str], mode: CropMode) -> None:
    assert load(*overrides).crop.mode is mode


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["crop=follow"], r"^crop: follow needs a window; give its size: one of crop\.size="),
        (["crop=fixed"], r"^crop: fixed needs a window; give its place and size, as in crop\.window="),
        (
            ["crop=auto", "crop.size=[99,99]"],
            r"^crop\.size: crop=auto does not use it; leave it out, or choose crop=follow",
        ),
        (
            ["crop=follow", "crop.window=[0,0,99,99]"],
            r"^crop\.window: crop=follow does not use it; leave it out, or choose crop=fixed",
        ),
        (["crop.size=[99,99]", "crop.aspect=1:1"], r"^crop\.aspect: crop\.size is given too; give one of them"),
        (["crop.aspect=0:1"], r"^crop\.aspect: '0:1' is not an aspect ratio; give one such as 9:16"),
        (["crop.aspect=2.00:0.0"], r"^crop\.aspect: '2.00:0.0' is not an aspect ratio"),
        (["crop.aspect=1:2:3"], r"^crop\.aspect: '1:2:3' is not an aspect ratio"),
        (
            ["crop.aspect=556"],
            r"^crop\.aspect: '556' is .* ratio; in a YAML file put it in quotes, as in aspect: '9:16'$",
        ),
        (["crop.aspect=wide"], r"^crop\.aspect: 'wide' is not an aspect ratio"),
        (["crop.window=[0,0,9,99]"], r"^crop\.window: \[0, 0, 9, 99\] is not a window; give"),
        (["crop.shared=true"], r"^crop\.shared: crop=none has no window to share; choose crop=auto, or crop=follow"),
        (["crop=expand", "crop.shared=true"], r"^crop\.shared: crop=expand has no window to share"),
        (["crop.size=[8,8]"], r"^crop\.size: \[8, 8\] is not a window size; give"),
        (
            ["crop.output=wide"],
            r"^crop\.output: 'wide' is not a size; give \[width,height\] or a text such as 1080x1920",
        ),
        (["crop.output=[640]"], r"^crop\.output: \[640\] is not a size"),
        (["crop.output=[640,true]"], r"^crop\.output: \[640, True\] is not a size"),
        (["crop.output=641x480"], r"^crop\.output: 641x480 is odd; give 642x480: encoders store even sizes only"),
        (["crop.output=[640,99999]"], r"^crop\.output: 640x99999 is out of range; give 16 to 16384 pixels"),
        (["crop.output=0x2"], r"^crop\.output: 0x2 is out of range"),
        (
            ["crop.output=64x36", "crop.aspect=1:1"],
            r"^crop\.aspect: crop\.output gives the shape; leave crop\.aspect out",
        ),
        (
            ["crop.output=640x480", "crop.size=[320,180]"],
            r"^crop\.output: 640x480 has not the shape of crop\.size, 320x180; give crop\.output=\[854,480\], or leave",
        ),
        (["crop.output=64x48", "crop.window=[0,0,64,32]"], r"^crop\.output: .* the shape of crop\.window, 64x32; give"),
        (
            ["crop.keep=0"],
            r"^crop\.keep: 0\.0 is not a share of the output; give more than 0 and at most 1, such as 0\.9",
        ),
        (["crop.keep=90"], r"^crop\.keep: 90\.0 is not a share"),
        (["crop.keep=0.9", "crop.size=[64,64]"], r"^crop\.keep: it chooses the size .* give crop\.output instead"),
        (
            ["crop=auto", "crop.keep=0.9"],
            r"^crop\.keep: crop=auto does not use it; leave it out, or choose crop=follow",
        ),
        (["lock.height=60"], r"^lock\.height: 60\.0 is out of range; give 0\.05 to 4, such as 0\.6, or null"),
        (["lock.height=0.6", "crop=auto"], r"^lock\.height: crop=auto chooses what is shown; leave one of them out"),
        (["lock.height=0.6", "crop=expand"], r"^lock\.height: crop=expand chooses what is shown"),
        (["lock.height=0.6", "crop.window=[0,0,64,64]"], r"^lock\.height: crop=fixed chooses what is shown"),
        (["lock.height=0.6", "crop.keep=0.9"], r"^lock\.height: crop\.keep chooses the zoom too; give one of them"),
    ],
)
def test_settings_of_a_window_that_cannot_be_honoured_are_refused_with_a_cure(
    overrides: list[str], sentence: str
) -> None:
    with pytest.raises(SettingError, match=sentence):
        load(*overrides)


def test_a_window_beyond_the_picture_is_found_before_any_work() -> None:
    config = load("crop.window=[900,0,100,100]")
    with pytest.raises(SettingError, match=r"^crop\.window: .* 960x540; the largest possible is \[900,0,60,540\]"):
        preflight.check_run(config, [Video("demo", None)])


def test_a_target_outside_the_output_is_found_before_any_work() -> None:
    sentence = r"^target: \[2000,5\] lies outside the output of 1080x1920; give pixels within \[0,0\] and \[1079,1919\]"
    with pytest.raises(SettingError, match=sentence):
        preflight.check_run(load("crop.output=1080x1920", "target=[2000,5]"), [Video("demo", None)])
    preflight.check_run(load("crop.output=1080x1920", "target=[1000,1900]"), [Video("demo", None)])


def test_a_size_names_the_largest_that_all_pictures_have_room_for(tmp_path: Path) -> None:
    wide, high = (
        make(tmp_path / "wide.mp4", Made(size_px=(320, 64))),
        make(tmp_path / "high.mp4", Made(size_px=(64, 240))),
    )
    videos = [Video("w", wide), Video("h", high), Video("x", tmp_path / "x")]
    with pytest.raises(SettingError, match=r"^crop\.size: 400x64 .*; the largest possible is \[64,64\]"):
        preflight.check_run(load("crop.size=[400,64]"), videos)
    preflight.check_run(load("crop.size=[320,64]"), videos)  # for the high one alone it is too large


def narrower(source: Path, target: Path, columns: int) -> None:
    """The clip without its last columns."""
    clip = read(source)[0]
    with video_writer_for(target, replace(clip, width_px=columns)) as writer:
        for picture in read_frames(source, clip):
            planes = tuple(plane[:, : columns >> (index > 0)] for index, plane in enumerate(picture.planes))
            writer.write(planes, picture.pts, picture.duration)


def test_videos_that_share_a_framing_are_of_one_size(finished: Path, drawn: Path, tmp_path: Path, api: str) -> None:
    shutil.copytree(finished / "outputs" / ".cache", tmp_path / "outputs" / ".cache")
    demo = (*program.DEMO[1:], "outputs=[stabilized]")
    narrower(drawn, tmp_path / "other.mp4", 480)
    folders = [tmp_path / "outputs" / name for name in ("demo", "other")]
    asked = ("video=[demo,other.mp4]", *demo, "crop=auto", "crop.shared=true")
    done = program.run(*asked, cwd=tmp_path, api=api)
    assert done.status == 0, done.err
    rooms = [program.record(folder)["log"]["room"]["size_px"] for folder in folders]
    assert rooms[0] != rooms[1]
    size_px = tuple(np.min(rooms, axis=0).tolist())
    assert [probe_shape(folder / "stabilized.mp4")[0] for folder in folders] == [size_px, size_px]
    assert f"all videos of this run are {size_px[0]}x{size_px[1]} (crop.shared)" in done.out
    assert program.run(*asked, cwd=tmp_path, api=api).status == 0
    assert program.ran(folders[0]) == program.ran(folders[1]) == set()
    best = ("-m", *asked, "smoothing.window=5,9", "sweep.name=best", "sweep.render=best")
    assert program.run(*best, cwd=tmp_path, api=api).status == 0
    swept = tmp_path / "outputs" / "sweeps" / "best"
    rendered = [row for row in json.loads((swept / "sweep.json").read_text())["rows"] if row["rendered"]]
    assert sorted(row["video"] for row in rendered) == ["demo", "other"] and all(row["best"] for row in rendered)
    assert {probe_shape(swept / row["folder"] / "stabilized.mp4")[0] for row in rendered} == {size_px}
    make(tmp_path / "nobody.mp4", Made(size_px=(64, 240)))
    square = ("video=[demo,other.mp4,nobody.mp4]", *demo, "crop.aspect=1:1", "crop.shared=true")
    done = program.run(*square, cwd=tmp_path, api=api)
    assert "nobody: FAILED: no person found" in done.err
    assert done.out.count("all videos of this run are 360x360 (crop.shared)") == 2
    assert [probe_shape(folder / "stabilized.mp4")[0] for folder in folders] == [(360, 360), (360, 360)]


def test_an_aspect_follows_the_subject(tmp_path: Path) -> None:
    table, frame, metrics = planned(tmp_path, CropConf(aspect="9:16"))
    assert (frame["output_size_px"], frame["target_px"]) == ([270, 480], [134.5, 239.5])
    anchor = points_of(table, "anchor")
    assert np.abs(affine.apply(matrices_of(table, "to_output"), anchor) - frame["target_px"]).max() < 15
    assert metrics["lock_rms"] < 10


FOLLOWING = "crop=follow with crop.size or crop.aspect follows the person, but shows a border"


@pytest.mark.parametrize(
    ("crop", "left", "cure"),
    [
        (CropConf(size=[60, 60]), "crop=follow leaves 60x60", "give a larger crop.size, or another target"),
        (CropConf(aspect="1:30"), "crop=follow leaves 16x480", "give another crop.aspect, or another target"),
        (CropConf(window=[290, 210, 60, 60]), "crop=fixed leaves 60x60", FOLLOWING),
    ],
)
def test_a_crop_that_cuts_the_person_says_what_would_not(tmp_path: Path, crop: CropConf, left: str, cure: str) -> None:
    (note,) = facts(tmp_path, crop)["notes"]
    assert note.startswith(f"{left} of 640x480, which cuts off a part of the person in ")
    assert note.endswith(f"; {cure}")


SMALLER = (
    "crop.shared=false, or a run without the videos that have less room, allows up to {} for this video; otherwise {}"
)


@pytest.mark.parametrize(
    ("crop", "shared_px", "cure"),
    [
        (CropConf(aspect="1:1"), (60, 60), SMALLER.format("480x480", "give another crop.aspect, or another target")),
        (CropConf(aspect="1:30"), (16, 480), "give another crop.aspect, or another target"),
        (CropConf(CropMode.auto), (48, 36), SMALLER.format("614x460", FOLLOWING)),
    ],
)
def test_a_shared_crop_that_cuts_the_person_says_what_would_not(
    tmp_path: Path, crop: CropConf, shared_px: tuple[int, int], cure: str
) -> None:
    shared, note = facts(tmp_path, crop, shared_px=shared_px)["notes"]
    size = "x".join(map(str, shared_px))
    assert shared == f"all videos of this run are {size} (crop.shared)"
    assert note.startswith(f"crop={crop.mode.value} leaves {size} of 640x480, which cuts off a part of the person in ")
    assert note.endswith(f"; {cure}")


@pytest.mark.parametrize("lock", [LockConf(), LockConf(roll=True)])
@pytest.mark.parametrize(
    "crop", [CropConf(CropMode.auto), CropConf(CropMode.expand), CropConf(window=[100, 50, 300, 200])]
)
def test_a_window_moves_everything_by_its_corner(tmp_path: Path, crop: CropConf, lock: LockConf) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "part").mkdir()
    table, frame, metrics = planned(tmp_path / "part", crop, lock)
    whole, whole_frame, whole_metrics = planned(tmp_path / "whole", CropConf(), lock)
    assert frame["source_target_px"] == whole_frame["source_target_px"] == whole_frame["target_px"]
    corner = np.array(whole_frame["target_px"]) - frame["target_px"]
    assert_allclose(corner, np.round(corner))
    assert_allclose(
        matrices_of(table, "to_output"),
        affine.compose(affine.translation(-corner), matrices_of(whole, "to_output")),
        atol=1e-9,
    )
    for axis, part in (("x", corner[0]), ("y", corner[1])):
        for name in (f"d{axis}_px", f"offset_{axis}_px"):
            assert_allclose(table[name], whole[name] - part)
        assert_allclose(table[f"anchor_{axis}_px"], whole[f"anchor_{axis}_px"])
    assert metrics["lock_rms"] == pytest.approx(whole_metrics["lock_rms"], abs=1e-5)
    shown = framing.visible_area(matrices_of(table, "to_output"), SIZE, tuple(frame["output_size_px"]))
    if crop.mode is CropMode.auto:
        assert shown.min() > 1 - 1e-6
        assert frame["output_size_px"][0] < SIZE[0]
    if crop.mode is CropMode.expand:
        area = np.prod(frame["output_size_px"]) * shown
        assert_allclose(area, SIZE[0] * SIZE[1], rtol=1e-4)
    if crop.mode is CropMode.fixed:
        assert frame["output_size_px"] == [300, 200]
        assert_allclose(corner, [100, 50])
