"""The videos: every frame in, every frame out, moved as planned, with its time and its sound."""

from pathlib import Path

import numpy as np
import pytest

from conf.enums import BorderMode, ComparisonLayout
from conf.render import BackgroundConf, BorderConf, ComparisonConf
from tasks.media.files.masks_file import MaskState
from tasks.media.input.frames import read_frames
from tests.support.clips import Made, make
from tests.support.pictures import read_picture
from tests.tasks.rendering.render_jobs import (
    FAST,
    discs,
    job,
    person,
    pictures,
    render,
    request,
    sounds,
    stabilized,
    times,
)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"])
def test_a_path_of_no_motion_gives_the_decoded_pixels(tmp_path: Path, pixel_format: str) -> None:
    options = {"crf": "10", "preset": "veryfast", "threads": "1"}
    source = make(tmp_path / "in.mp4", Made(pixel_format=pixel_format, options=options))
    work = job(tmp_path, source, np.zeros((1, 2)))
    path, _ = stabilized(work, tmp_path)
    loss = 4 if "10" in pixel_format else 0  # x264 has no lossless crf for 10 bits
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        assert after.layout == before.layout
        for plane, same in zip(before.planes, after.planes, strict=True):
            assert np.abs(plane.astype(int) - same).max() <= loss


def test_pictures_move_as_planned_frame_by_frame(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    moves = np.stack([2.0 * np.arange(12), -2.0 * np.arange(12) % 10], axis=1)
    work = job(tmp_path, source, moves)
    path, _ = stabilized(work, tmp_path)
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        x, y = (int(part) for part in moves[before.index])
        np.testing.assert_array_equal(after.luma[y:, x:], before.luma[: 48 - y, : 64 - x])


def test_the_whole_transform_is_honoured(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.zeros((1, 2)), turn_rad=np.pi)
    path, _ = stabilized(work, tmp_path)
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        for plane, turned in zip(before.planes[:1], after.planes[:1], strict=True):
            assert np.abs(plane[::-1, ::-1].astype(int) - turned).max() <= 2


def test_a_constant_border_shows_its_colour(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    border = BorderConf(BorderMode.constant, [200, 30, 90])
    path, _ = stabilized(work, tmp_path, border=border)
    for picture in pictures(path):
        assert np.abs(picture.rgb()[:, :18].astype(int) - [200, 30, 90]).max() <= 2


def test_at_a_hard_edge_nothing_rings(tmp_path: Path) -> None:
    """Half a pixel beside the border a kernel that reached into it would leave a line brighter than either side."""
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[20.5, 10.5]]))
    path, _ = stabilized(work, tmp_path, border=BorderConf(BorderMode.constant, [0, 0, 0]))
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        assert (after.luma[:, :19] == 16).all()
        inside = after.luma[12:, 22:].astype(int)
        for edge in (after.luma[12:, 20:22].astype(int), after.luma[10:12, 22:].astype(int)):
            assert edge.max() <= max(inside.max(), before.luma.max()) + 2
        shown, near = after.luma[12:, 21].astype(int), after.luma[12:, 22].astype(int)
        assert (shown - near).max() <= 4  # a line of overshoot would be brighter than its neighbour


@pytest.mark.parametrize("mode", list(BorderMode))
def test_each_border_fills_what_the_source_does_not_cover(tmp_path: Path, mode: BorderMode) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[20.0, 0.0]]))
    path, facts = stabilized(work, tmp_path, border=BorderConf(mode, [0, 0, 0]))
    mirrors = mode in (BorderMode.scene, BorderMode.reflect, BorderMode.mirror)
    assert facts["origin"] == {"own": 44 / 64, "seen": 0, "mirrored": 20 / 64 if mirrors else 0}
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        np.testing.assert_array_equal(after.luma[:, 20:], before.luma[:, :44])
        outside = after.luma[:, :18].astype(int)
        match mode:
            case BorderMode.scene | BorderMode.reflect | BorderMode.mirror:  # without plates all are plain mirrors
                np.testing.assert_array_equal(outside, before.luma[:, 20:2:-1])
            case BorderMode.replicate:
                assert (outside == before.luma[:, :1]).all()
            case BorderMode.constant:
                assert (outside == 16).all()
            case BorderMode.blur:
                assert (outside < before.luma[:, :1] - 20).all()
                assert (outside > 16).all()


def test_a_crop_has_its_size_and_its_contact_sheet(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[-10.0, -6.0]]), (32, 24))
    path, facts = stabilized(work, tmp_path)
    assert {name: facts[name] for name in ("frames", "size_px", "notes")} == {
        "frames": 12,
        "size_px": [32, 24],
        "notes": [],
    }
    for before, after in zip(read_frames(source, work.clip), pictures(path), strict=True):
        np.testing.assert_array_equal(after.luma, before.luma[6:30, 10:42])
    sheet = read_picture(tmp_path / "contact.jpg")
    assert sheet.shape[1] > 1000
    assert (tmp_path / "contact.jpg").stat().st_size <= 200_000


@pytest.mark.parametrize("name", ["phone_rotated_printed_figure.mov", "thermal_vfr_no_person.mp4"])
def test_a_real_clip_keeps_its_frames_times_and_sound(videos: Path, tmp_path: Path, name: str) -> None:
    work = job(tmp_path, videos / name, np.array([[-3.3, 1.7], [-5.25, 4.0]]), (200, 160))
    path, facts = stabilized(work, tmp_path, encode=FAST)
    assert facts["frames"] == work.clip.frames
    assert times(path) == times(videos / name)
    assert sounds(path) == sounds(videos / name)


def test_every_video_has_the_sound(tmp_path: Path) -> None:
    path_xy = np.tile([80.0, 60.0], (12, 1))
    _, masks = discs(tmp_path / "made", path_xy, [MaskState.measured] * 12)
    source = make(tmp_path / "in.mp4", Made(size_px=(160, 120), tones=("aac",)))
    work = job(tmp_path, source, np.array([[3.0, 1.0]]))
    paths = [stabilized(work, tmp_path, encode=FAST)[0], tmp_path / "comparison.mp4", tmp_path / "person.mp4"]
    render(request(work, "comparison.mp4", encode=FAST), tmp_path)
    person(work, masks, tmp_path, BackgroundConf())
    for path in paths:
        assert sounds(path) == sounds(source)
        assert times(path) == times(source)


def test_the_comparison_has_the_original_on_the_left(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made())
    work = job(tmp_path, source, np.array([[6.0, 4.0]]))
    facts = render(request(work, "comparison.mp4", comparison=ComparisonConf()), tmp_path)
    assert facts["size_px"] == [128, 48]
    assert facts["panes"] == [[0, 0, 64, 48], [64, 0, 64, 48]]
    assert (tmp_path / "kymograph_after_y.jpg").exists()
    for before, after in zip(read_frames(source, work.clip), pictures(tmp_path / "comparison.mp4"), strict=True):
        np.testing.assert_array_equal(after.luma[:, :64], before.luma)
        np.testing.assert_array_equal(after.luma[4:, 70:], before.luma[:44, :58])


def test_a_wide_comparison_is_scaled_to_its_limit_and_keeps_its_colours(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made(size_px=(640, 720), ticks=(0, 512)))
    work = job(tmp_path, source, np.zeros((1, 2)))
    asked = request(work, "comparison.mp4", comparison=ComparisonConf(max_width=640))
    assert render(asked, tmp_path)["size_px"] == [640, 360]
    before, after = (next(read_frames(source, work.clip)).rgb(), next(pictures(tmp_path / "comparison.mp4")).rgb())
    assert np.abs(after[::30, 20].astype(int) - before[::60, 40]).max() <= 6


def test_a_comparison_may_stand_upright_and_say_what_it_shows(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made(size_px=(160, 120)))
    work = job(tmp_path, source, np.zeros((1, 2)))
    layout = ComparisonConf(ComparisonLayout.vertical, labels=True)
    assert render(request(work, "comparison.mp4", comparison=layout), tmp_path)["size_px"] == [160, 240]
    for before, after in zip(read_frames(source, work.clip), pictures(tmp_path / "comparison.mp4"), strict=True):
        for half in (after.luma[:120], after.luma[120:]):
            np.testing.assert_array_equal(half[60:], before.luma[60:])
            assert (half[:30, :60] != before.luma[:30, :60]).any()
        np.testing.assert_array_equal(after.planes[1][:60], before.planes[1])
