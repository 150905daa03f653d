from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from conf.enums import BackgroundMode, BorderMode, Despill, NobodyFrame, Output
from conf.input import MasksConf
from conf.render import BackgroundConf, BorderConf
from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.input.frames import read_frames
from tests.support.pictures import read_picture
from tests.tasks.media.matting.test_matte import centroid
from tests.tasks.rendering.render_jobs import discs, job, person, pictures, render, rendered, request, stabilized


def streak(picture: Path) -> NDArray[np.float64]:
    """Where, as a share of the line, the bright stretch of a kymograph has its middle, at a few moments."""
    gray = cv2.cvtColor(read_picture(picture), cv2.COLOR_BGR2GRAY)[:, 30::60]
    place = np.arange(len(gray)) + 0.5
    bright = np.clip(gray.astype(float) - 90, 0, None)
    return np.asarray((bright * place[:, None]).sum(axis=0) / bright.sum(axis=0) / len(gray))


def test_a_disc_that_is_held_still_is_a_straight_streak_in_the_kymographs(tmp_path: Path) -> None:
    path_xy = np.stack([np.linspace(40, 120, 24), 60 + 8 * np.sin(np.arange(24) / 3)], axis=1)
    source, _ = discs(tmp_path / "made", path_xy, [MaskState.measured] * 24)
    work = job(tmp_path, source, np.array([79.5, 59.5]) - path_xy)
    stabilized(work, tmp_path, border=BorderConf(BorderMode.constant))
    streaks = {
        name: streak(tmp_path / f"kymograph_{name}.jpg") for name in ("before_x", "before_y", "after_x", "after_y")
    }
    assert np.ptp(streaks["after_x"]) < 0.01
    assert np.ptp(streaks["after_y"]) < 0.01
    assert streaks["after_x"].mean() == pytest.approx(0.5, abs=0.01)
    assert streaks["before_x"][0] == pytest.approx(41 / 160, abs=0.02)
    assert streaks["before_x"][-1] == pytest.approx(120 / 160, abs=0.02)
    assert np.ptp(streaks["before_y"]) == pytest.approx(16 / 120, abs=0.03)


def test_a_person_is_cut_out_and_held(tmp_path: Path) -> None:
    path_xy = np.stack([40.0 + 7.3 * np.arange(10), 60.0 + 1.7 * np.arange(10)], axis=1)
    source, masks = discs(tmp_path / "made", path_xy, [MaskState.measured] * 10)
    work = job(tmp_path, source, np.array([79.5, 59.5]) - path_xy)
    shown = person(work, masks, tmp_path, BackgroundConf(color=[0, 0, 0]))
    assert len(shown) == 10
    for picture in shown:
        x, y = centroid(picture.luma.astype(np.float32) - 16)
        assert (x, y) == pytest.approx((79.5, 59.5), abs=0.5)
        assert (picture.luma[:30] == 16).all()
        assert (picture.luma[55:65, 75:85] > 120).all()


def test_a_person_without_the_colour_of_the_screen_stays_as_they_are(tmp_path: Path) -> None:
    path_xy = np.stack([40.0 + 7.3 * np.arange(4), 60.0 + 1.7 * np.arange(4)], axis=1)
    source, masks = discs(tmp_path / "made", path_xy, [MaskState.measured] * 3 + [MaskState.nobody])
    work = job(tmp_path, source, np.array([79.5, 59.5]) - path_xy)
    plain = person(work, masks, tmp_path, BackgroundConf(color=[0, 0, 0]))
    despilled = person(work, masks, tmp_path, BackgroundConf(color=[0, 0, 0], despill=Despill.green))
    for before, after in zip(plain, despilled, strict=True):
        difference = np.abs(before.luma.astype(int) - after.luma)
        assert difference[50:70, 70:90].max() <= 1 and difference.mean() < 0.3


def test_a_person_stands_before_a_picture_or_the_blurred_scene(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (3, 1)), [MaskState.measured] * 3)
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    cv2.imwrite(str(tmp_path / "red.png"), np.full((30, 30, 3), (20, 30, 220), np.uint8))
    sharp = person(work, masks, tmp_path, BackgroundConf(BackgroundMode.image, image=str(tmp_path / "red.png")))
    blurred = person(work, masks, tmp_path, BackgroundConf(BackgroundMode.blur, blur_px=6.0))
    for before, red, soft in zip(read_frames(source, work.clip), sharp, blurred, strict=True):
        for shown in (red, soft):
            np.testing.assert_array_equal(shown.luma[50:70, 90:110], before.luma[50:70, 70:90])
        assert np.abs(red.rgb()[:20].astype(int) - [220, 30, 20]).max() <= 3
        assert np.abs(soft.luma[:20].astype(int) - 40).max() <= 2


def test_a_background_is_for_any_video(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (3, 1)), [MaskState.measured] * 3)
    work = job(tmp_path, source, np.zeros((1, 2)))
    background = BackgroundConf(color=[0, 0, 0], on=[Output.stabilized, Output.comparison])
    dressed = {"background": background, "matte": MasksConf(), "masks": masks}
    rendered(tmp_path, request(work, "stabilized.mp4", **dressed), request(work, "comparison.mp4", **dressed))
    for one, both in zip(pictures(tmp_path / "stabilized.mp4"), pictures(tmp_path / "comparison.mp4"), strict=True):
        assert (one.luma[:20] == 16).all()
        assert one.luma[60, 80] > 150
        np.testing.assert_array_equal(both.luma[:, 160:], one.luma)
        assert (both.luma[:20, :160] > 30).all()


@pytest.mark.parametrize("file", ["person.webm", "person.mov", "person_png.zip"])
def test_a_person_before_nothing_is_one_file_with_every_frame(tmp_path: Path, file: str) -> None:
    states = [MaskState.measured, MaskState.nobody, MaskState.measured]
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (3, 1)), states)
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    background = BackgroundConf(BackgroundMode.transparent, nobody=NobodyFrame.color)
    facts = render(request(work, file, background=background, matte=MasksConf(), masks=masks), tmp_path)
    assert facts["frames"] == 3
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("person")] == [file]


@pytest.mark.parametrize("nobody", list(NobodyFrame))
def test_what_shows_without_a_person_is_a_setting(tmp_path: Path, nobody: NobodyFrame) -> None:
    path_xy = np.tile([80.0, 60.0], (3, 1))
    source, masks = discs(tmp_path / "made", path_xy, [MaskState.measured, MaskState.nobody, MaskState.measured])
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    shown = person(work, masks, tmp_path, BackgroundConf(color=[10, 20, 200], nobody=nobody))
    if nobody is NobodyFrame.color:
        assert (shown[1].luma == shown[0].luma[0, 0]).all()
        assert np.abs(shown[1].rgb()[0, 0].astype(int) - [10, 20, 200]).max() <= 2
    else:  # whole, and where the stabilized video has it
        stabilized(work, tmp_path, border=BorderConf(BorderMode.mirror))
        whole = list(pictures(tmp_path / "stabilized.mp4"))[1]
        for plane, its in zip(shown[1].planes, whole.planes, strict=True):
            np.testing.assert_array_equal(plane, its)


def test_a_picture_without_a_person_comes_and_goes_without_a_jump(tmp_path: Path) -> None:
    states = [MaskState.measured] * 12
    states[7] = MaskState.nobody
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (12, 1)), states)
    work = job(tmp_path, source, np.zeros((1, 2)))
    shown = person(work, masks, tmp_path, BackgroundConf(color=[255, 255, 255]))
    corner = np.array([float(picture.luma[:20, :20].mean()) for picture in shown])
    assert corner[0] > 230
    assert corner[7] < 45
    assert np.abs(np.diff(corner)).max() < 50


def test_smoothing_calms_a_flickering_mask(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (8, 1)), [MaskState.measured] * 8)
    with mask_writer(masks.path("masks.npz")) as writer:
        for frame in range(8):
            level = 0.45 if frame % 2 else 0.33
            probability = np.full((64, 64), round(255 * level), np.uint8)
            writer.write(Mask(probability, np.array([48, 28, 112, 92], np.float32), MaskState.measured))
    work = job(tmp_path, source, np.zeros((1, 2)))
    swings = []
    for smoothing in (False, True):
        shown = person(work, masks, tmp_path, BackgroundConf(color=[0, 0, 0]), MasksConf(smoothing=smoothing))
        swings.append(np.std([float(picture.luma[60, 80]) for picture in shown]))
    assert swings[1] < 0.5 * swings[0]


def test_the_contact_sheet_and_the_kymographs_show_the_background_of_their_video(tmp_path: Path) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (12, 1)), [MaskState.measured] * 12)
    work = job(tmp_path, source, np.array([[1.3, 2.6], [4.1, -0.7]]))
    dressed = {"background": BackgroundConf(color=[0, 255, 0]), "matte": MasksConf(), "masks": masks}
    render(request(work, "stabilized.mp4", **dressed), tmp_path)
    greens = {name: read_picture(tmp_path / f"{name}.jpg")[..., 1] for name in ("contact", "kymograph_after_x")}
    assert all((green > 200).mean() > 0.3 for green in greens.values())
    before = read_picture(tmp_path / "kymograph_before_x.jpg")
    assert (before.max(axis=2) < 200).all()
