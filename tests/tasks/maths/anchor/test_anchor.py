"""The hip centre: its two means, its threshold, and no jump when a hip disappears or returns."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.maths.anchor.anchor import hip_centre
from tests.support.paths import Floats, even_times, pose_track, straight_walk, uneven_times, without

HALF = np.array([10.0, 3.0])


def walk(count: int = 40) -> Floats:
    return straight_walk(even_times(count))


def test_simple_is_the_mean_of_the_hips() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.9, right_seen=0.6)
    anchor = hip_centre(track, min_confidence=0.5, weighted=False)
    assert_allclose(anchor.xy_px, walk())
    assert_allclose(anchor.confidence, 0.75)
    assert set(anchor.source) == {"hips"}


def test_weighted_leans_to_the_hip_that_is_seen_better() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.9, right_seen=0.6)
    anchor = hip_centre(track, min_confidence=0.5, weighted=True)
    assert_allclose(anchor.xy_px, walk() - HALF * (0.9 - 0.6) / 1.5)


def test_weighted_hips_of_one_visibility_are_the_simple_mean() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.0, right_seen=0.0)
    assert_allclose(hip_centre(track, min_confidence=0.0, weighted=True).xy_px, walk())


def test_a_hip_of_no_weight_at_all_does_not_count() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.8, right_seen=0.0)
    assert_allclose(hip_centre(track, min_confidence=0.0, weighted=True).xy_px, walk() - HALF)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_hip_that_fades_and_returns_does_not_move_the_anchor(weighted: bool, side: str) -> None:
    seen = np.where((np.arange(40) >= 15) & (np.arange(40) < 25), 0.3, 0.8)
    visibility: dict[str, Any] = {"left_seen": 0.8, "right_seen": 0.8, f"{side}_seen": seen}
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, **visibility)
    anchor = hip_centre(track, min_confidence=0.5, weighted=weighted)
    assert_allclose(anchor.xy_px, walk(), atol=1e-9)
    other = {"left": "right_hip", "right": "left_hip"}[side]
    assert anchor.source.tolist() == ["hips"] * 15 + [other] * 10 + ["hips"] * 15
    assert_allclose(anchor.confidence, 0.8)


def test_the_learnt_vector_follows_a_turning_body_over_time() -> None:
    """Half the hips' distance shrinks evenly in time, in uneven frames: the hidden stretch is restored exactly."""
    time_s = uneven_times(40)
    half = HALF * (1 - time_s / time_s[-1] / 2)[:, None]
    middle = straight_walk(time_s)
    seen = np.where((np.arange(40) >= 15) & (np.arange(40) < 25), 0.1, 0.9)
    track = pose_track(time_s, middle - half, middle + half, left_seen=seen)
    assert_allclose(hip_centre(track, min_confidence=0.5, weighted=False).xy_px, middle, atol=1e-9)


def test_a_hip_hidden_at_the_clips_ends_takes_the_nearest_vector() -> None:
    seen = np.where((np.arange(40) >= 5) & (np.arange(40) < 35), 0.9, 0.1)
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, right_seen=seen)
    assert_allclose(hip_centre(track, min_confidence=0.5, weighted=False).xy_px, walk(), atol=1e-9)


def test_one_hip_throughout_is_the_anchor() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.2)
    anchor = hip_centre(track, min_confidence=0.5, weighted=False)
    assert_allclose(anchor.xy_px, walk() + HALF)
    assert set(anchor.source) == {"right_hip"}


def test_missing_is_nan() -> None:
    seen = np.where(np.arange(40) == 7, 0.4999, 0.9)
    track = without(
        pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=seen, right_seen=seen), slice(9, 12)
    )
    anchor = hip_centre(track, min_confidence=0.5, weighted=False)
    missing = [7, 9, 10, 11]
    assert np.flatnonzero(np.isnan(anchor.xy_px).all(axis=1)).tolist() == missing
    assert np.flatnonzero(np.isnan(anchor.confidence)).tolist() == missing
    assert np.flatnonzero(anchor.source == "none").tolist() == missing


def test_the_threshold_itself_is_enough() -> None:
    track = pose_track(even_times(3), walk(3) - HALF, walk(3) + HALF, left_seen=0.5, right_seen=0.5)
    assert np.isfinite(hip_centre(track, min_confidence=0.5, weighted=False).xy_px).all()
