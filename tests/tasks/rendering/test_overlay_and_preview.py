"""What is drawn on a copy, and the small moving picture: made from a clip with a known walk."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from conf.render import EncodeConf
from tasks.maths.body.landmarks import LEFT_HIP, RIGHT_HIP
from tasks.media.files.tables import write_table
from tasks.media.input.frames import Frame, read_frames
from tasks.records import Artifact
from tasks.rendering.overlay import STATES
from tasks.rendering.preview import preview_size_px
from tests.support.artifacts import artifact, pose_artifact
from tests.support.clips import Made, make
from tests.support.drawn.paths import pose_track
from tests.tasks.rendering.render_jobs import Job, job, pictures, render, request

FRAMES = 12
SIZE = (320, 240)
HIPS = np.stack([np.linspace(60, 200, FRAMES), np.full(FRAMES, 130.0)], axis=1)
HALF = np.array([8.0, 0.0])
TARGET = np.array([159.5, 119.5])


@pytest.fixture
def work(tmp_path: Path) -> Job:
    ticks = tuple(range(0, FRAMES * 512, 512))
    return job(tmp_path, make(tmp_path / "in.mp4", Made(size_px=SIZE, ticks=ticks, tones=("aac",))), TARGET - HIPS)


def offsets(folder: Path, states: list[str]) -> Artifact[Any]:
    folder.mkdir()
    columns: dict[str, Any] = {"state": states, "confidence": np.linspace(0.5, 1, FRAMES)}
    columns["shot"] = np.zeros(FRAMES, np.int64)
    write_table(folder / "offsets.parquet", columns)
    return artifact("offsets", folder)


def drawn(work: Job, folder: Path, states: list[str]) -> list[Frame]:
    track = pose_track(np.arange(FRAMES) / 30, HIPS - HALF, HIPS + HALF)
    pose = pose_artifact(folder / "pose", track)
    encode = EncodeConf(crf=4, preset="ultrafast")
    asked = request(work, "overlay.mp4", encode=encode, subject=pose, offsets=offsets(folder / "o", states))
    facts = render(asked, folder)
    assert facts["frames"] == FRAMES
    return list(pictures(folder / "overlay.mp4"))


def test_the_anchor_is_drawn_at_the_target_in_the_colour_of_its_state(tmp_path: Path, work: Job) -> None:
    shown = drawn(work, tmp_path, ["measured"] * 6 + ["interpolated"] * 6)
    for picture in shown:
        rgb = picture.rgb()[119:121, 159:161].astype(int).mean(axis=(0, 1))
        expected = STATES["measured"] if picture.index < 6 else [255, 120, 60]
        assert np.abs(rgb - expected).max() <= 40


def test_a_subject_that_is_away_has_no_anchor(tmp_path: Path, work: Job) -> None:
    shown = drawn(work, tmp_path, ["absent"] * FRAMES)
    for picture in shown:
        rgb = picture.rgb()[119:121, 159:161].astype(int)
        assert np.abs(rgb - STATES["measured"]).max() > 60


def test_far_from_the_marks_the_picture_is_that_of_the_stabilized_video(tmp_path: Path, work: Job) -> None:
    shown = drawn(work, tmp_path, ["measured"] * FRAMES)
    for before, after in zip(read_frames(work.source, work.clip), shown, strict=True):
        shift = round(float((TARGET - HIPS)[before.index, 0]))
        columns = slice(max(0, shift) + 4, min(320, 320 + shift) - 4)
        moved = np.roll(before.luma, (round(-10.5), shift), axis=(0, 1))[20:60, columns].astype(int)
        assert np.median(np.abs(after.luma[20:60, columns].astype(int) - moved)) <= 1


def test_where_nobody_was_found_nothing_fails(tmp_path: Path, work: Job) -> None:
    track = pose_track(np.arange(FRAMES) / 30, HIPS - HALF, HIPS + HALF)
    track.xy_px[3:5] = np.nan
    track.visibility[3:5] = np.nan
    assert np.isnan(track.xy_px[3, [LEFT_HIP, RIGHT_HIP]]).all()
    pose = pose_artifact(tmp_path / "pose", track)
    held = offsets(tmp_path / "o", ["measured"] * 3 + ["interpolated"] * 2 + ["measured"] * 7)
    asked = request(work, "overlay.mp4", encode=EncodeConf(preset="ultrafast"), subject=pose, offsets=held)
    assert render(asked, tmp_path)["frames"] == FRAMES


def test_a_preview_is_small_and_shows_the_stabilized_picture(tmp_path: Path, work: Job) -> None:
    facts = render(request(work, "preview.webp", encode=None), tmp_path)
    assert (facts["pictures"], facts["size_px"]) == (4, [320, 240])
    _, animation = cv2.imreadanimation(str(tmp_path / "preview.webp"))
    assert len(animation.frames) == 4
    first = next(read_frames(work.source, work.clip)).rgb()
    shift = round(float((TARGET - HIPS)[0, 0]))
    shown = animation.frames[0][..., 2::-1].astype(int)
    assert np.abs(shown[:200, shift + 4 :] - first[10:210, 4:-shift]).mean() < 6


@pytest.mark.parametrize(("gap_s", "shown"), [(30, 1), (7.95, 2)])
def test_a_preview_begins_with_the_frame_that_is_being_shown(tmp_path: Path, gap_s: float, shown: int) -> None:
    ticks = tuple(tick + (index >= 6) * round(gap_s * 15360) for index, tick in enumerate(range(0, FRAMES * 512, 512)))
    work = job(tmp_path, make(tmp_path / "in.mp4", Made(size_px=SIZE, ticks=ticks)), TARGET - HIPS)
    facts = render(request(work, "preview.webp", encode=None), tmp_path)
    _, animation = cv2.imreadanimation(str(tmp_path / "preview.webp"))
    assert (facts["pictures"], len(animation.frames)) == (shown, shown)
    before = list(read_frames(work.source, work.clip))[5].rgb()
    shift = round(float((TARGET - HIPS)[5, 0]))
    first = animation.frames[0][..., 2::-1].astype(int)
    assert np.abs(first[:200, shift + 4 :] - before[10:210, 4:-shift]).mean() < 6


@pytest.mark.parametrize(
    ("size", "aspect", "small"),
    [
        ((1920, 1080), 1.0, (320, 180)),
        ((200, 100), 1.0, (200, 100)),
        ((720, 576), 16 / 11, (320, 176)),
        ((1080, 1920), 1.0, (180, 320)),
    ],
)
def test_a_preview_has_square_pixels_and_is_never_enlarged(
    size: tuple[int, int], aspect: float, small: tuple[int, int]
) -> None:
    assert preview_size_px(size, aspect) == small
