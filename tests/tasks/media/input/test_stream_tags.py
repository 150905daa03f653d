"""Tags of a video stream follow the orientation of the picture."""

from tasks.media.input.stream_tags import Orientation, rotate_chroma_location


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
