"""Pixels that are not square: people are seen in their own shape, and so is what is laid into or beside the video."""

from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from conf.enums import BackgroundMode, Device
from conf.input import DecodeConf, MasksConf, ModelsConf, PoseConf, SubjectConf
from conf.render import BackgroundConf
from tasks.decode import decode
from tasks.demo.demo_video import write_rgb_video
from tasks.demo.footsteps import write_aac
from tasks.demo.walker import Walk, draw_walk
from tasks.masks import segment_person
from tasks.maths.body.landmarks import hip_midpoint
from tasks.maths.tracking.steps import steps_from_table
from tasks.media.files.masks_file import MaskState, read_masks
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_table, write_json
from tasks.pose import estimate_pose
from tasks.records import read_clip
from tasks.requests import DecodeRequest, MasksRequest, PoseRequest, SubjectRequest
from tasks.subject import choose_subject
from tests.support.artifacts import artifact
from tests.support.clips import Made, make
from tests.support.pictures import read_picture
from tests.tasks.rendering.render_jobs import discs, job, person, stabilized


def test_a_circle_of_a_background_picture_is_seen_round(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([20.0, 20.0], (3, 1)), [MaskState.measured] * 3)
    work = job(tmp_path, source, np.zeros((1, 2)))
    write_json(work.decoded.path("clip.json"), asdict(replace(work.clip, pixel_aspect="2")))
    y, x = np.mgrid[:120, :320]
    wall = np.where(np.hypot(x - 159.5, y - 59.5) < 40, 255, 0).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "wall.png"), np.repeat(wall[..., None], 3, axis=-1))
    shown = person(work, masks, tmp_path, BackgroundConf(BackgroundMode.image, image=str(tmp_path / "wall.png")))
    rows, columns = np.nonzero(shown[0].luma[:, 50:] > 128)
    assert np.ptp(columns) + 1 == pytest.approx(40, abs=1)
    assert np.ptp(rows) + 1 == pytest.approx(80, abs=1)


def test_the_contact_sheet_shows_the_shape_that_a_player_shows(tmp_path: Path) -> None:
    heights = []
    for aspect in (1, 2):
        folder = tmp_path / str(aspect)
        folder.mkdir()
        source = make(folder / "in.mp4", Made(pixel_aspect=Fraction(aspect)))
        stabilized(job(folder, source, np.zeros((1, 2))), folder)
        heights.append(read_picture(folder / "contact.jpg").shape[0])
    assert heights == [2 * 180 + 4, 2 * 90 + 4]


class Seen(NamedTuple):
    """A walker in square pixels, as the stages see one."""

    found: NDArray[np.bool_]
    hips: NDArray[np.float64]  # (n, 2)
    steps: NDArray[np.float64]  # (n, 2)
    boxes: NDArray[np.float64]  # (n, 4) of the masks
    masks: NDArray[np.float64]  # (h, w), the mean of all


def seen(folder: Path, frames: list[NDArray[np.uint8]], aspect: Fraction) -> Seen:
    """What the stages make of drawn frames that are stored with pixels of this aspect."""
    height, width = frames[0].shape[:2]
    size_px = round(width / aspect), height
    stored = [np.asarray(cv2.resize(rgb, size_px, interpolation=cv2.INTER_AREA), np.uint8) for rgb in frames]
    for name in ("decode", "pose", "subject", "masks"):
        (folder / name).mkdir(parents=True)
    write_aac(folder / "silence.mp4", iter([np.zeros(1024, np.float32)] * 8))
    video = folder / "walk.mp4"
    write_rgb_video(video, stored, size_px=size_px, rate=Fraction(30), sound=folder / "silence.mp4")
    decode(DecodeRequest(video, "digest", DecodeConf()), folder / "decode", lambda _: None)
    clip = read_clip(artifact("decode", folder / "decode"))
    write_json(folder / "decode" / "clip.json", asdict(replace(clip, pixel_aspect=str(aspect))))
    decoded = artifact("decode", folder / "decode")
    estimate_pose(
        PoseRequest(video, decoded, PoseConf(), ModelsConf(), {}, Device.cpu), folder / "pose", lambda _: None
    )
    found = artifact("pose", folder / "pose")
    choose_subject(SubjectRequest(decoded, found, SubjectConf()), folder / "subject", lambda _: None)
    chosen = artifact("subject", folder / "subject")
    asked = MasksRequest(video, decoded, found, chosen, MasksConf(), ModelsConf(), {}, Device.cpu)
    segment_person(asked, folder / "masks", lambda _: None)
    pose, masks = read_pose(chosen.path("pose.parquet")), list(read_masks(folder / "masks" / "masks.npz"))
    steps = steps_from_table(read_table(chosen.path("motion.parquet")))
    wide = np.array([float(aspect), 1.0])
    return Seen(
        pose.found,
        hip_midpoint(pose.xy_px) * wide,
        steps.xy() * wide,
        np.array([mask.edges_px for mask in masks]) * [*wide, *wide],
        np.mean([mask.probability for mask in masks], axis=0) / 255,
    )


@pytest.fixture(scope="module")
def frames() -> list[NDArray[np.uint8]]:
    return [rgb for rgb, _, _ in draw_walk(Walk(size_px=(640, 360), seconds=0.8, person=0.5))]


@pytest.fixture(scope="module")
def square(tmp_path_factory: pytest.TempPathFactory, frames: list[NDArray[np.uint8]]) -> Seen:
    return seen(tmp_path_factory.mktemp("square"), frames, Fraction(1))


@pytest.mark.parametrize("aspect", ["64/45", "1/2"])
def test_a_walker_of_other_pixels_is_seen_like_one_of_square_pixels(
    tmp_path: Path, frames: list[NDArray[np.uint8]], square: Seen, aspect: str
) -> None:
    other = seen(tmp_path, frames, Fraction(aspect))
    assert other.found.tolist() == square.found.tolist()
    away = np.abs(other.hips - square.hips)
    assert np.nanmean(away) < 1 and np.nanmax(away) < 3
    assert np.nanmean(np.abs(other.steps - square.steps)) < 0.1
    assert np.abs(other.boxes - square.boxes).max() < 8
    assert np.abs(other.masks - square.masks).mean() < 0.02
