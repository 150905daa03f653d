"""Planes that an encoder takes without a copy."""

import numpy as np
import pytest

from tasks.media.planes.layout import Planes, frame_planes, nearest_layout, new_planes, shared_frame

LAYOUT = nearest_layout("yuv420p")


def filled(size_px: tuple[int, int], form: str = "yuv420p") -> Planes:
    draw, planes = np.random.default_rng(0), new_planes(nearest_layout(form), size_px)
    for plane in planes:
        plane[:] = draw.integers(0, 256, plane.shape)
    return planes


@pytest.mark.parametrize("size_px", [(64, 48), (34, 20), (2, 4)])
def test_a_frame_shares_the_memory_of_new_planes(size_px: tuple[int, int]) -> None:
    planes = filled(size_px)
    frame = shared_frame(planes, LAYOUT)
    assert frame is not None
    assert (frame.width, frame.height) == size_px
    for plane, shown in zip(planes, frame_planes(frame, LAYOUT), strict=True):
        np.testing.assert_array_equal(plane, shown)
        assert np.shares_memory(plane, shown)


def test_planes_that_do_not_lie_one_behind_the_other_are_not_shared() -> None:
    luma, blue, red = filled((64, 48))
    for planes in ((luma, red, blue), (luma, blue, red.copy()), (luma.copy(), blue, red), (luma[::-1], blue, red)):
        assert shared_frame(planes, LAYOUT) is None
    large = filled((128, 96))
    part = (large[0][:48, :64], large[1][:24, :32], large[2][:24, :32])
    assert shared_frame(part, LAYOUT) is None


@pytest.mark.parametrize(("form", "size_px"), [("yuv420p", (63, 48)), ("yuv420p", (64, 46)), ("yuv444p", (64, 48))])
def test_other_sizes_and_layouts_are_not_shared(form: str, size_px: tuple[int, int]) -> None:
    assert shared_frame(filled(size_px, form), nearest_layout(form)) is None
    assert shared_frame(new_planes(nearest_layout("yuv420p10le"), (64, 48)), nearest_layout("yuv420p10le")) is None
    assert shared_frame(new_planes(nearest_layout("gray"), (64, 48)), nearest_layout("gray")) is None
