"""A matte from the disk cuts the same person out as the one that was computed, however the frame is moved."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import OutputError
from tasks.maths.path import affine
from tasks.media.files.mattes_file import REACH_SAMPLES, matte_writer, needed_behind, read_mattes
from tasks.media.matting.cutout import CutoutSettings, cut_by_matte, draw_cutout, transparent_planes
from tasks.media.matting.person_matte import Matte
from tasks.media.planes.compose import solid_planes
from tasks.media.planes.layout import PixelLayout, Planes, nearest_layout
from tasks.media.planes.region import Region
from tasks.media.planes.warp import filter_reach

SIZE = (160, 122)
BOX = Region(20, 8, 141, 119)  # as at the picture's right and lower edges, where a box may be odd
MOVES = (
    (1.0, 0.0, "cubic"),
    (1.0, 0.0, "lanczos"),
    (1.3, 0.1, "cubic"),
    (0.8, -0.2, "cubic"),
    (0.996, 0.3, "linear"),
)


def noise(layout: PixelLayout, size_px: tuple[int, int], seed: int) -> Planes:
    random = np.random.default_rng(seed)
    return tuple(
        random.integers(0, 1 << layout.depth, layout.plane_wh(index, size_px)[::-1]).astype(layout.dtype)
        for index in range(layout.planes)
    )


def matte(layout: PixelLayout) -> Matte:
    """A soft disc, a hard square, a veil, and what the box cuts off, before noise."""
    y, x = np.mgrid[: BOX.size_px[1], : BOX.size_px[0]]
    opacity = np.clip(255 * (30.5 - np.hypot(x - 50, y - 60)) / 6, 0, 255).astype(np.uint8)
    opacity[4:20, 90:110] = 255
    opacity[80:100, 95:115] = 90
    opacity[40:70, -9:], opacity[-12:, 40:60], opacity[30:50, :7] = 255, 255, 255
    return Matte(BOX, opacity, noise(layout, BOX.size_px, 3))


def stored(folder: Path, layout: PixelLayout, *mattes: Matte | None) -> Path:
    with matte_writer(folder / "mattes.zip", layout) as writer:
        for one in mattes:
            writer.write(one)
    return folder / "mattes.zip"


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "gray"])
def test_a_matte_from_the_disk_is_drawn_like_the_one_that_was_written(tmp_path: Path, name: str) -> None:
    layout = nearest_layout(name)
    whole = matte(layout)
    _, read, _ = read_mattes(stored(tmp_path, layout, None, whole, None), layout, SIZE, 3)
    assert read is not None and read.box == BOX and read.at_edge
    source, random = noise(layout, SIZE, 4), np.random.default_rng(5)
    for scale, turn_rad, interpolation in MOVES:
        assert filter_reach(interpolation, scale) <= REACH_SAMPLES
        settings = CutoutSettings(layout, 0, SIZE, interpolation, refine=False)
        middle = np.array(SIZE) / 2
        shift = random.uniform(-9, 9, (1, 2))
        linear = affine.scale_and_turn(scale, turn_rad)[None]
        to_output = affine.about_target(linear, shift, middle)[0]
        drawn = []
        for one in (whole, read):
            cut = cut_by_matte(source, one, to_output, settings)
            canvas = solid_planes(layout, SIZE, [100] * layout.planes)
            assert cut is not None
            draw_cutout(cut, canvas, layout)
            drawn.append([*canvas, *transparent_planes(cut, layout, SIZE, [0] * layout.planes)[0]])
        for first, second in zip(*drawn, strict=True):
            np.testing.assert_array_equal(first, second)


def test_each_frame_of_a_long_clip_has_its_own_matte_or_none(tmp_path: Path) -> None:
    layout = nearest_layout("gray")
    written: list[Matte | None] = []
    for number in range(40):  # more than two members, the last one not full
        box = Region(number, 2, number + 3, 4)
        opacity = np.full((2, 3), number, np.uint8)
        written.append(Matte(box, opacity, (opacity + 100,)) if number % 7 else None)
    read = list(read_mattes(stored(tmp_path, layout, *written), layout, SIZE, 40))
    assert [one is None for one in read] == [one is None for one in written]
    for one, same in zip(written, read, strict=True):
        if one is not None and same is not None:
            assert same.box == one.box
            np.testing.assert_array_equal(same.opacity, one.opacity)
            np.testing.assert_array_equal(same.behind[0], one.behind[0])


def test_what_is_kept_of_the_background_lies_around_the_edge() -> None:
    opacity = np.zeros((60, 80), np.uint8)
    opacity[20:, 40:] = 255
    luma, chroma = needed_behind(opacity, [(60, 80), (30, 40)])
    rows = np.flatnonzero(luma[:45, 60])
    assert (rows[0], rows[-1]) == (20 - 1 - REACH_SAMPLES - 1, 20 + REACH_SAMPLES + 1)
    assert np.flatnonzero(chroma[:, 30])[0] < rows[0] / 2
    assert not luma[30:50, 50:70].any() and not luma[:, :30].any()
    assert luma[30:, -3:].all() and luma[-3:, 50:].all()  # beyond the box nothing is the person's


def test_the_same_mattes_have_the_same_bytes_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    layout = nearest_layout("yuv420p")
    (tmp_path / "again").mkdir()
    path = stored(tmp_path, layout, matte(layout), None)
    assert path.read_bytes() == stored(tmp_path / "again", layout, matte(layout), None).read_bytes()
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(OutputError, match=r"mattes\.zip: cannot be read"):
        list(read_mattes(path, layout, SIZE, 2))
    with pytest.raises(OutputError, match="longer than its box"):
        list(read_mattes(tmp_path / "again" / "mattes.zip", nearest_layout("gray"), SIZE, 2))


def test_mattes_whose_index_names_other_frames_are_refused(tmp_path: Path) -> None:
    layout = nearest_layout("yuv420p")
    with zipfile.ZipFile(stored(tmp_path, layout, matte(layout), matte(layout))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    index = np.frombuffer(members["index"], "<i8").reshape(2, -1).copy()
    for frames in ([1, 0], [0, 2], [0, 0]):
        index[:, 0] = frames
        with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
            for name, content in (members | {"index": index.tobytes()}).items():
                archive.writestr(name, content)
        with pytest.raises(OutputError, match="not in order"):
            next(read_mattes(tmp_path / "other.zip", layout, SIZE, 2))


@pytest.mark.parametrize("told", [b"1", b"3", b"1e999", b"[2]"])
def test_mattes_of_another_number_of_frames_are_refused(tmp_path: Path, told: bytes) -> None:
    layout = nearest_layout("yuv420p")
    with zipfile.ZipFile(stored(tmp_path, layout, matte(layout), None)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert b'"frames": 2' in members["mattes.json"]
    members["mattes.json"] = members["mattes.json"].replace(b'"frames": 2', b'"frames": ' + told)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(OutputError, match="another number of frames"):
        next(read_mattes(tmp_path / "other.zip", layout, SIZE, 2))
