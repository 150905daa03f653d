"""Clothing histograms: similar for one person anywhere in the picture, different for two."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from tasks.maths.body.landmarks import (
    CLOTHES_REGIONS,
    COLOR_BINS,
    HIPS,
    LEFT_HIP,
    LEFT_KNEE,
    RIGHT_HIP,
    RIGHT_KNEE,
    SHOULDERS,
    clothes_distance,
)
from tasks.maths.tracking.squares import into_image
from tasks.maths.tracking.tracks import SAME_CLOTHES_DISTANCE
from tasks.media.planes.crop import crop_and_resize
from tasks.media.tracking.appearance import clothed_square, clothing_histograms
from tests.support.drawn.bodies import figure

RED, BLUE, GREY = (200, 40, 30), (30, 60, 200), (120, 120, 120)
Image = NDArray[np.uint8]


def person(hip_xy: tuple[float, float], torso_px: float = 80.0) -> NDArray[np.float64]:
    marks = figure(hip_xy, torso_px)
    marks[[LEFT_KNEE, RIGHT_KNEE], :2] = marks[[LEFT_HIP, RIGHT_HIP], :2] + (0, 0.8 * torso_px)
    return marks


def dressed(marks: NDArray[np.float64], shirt: Any, trousers: Any, light: float = 1.0) -> Image:
    """A grey picture with noise and the cloth of one person."""
    rgb = np.full((400, 600, 3), GREY, np.float64)
    torso = float(np.hypot(*(marks[list(SHOULDERS), :2].mean(0) - marks[list(HIPS), :2].mean(0))))
    for hip, knee in ((LEFT_HIP, LEFT_KNEE), (RIGHT_HIP, RIGHT_KNEE)):
        ends = marks[[hip, knee], :2].astype(int).tolist()
        cv2.line(rgb, ends[0], ends[1], trousers, round(0.3 * torso))
    cv2.fillConvexPoly(rgb, marks[[SHOULDERS[0], SHOULDERS[1], HIPS[1], HIPS[0]], :2].astype(np.int32), shirt)
    noisy = rgb * light + np.random.default_rng(1).normal(0, 4, rgb.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def worn(hip_xy: tuple[float, float], shirt: Any, trousers: Any, torso_px: float = 80.0, light: float = 1.0) -> Any:
    marks = person(hip_xy, torso_px)
    return clothing_histograms(dressed(marks, shirt, trousers, light), marks).astype(np.float64)


def test_each_histogram_sums_to_one() -> None:
    shares = worn((300, 200), RED, BLUE)
    assert shares.shape == (CLOTHES_REGIONS, 3, COLOR_BINS)
    assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)


def test_one_person_is_similar_at_any_place_size_and_light() -> None:
    here = worn((200, 200), RED, BLUE)
    for other in (worn((300, 200), RED, BLUE, 40), worn((300, 200), RED, BLUE, 80, 0.85)):
        assert clothes_distance(here, other) < 0.35
    assert clothes_distance(here, worn((403, 251), RED, BLUE)) < 0.1


@pytest.mark.parametrize(("shirt", "trousers"), [(BLUE, BLUE), (GREY, BLUE), ((40, 160, 60), GREY)])
def test_another_shirt_gives_a_different_histogram(shirt: Any, trousers: Any) -> None:
    assert clothes_distance(worn((200, 200), RED, BLUE), worn((300, 200), shirt, trousers)) > 0.45


@pytest.mark.parametrize("torso_px", [40.0, 90.0])
def test_the_square_of_the_clothes_shows_what_the_whole_picture_shows(torso_px: float) -> None:
    marks = person((301, 207), torso_px)
    picture = dressed(marks, RED, BLUE)
    square, image_px = clothed_square(marks), 96
    assert square.side_px <= max(2.4 * torso_px, 32)
    image = crop_and_resize(picture, square.edges_px, (image_px, image_px))
    cut = clothing_histograms(image, into_image(marks, square.edges_px, image_px)).astype(np.float64)
    assert clothes_distance(cut, clothing_histograms(picture, marks).astype(np.float64)) < SAME_CLOTHES_DISTANCE


def test_outside_the_picture_is_nan_and_a_cut_off_body_is_no_error() -> None:
    picture = dressed(person((300, 200)), RED, BLUE)
    assert np.isnan(clothing_histograms(picture, person((-500, 200)))).all()
    assert np.isnan(clothing_histograms(picture, person((300, 200), 2.0))).all()
    legs_below = clothing_histograms(picture, person((300, 395)))
    assert np.isfinite(legs_below[0]).all() and np.isnan(legs_below[1]).all()
    alone = clothes_distance(legs_below.astype(np.float64), legs_below.astype(np.float64))
    assert alone == pytest.approx(0, abs=1e-6)
    assert np.isnan(clothes_distance(np.full(legs_below.shape, np.nan), legs_below.astype(np.float64)))
