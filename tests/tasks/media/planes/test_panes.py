"""Two pictures in one: even sizes, no needless resampling."""

import numpy as np
import pytest

from tasks.media.planes.layout import nearest_layout
from tasks.media.planes.panes import join_panes, panes_side_by_side, panes_stacked, resize_plane


@pytest.mark.parametrize(
    ("left", "right", "most"),
    [
        ((1280, 720), (1280, 720), 1920),
        ((1084, 1080), (1084, 1080), 1920),
        ((1920, 1088), (608, 1080), 1920),
        ((320, 568), (200, 100), 1920),
        ((321, 241), (321, 241), 1920),
        ((4096, 2160), (4096, 2160), 64),
        ((1080, 1920), (1080, 1920), 1920),
        ((1080, 1920), (1920, 1080), 1920),
    ],
)
def test_panes_side_by_side_have_equal_even_heights_and_fit(
    left: tuple[int, int], right: tuple[int, int], most: int
) -> None:
    sizes = panes_side_by_side(left, right, most)
    (width, height), (left_width, _), (right_width, right_height) = sizes.size_px, sizes.first_px, sizes.second_px
    assert width <= most
    assert width * height <= most * most * 9 // 16
    assert right_height == height
    assert all(part % 2 == 0 for part in (left_width, right_width, height))
    assert left_width / height == pytest.approx(left[0] / left[1], abs=2.5 / height)
    assert right_width / height == pytest.approx(right[0] / right[1], abs=2.5 / height)


def test_two_upright_pictures_side_by_side_are_no_larger_than_a_wide_screen() -> None:
    assert panes_side_by_side((1080, 1920), (1080, 1920), 1920).size_px == (1524, 1356)
    assert panes_side_by_side((720, 1280), (720, 1280), 1920).size_px == (1440, 1280)  # not enlarged, not reduced


@pytest.mark.parametrize(
    ("first", "second", "most", "size"),
    [
        ((1280, 720), (1280, 720), 1920, (1280, 1440)),
        ((3840, 2160), (3840, 2160), 1920, (1920, 2160)),
        ((640, 360), (320, 360), 1920, (640, 1080)),
        ((321, 241), (321, 241), 1920, (320, 480)),
    ],
)
def test_stacked_panes_have_equal_widths_and_fit(
    first: tuple[int, int], second: tuple[int, int], most: int, size: tuple[int, int]
) -> None:
    pairing = panes_stacked(first, second, most)
    assert pairing.size_px == size
    assert pairing.second_corner_px == (0, pairing.first_px[1])
    layout = nearest_layout("yuv420p")
    made = [[np.full(layout.plane_wh(i, part)[::-1], i, np.uint8) for i in range(3)] for part in (first, second)]
    joined = join_panes(made[0], made[1], layout, pairing)
    assert [plane.shape for plane in joined] == [(size[1], size[0]), *[(size[1] // 2, size[0] // 2)] * 2]


def test_a_picture_that_fits_is_not_resampled() -> None:
    layout = nearest_layout("yuv420p")
    draw = np.random.default_rng(1)
    left, right = (
        [draw.integers(0, 256, layout.plane_wh(i, (101, 67))[::-1], dtype=np.uint8) for i in range(3)] for _ in "ab"
    )
    sizes = panes_side_by_side((101, 67), (101, 67), 1920)
    joined = join_panes(left, right, layout, sizes)
    assert sizes.size_px == (200, 66)
    for plane, one, other in zip(joined, left, right, strict=True):
        rows, columns = plane.shape[0], plane.shape[1] // 2
        np.testing.assert_array_equal(plane[:, :columns], one[:rows, :columns])
        np.testing.assert_array_equal(plane[:, columns:], other[:rows, :columns])


def test_a_shrunken_plane_has_the_means_of_its_samples() -> None:
    checks = (np.indices((64, 64)).sum(axis=0) % 2 * 200).astype(np.uint8)
    assert np.abs(resize_plane(checks, (32, 32)).astype(int) - 100).max() <= 1
