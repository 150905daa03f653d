"""Output sizes, targets, and the visible area of the output."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.errors import SettingError
from tasks.maths.path import affine, framing

SIZE = (640, 360)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("center", (319.5, 179.5)),
        ([0.5, 0.5], (319.5, 179.5)),
        ((0.25, 0.75), (159.5, 269.5)),
        ([0, 0], (-0.5, -0.5)),
        ([1, 1.0], (639.5, 359.5)),
        ([320, 180], (320, 180)),
        ([320.25, 180.5], (320.25, 180.5)),
        ([0, 180], (0, 180)),
        ([1, 180.0], (1, 180)),
        ([639, 359], (639, 359)),
    ],
)
def test_a_target_is_the_centre_pixels_or_fractions(target: Any, expected: tuple[float, float]) -> None:
    assert framing.resolve_target(target, SIZE) == expected


@pytest.mark.parametrize("target", [[640, 100], [100, 360], [-1, 100], [2000, 3000], [1e9, 2]])
def test_a_target_outside_the_picture_is_refused_in_one_line(target: list[float]) -> None:
    with pytest.raises(SettingError) as caught:
        framing.resolve_target(target, SIZE)
    line = str(caught.value)
    assert line.startswith("target: [")
    assert "lies outside the output of 640x360" in line
    assert "[639,359]" in line
    assert "\n" not in line


def test_a_fraction_mixed_with_a_pixel_is_refused() -> None:
    with pytest.raises(SettingError, match=r"^target: \[0\.5,200\] mixes a fraction with pixels"):
        framing.resolve_target([0.5, 200], SIZE)


def test_a_point_of_the_picture_is_given_like_a_target() -> None:
    def point(*pair: float) -> tuple[float, float]:
        return framing.resolve_point("subject.point", pair, SIZE, "picture")

    assert point(0.5, 0.25) == (319.5, 89.5)
    assert point(320, 2) == (320, 2)
    with pytest.raises(SettingError, match=r"^subject\.point: \[0\.5,200\] mixes a fraction with pixels; give pixels"):
        point(0.5, 200)
    with pytest.raises(SettingError, match=r"^subject\.point: \[640,2\] lies outside the picture of 640x360"):
        point(640, 2)


@pytest.mark.parametrize("target", ["middle", "", [1], [1, 2, 3], ["a", 2], None, 3, [True, 2], [float("nan"), 2], {}])
def test_a_target_that_is_not_a_point_is_refused(target: Any) -> None:
    with pytest.raises(SettingError, match=r"^target: .* is not a point; give auto, center, natural"):
        framing.resolve_target(target, SIZE)


def test_the_output_has_the_crops_size_or_the_sources() -> None:
    assert framing.output_size(SIZE, None) == SIZE
    assert framing.output_size(SIZE, [640, 360]) == SIZE
    assert framing.output_size(SIZE, [200, 100]) == (200, 100)


@pytest.mark.parametrize("crop", [[641, 100], [100, 361], [1000, 1000]])
def test_a_crop_larger_than_the_picture_is_refused_with_the_largest_one(crop: list[int]) -> None:
    with pytest.raises(SettingError, match=r"^crop\.size: .* the largest possible is \[640,360\]$"):
        framing.output_size(SIZE, crop)


@pytest.mark.parametrize(
    ("shift", "share"),
    [
        ((0, 0), 1.0),
        ((64, 0), 0.9),
        ((-64, 36), 0.81),
        ((0.5, 0), 1 - 0.5 / 640),
        ((640, 0), 0.0),
        ((-2000, 50), 0.0),
    ],
)
def test_a_shifted_picture_covers_its_overlap(shift: tuple[float, float], share: float) -> None:
    to_output = affine.translation(np.array([shift], dtype=float))
    assert_allclose(framing.visible_area(to_output, SIZE, SIZE), share, atol=1e-12)


def test_a_crop_inside_the_picture_is_fully_covered() -> None:
    to_output = affine.translation(np.array([[-100.0, -50.0], [0.0, 0.0], [50.0, 0.0]]))
    assert_allclose(framing.visible_area(to_output, SIZE, (200, 100)), [1, 1, 0.75], atol=1e-12)


def test_the_covered_area_of_any_affine_map_equals_a_count_of_points() -> None:
    rng = np.random.default_rng(7)
    linear = np.eye(2) + rng.normal(0, 0.4, (12, 2, 2))
    shift = np.array([320, 180])[:, None] - linear @ np.array([320, 180])[:, None] + rng.uniform(-200, 200, (12, 2, 1))
    to_output = np.concatenate([linear, shift], axis=2)
    x, y = np.meshgrid(np.arange(0, 640, 2) + 0.5, np.arange(0, 360, 2) + 0.5)
    points = np.stack([x, y], axis=-1).reshape(-1, 2)
    inside = affine.apply(affine.invert(to_output)[:, None], points[None])
    counted = ((inside > -0.5) & (inside < np.array(SIZE) - 0.5)).all(axis=2).mean(axis=1)
    shares = framing.visible_area(to_output, SIZE, SIZE)
    assert_allclose(shares, counted, atol=0.005)
    assert np.ptp(counted) > 0.1


def test_a_long_clip_gives_the_same_result_in_pieces() -> None:
    shifts = np.random.default_rng(3).uniform(-700, 700, (9000, 2))
    overlap = np.clip(1 - np.abs(shifts) / SIZE, 0, 1).prod(axis=1)
    assert_allclose(framing.visible_area(affine.translation(shifts), SIZE, SIZE), overlap, atol=1e-9)
