"""Tags of a video stream follow the orientation of the picture."""

import struct
from types import SimpleNamespace
from typing import Any

from tasks.media.input.stream_tags import Orientation, read_hdr_tags, rotate_chroma_location


def rotated(code: int, rotation_deg: int, mirrored: bool = False) -> int:
    return rotate_chroma_location(code, Orientation(rotation_deg, mirrored))


def test_the_chroma_location_rotates_with_the_picture() -> None:
    left, center, top_left, top, bottom_left, bottom = range(1, 7)
    assert [rotated(left, angle) for angle in (0, 90, 180, 270)] == [left, top, center, bottom]
    assert [rotated(top_left, angle) for angle in (0, 90, 180, 270)] == [top_left, top, bottom, bottom_left]
    assert rotated(left, 0, mirrored=True) == center
    assert rotated(0, 0) == 0
    for code in range(1, 7):
        assert rotated(code, 90) in range(1, 7)
    assert rotated(rotated(top, 90), 90) in {center, bottom}


def test_hdr_tags_that_divide_by_zero_are_not_taken() -> None:
    def frame(denominator: int) -> Any:
        display = struct.pack("=22i", *[1, 2] * 9, 1000, denominator, 1, 1)
        return SimpleNamespace(side_data={"MASTERING_DISPLAY_METADATA": display})

    assert read_hdr_tags(frame(1)).mastering[-1] == "1000"
    assert read_hdr_tags(frame(0)).mastering == ()
