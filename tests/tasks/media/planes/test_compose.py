"""Composition of pictures: no halo."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.planes.compose import (
    SoftEdge,
    alpha_composite,
    composite_foreground,
    solid_planes,
)
from tasks.media.planes.layout import Plane, nearest_layout


def edge_of(alpha: NDArray[np.float32]) -> SoftEdge:
    return SoftEdge(np.rint(255 * alpha).astype(np.uint8))


def test_alpha_1_shows_the_picture_and_alpha_0_the_canvas() -> None:
    draw = np.random.default_rng(0)
    plane = draw.integers(0, 256, (40, 60), dtype=np.uint8)
    alpha = np.zeros((40, 60), np.float32)
    alpha[:, 30:] = 1
    canvas = np.full((40, 60), 77, np.uint8)
    composite_foreground(canvas, plane, edge_of(alpha), 255)
    np.testing.assert_array_equal(canvas[:, 30:], plane[:, 30:])
    assert (canvas[:, :30] == 77).all()


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (4, 4)])
def test_a_person_of_one_or_a_few_samples_is_drawn_too(shape: tuple[int, int], depth: int) -> None:
    """OpenCV takes such arrays for a number, or for the four values of a colour."""
    plane: Plane = np.full(shape, 200, np.uint8 if depth == 8 else np.uint16)
    alpha = np.ones(shape, np.float32)
    for draws_colours in (True, False):
        canvas: Plane = np.zeros((6, 6), plane.dtype)
        window = canvas[1:, 1:][: shape[0], : shape[1]]
        if draws_colours:
            composite_foreground(window, plane, edge_of(alpha), (1 << depth) - 1)
        else:
            alpha_composite(window, plane, alpha)
        assert (window == 200).all()
        assert canvas.sum() == 200 * plane.size


@pytest.mark.parametrize("size", [120, 480])
@pytest.mark.parametrize(("person", "old", "new"), [(60, 220, 100), (200, 10, 120), (30, 60, 200)])
def test_a_soft_edge_does_not_show_the_old_background(size: int, person: int, old: int, new: int) -> None:
    y, x = np.mgrid[:size, :size]
    alpha = np.clip((size / 3 - np.hypot(x - size / 2, y - size / 2)) / 6 + 0.5, 0, 1).astype(np.float32)
    mixed = np.rint(person * alpha + old * (1 - alpha)).astype(np.uint8)
    canvas = np.full((size, size), new, np.uint8)
    composite_foreground(canvas, mixed, edge_of(alpha), 255)
    truth = person * alpha + new * (1 - alpha)
    halo = np.abs(alpha * mixed + (1 - alpha) * new - truth).max()  # of simple mixing
    assert np.abs(canvas - truth).max() < max(0.15 * halo, 1.5)


def test_a_background_that_is_known_does_not_show_though_it_changes_from_pixel_to_pixel() -> None:
    y, x = np.mgrid[:120, :120]
    alpha = np.clip((40 - np.hypot(x - 60, y - 60)) / 6 + 0.5, 0, 1).astype(np.float32)
    old = np.where(x % 2, 40, 220).astype(np.uint8)
    mixed = np.rint(120 * alpha + old * (1 - alpha)).astype(np.uint8)
    truth, errors = 120 * alpha + 60 * (1 - alpha), []
    for behind in (old, None):
        canvas = np.full((120, 120), 60, np.uint8)
        composite_foreground(canvas, mixed, edge_of(alpha), 255, behind=behind)
        errors.append(np.abs(canvas - truth).max())
    assert errors[0] < 4 < 12 < errors[1], errors


def test_ten_bits_are_kept() -> None:
    alpha = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (40, 1))
    canvas = np.zeros((40, 64), np.uint16)
    composite_foreground(canvas, np.full((40, 64), 1023, np.uint16), edge_of(alpha), 1023)
    assert canvas.max() == 1023
    assert (np.diff(canvas[20].astype(int)) >= 0).all()


def test_a_solid_picture_has_the_planes_of_its_layout() -> None:
    planes = solid_planes(nearest_layout("yuv420p10le"), (33, 21), (100, 512, 513))
    assert [plane.shape for plane in planes] == [(21, 33), (11, 17), (11, 17)]
    assert all(plane.dtype == np.uint16 for plane in planes)
    assert [(plane.min(), plane.max()) for plane in planes] == [(100, 100), (512, 512), (513, 513)]
