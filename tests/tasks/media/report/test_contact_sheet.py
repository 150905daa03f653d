"""The contact sheet: which frames, in which order, how large."""

from pathlib import Path

import numpy as np
import pytest

from tasks.errors import OutputError
from tasks.media.input.frames import Frame
from tasks.media.planes.layout import nearest_layout
from tasks.media.report.contact_sheet import (
    CONTACT_SHEET_MAX_BYTES,
    GAP_PX,
    THUMBNAIL_WIDTH_PX,
    RgbPicture,
    contact_frames,
    thumbnail,
    write_contact_sheet,
)
from tasks.records import ColorTags
from tests.support.pictures import read_picture


def even(size_px: tuple[int, int], level: int) -> Frame:
    """A picture of one gray."""
    plane = np.full(size_px[::-1], level, np.uint8)
    return Frame(0, 0, 1, (plane,) * 3, nearest_layout("gbrp"), ColorTags())


@pytest.mark.parametrize("frames", [1, 2, 5, 6, 7, 100])
def test_frames_are_spread_over_the_clip(frames: int) -> None:
    chosen = contact_frames(frames)
    assert len(chosen) == min(6, frames)
    assert len(set(chosen)) == len(chosen)
    assert all(0 <= index < frames for index in chosen)
    assert chosen[0] == pytest.approx(frames - 1 - chosen[-1], abs=1)


def test_originals_are_in_the_upper_row_in_order(tmp_path: Path) -> None:
    def flat(level: int) -> RgbPicture:
        return thumbnail(even((160, 90), level), 1.0)

    write_contact_sheet(tmp_path / "contact.jpg", [(flat(20), flat(120)), (flat(60), flat(180))])
    sheet = read_picture(tmp_path / "contact.jpg")
    height = 90 * THUMBNAIL_WIDTH_PX // 160
    assert sheet.shape == (2 * height + GAP_PX, 2 * THUMBNAIL_WIDTH_PX + GAP_PX, 3)
    for (row, column), level in {(0, 0): 20, (0, 1): 60, (1, 0): 120, (1, 1): 180}.items():
        assert sheet[height // 2 + row * height, THUMBNAIL_WIDTH_PX // 2 + column * THUMBNAIL_WIDTH_PX, 0] == level


@pytest.mark.parametrize(("pixel_aspect", "height"), [(1.0, 160), (2.0, 80), (0.5, 320)])
def test_thumbnails_have_square_pixels(pixel_aspect: float, height: int) -> None:
    assert thumbnail(even((150, 100), 0), pixel_aspect).shape == (height, THUMBNAIL_WIDTH_PX, 3)


def test_noisy_pictures_stay_within_the_size_limit(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    noisy = [
        (draw.integers(0, 256, (426, 240, 3), dtype=np.uint8), draw.integers(0, 256, (426, 240, 3), dtype=np.uint8))
        for _ in range(6)
    ]
    write_contact_sheet(tmp_path / "contact.jpg", noisy)
    assert (tmp_path / "contact.jpg").stat().st_size <= CONTACT_SHEET_MAX_BYTES


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    tile = np.zeros((9, 16, 3), np.uint8)
    with pytest.raises(OutputError, match="cannot be written"):
        write_contact_sheet(tmp_path / "no" / "contact.jpg", [(tile, tile)])
