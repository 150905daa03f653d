"""Places in square pixels and back: a pixel counts from its centre, and square pixels change no number."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tasks.maths.square_pixels import box_to_source, box_to_square, to_source, to_square
from tasks.records import read_clip
from tests.support.artifacts import clip_artifact
from tests.support.drawn.paths import even_times, pose_track, straight_walk

POINTS = np.array([[-0.5, 3.0], [12.25, 7.5], [719.5, 575.5]])


def test_the_edges_of_the_picture_are_its_edges_in_square_pixels_too() -> None:
    assert_allclose(to_square(POINTS, 1024 / 720), [[-0.5, 3.0], [17.6333, 7.5], [1023.5, 575.5]], atol=1e-3)
    assert_allclose(box_to_square(np.array([-0.5, -0.5, 719.5, 575.5]), 1024 / 720), [-0.5, -0.5, 1023.5, 575.5])


@pytest.mark.parametrize("widening", [2.0, 64 / 45, 0.5])
def test_places_come_back(widening: float) -> None:
    landmarks = np.hstack([POINTS, [[4.0, 0.9, 0.8]] * 3])
    there = to_square(landmarks, widening)
    assert_allclose(there[:, 2:], [[4.0 * widening, 0.9, 0.8]] * 3)
    assert_allclose(to_source(there, widening), landmarks, atol=1e-12)
    assert_allclose(box_to_source(box_to_square(np.arange(4.0), widening), widening), np.arange(4.0), atol=1e-12)


def test_square_pixels_change_no_number() -> None:
    assert_array_equal(to_source(to_square(POINTS / 3, 1.0), 1.0), POINTS / 3)


@pytest.mark.parametrize(
    ("aspect", "square_px"),
    [
        ("1", (720, 576)),
        ("64/45", (1024, 576)),
        ("16/15", (768, 576)),
        ("8/9", (640, 576)),
        ("2000/2001", (720, 576)),
        ("1/2", (360, 576)),
        ("1000/1", (720, 576)),
        ("1/1000", (720, 576)),
    ],
)
def test_a_clip_knows_its_size_in_square_pixels(tmp_path: Path, aspect: str, square_px: tuple[int, int]) -> None:
    time_s = even_times(2)
    track = pose_track(time_s, straight_walk(time_s), straight_walk(time_s))
    clip = replace(read_clip(clip_artifact(tmp_path / "clip", track, (720, 576))), pixel_aspect=aspect)
    assert clip.square_size_px == square_px
    assert clip.widening == square_px[0] / 720
