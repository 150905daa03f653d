"""The anchor point: hip means, visibility threshold, stand-ins without jumps, and the centroid of a mask."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from tasks.maths.anchor.anchor_point import (
    Anchor,
    choose_anchor,
    cut_by_side,
    hide_outside_landmarks,
    hip_anchor,
    join_anchors,
    mask_anchor,
    mean_landmark_anchor,
)
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import FACE, HIPS, LANDMARK_COUNT, SHOULDERS, PoseTrack
from tests.support.drawn.paths import even_times, pose_track, straight_walk, uneven_times, without

HALF = np.array([10.0, 3.0])
FRAMES = 60
SIZE_PX = (640, 360)
EDGES_PX = np.array([99.5, 49.5, 299.5, 149.5], np.float32)  # two picture pixels for each mask pixel


def walk(count: int = 40) -> Floats:
    return straight_walk(even_times(count))


def test_simple_is_the_mean_of_the_hips() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.9, right_seen=0.6)
    anchor = hip_anchor(track, min_confidence=0.5, weighted=False)
    assert_allclose(anchor.xy_px, walk())
    assert_allclose(anchor.confidence, 0.75)
    assert set(anchor.source) == {"hips"}


def test_weighted_moves_towards_the_more_visible_hip() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.9, right_seen=0.6)
    anchor = hip_anchor(track, min_confidence=0.5, weighted=True)
    assert_allclose(anchor.xy_px, walk() - HALF * (0.9 - 0.6) / 1.5)


def test_weighted_hips_of_equal_visibility_give_the_simple_mean() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.0, right_seen=0.0)
    assert_allclose(hip_anchor(track, min_confidence=0.0, weighted=True).xy_px, walk())


def test_a_hip_of_weight_zero_does_not_count() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.8, right_seen=0.0)
    assert_allclose(hip_anchor(track, min_confidence=0.0, weighted=True).xy_px, walk() - HALF)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_hip_that_fades_and_returns_does_not_move_the_anchor(weighted: bool, side: str) -> None:
    seen = np.where((np.arange(40) >= 15) & (np.arange(40) < 25), 0.3, 0.8)
    visibility: dict[str, Any] = {"left_seen": 0.8, "right_seen": 0.8, f"{side}_seen": seen}
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, **visibility)
    anchor = hip_anchor(track, min_confidence=0.5, weighted=weighted)
    assert_allclose(anchor.xy_px, walk(), atol=1e-9)
    other = {"left": "right_hip", "right": "left_hip"}[side]
    assert anchor.source.tolist() == ["hips"] * 15 + [other] * 10 + ["hips"] * 15
    assert_allclose(anchor.confidence, 0.8)


def test_the_measured_vector_follows_a_turning_body_over_time() -> None:
    """The hips' distance shrinks evenly over uneven frames: the hidden part is restored exactly."""
    time_s = uneven_times(40)
    half = HALF * (1 - time_s / time_s[-1] / 2)[:, None]
    middle = straight_walk(time_s)
    seen = np.where((np.arange(40) >= 15) & (np.arange(40) < 25), 0.1, 0.9)
    track = pose_track(time_s, middle - half, middle + half, left_seen=seen)
    assert_allclose(hip_anchor(track, min_confidence=0.5, weighted=False).xy_px, middle, atol=1e-9)


def test_a_hip_hidden_at_the_ends_of_the_clip_uses_the_nearest_vector() -> None:
    seen = np.where((np.arange(40) >= 5) & (np.arange(40) < 35), 0.9, 0.1)
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, right_seen=seen)
    assert_allclose(hip_anchor(track, min_confidence=0.5, weighted=False).xy_px, walk(), atol=1e-9)


def test_a_hip_that_is_always_alone_is_the_anchor() -> None:
    track = pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=0.2)
    anchor = hip_anchor(track, min_confidence=0.5, weighted=False)
    assert_allclose(anchor.xy_px, walk() + HALF)
    assert set(anchor.source) == {"right_hip"}


def test_a_missing_anchor_is_nan() -> None:
    seen = np.where(np.arange(40) == 7, 0.4999, 0.9)
    track = without(
        pose_track(even_times(40), walk() - HALF, walk() + HALF, left_seen=seen, right_seen=seen), slice(9, 12)
    )
    anchor = hip_anchor(track, min_confidence=0.5, weighted=False)
    missing = [7, 9, 10, 11]
    assert np.flatnonzero(np.isnan(anchor.xy_px).all(axis=1)).tolist() == missing
    assert np.flatnonzero(np.isnan(anchor.confidence)).tolist() == missing
    assert np.flatnonzero(anchor.source == "none").tolist() == missing


def test_a_visibility_equal_to_the_threshold_counts() -> None:
    track = pose_track(even_times(3), walk(3) - HALF, walk(3) + HALF, left_seen=0.5, right_seen=0.5)
    assert np.isfinite(hip_anchor(track, min_confidence=0.5, weighted=False).xy_px).all()


def body(sway_px: float = 0.0) -> PoseTrack:
    """A person who walks across the picture: head at 100, shoulders at 140, hips at 240 px."""
    time_s = np.arange(FRAMES) / 30
    xy = np.zeros((FRAMES, LANDMARK_COUNT, 2))
    xy[..., 0] = (100 + 5 * np.arange(FRAMES))[:, None]
    xy[:, :, 1] = 300
    xy[:, list(FACE), 1] = 100
    xy[:, list(SHOULDERS), 1] = 140
    xy[:, list(HIPS), 1] = 240 + sway_px * np.sin(time_s * 6)[:, None]
    seen = np.ones((FRAMES, LANDMARK_COUNT))
    return PoseTrack(time_s, xy, np.zeros_like(seen), seen, seen)


def hidden(track: PoseTrack, landmarks: tuple[int, ...], frames: slice) -> PoseTrack:
    visibility = track.visibility.copy()
    visibility[frames, list(landmarks)] = 0.1
    return PoseTrack(track.time_s, track.xy_px, track.z, visibility, track.presence)


def choose(track: PoseTrack, point: str = "auto") -> tuple[NDArray[Any], NDArray[Any], str]:
    chosen = choose_anchor(track, point, min_confidence=0.5, weighted=False)
    return chosen.anchor.xy_px, chosen.anchor.source, chosen.why


def test_the_hips_are_the_anchor_while_they_are_visible() -> None:
    path, source, why = choose(body())
    assert path[:, 1] == pytest.approx(240)
    assert set(source) == {"hips"}
    assert why == ""


def test_the_shoulders_stand_in_for_hidden_hips_without_a_jump() -> None:
    path, source, _ = choose(hidden(body(), HIPS, slice(20, 40)))
    assert path[:, 1] == pytest.approx(240)
    assert np.diff(path[:, 0]) == pytest.approx(5)
    assert set(source[20:40]) == {"shoulders"}


def test_the_head_stands_in_for_hips_and_shoulders() -> None:
    path, source, _ = choose(hidden(body(), HIPS + SHOULDERS, slice(50, FRAMES)))
    assert path[:, 1] == pytest.approx(240)
    assert set(source[50:]) == {"head"}


def middle_of_mask() -> Anchor:
    path = np.column_stack([100 + 5.0 * np.arange(FRAMES), np.full(FRAMES, 200.0)])
    return Anchor(path, np.full(FRAMES, 0.3), np.full(FRAMES, "mask"))


def test_the_mask_stands_in_where_no_trunk_landmark_is_visible() -> None:
    track = hidden(body(), HIPS + SHOULDERS + FACE, slice(25, 35))
    assert np.isnan(choose(track)[0][25:35]).all()
    chosen = choose_anchor(track, "auto", min_confidence=0.5, weighted=False, mask=middle_of_mask())
    assert chosen.anchor.xy_px[:, 1] == pytest.approx(240)
    assert np.diff(chosen.anchor.xy_px[:, 0]) == pytest.approx(5)
    assert set(chosen.anchor.source[25:35]) == {"mask"} and set(chosen.anchor.source[:25]) == {"hips"}


def test_a_clip_without_trunk_landmarks_is_locked_on_the_mask_and_reports_it() -> None:
    track = hidden(body(), HIPS + SHOULDERS + FACE, slice(0, FRAMES))
    chosen = choose_anchor(track, "auto", min_confidence=0.5, weighted=False, mask=middle_of_mask())
    assert chosen.point == "mask" and chosen.why.endswith("locked on the mask")
    assert chosen.anchor.xy_px == pytest.approx(middle_of_mask().xy_px)


def test_a_body_that_changes_its_shape_does_not_jump_where_the_source_changes() -> None:
    path, _, _ = choose(hidden(body(sway_px=8), HIPS, slice(20, 40)))
    assert np.abs(np.diff(path[:, 1])).max() < 2.0


def test_a_clip_without_hips_is_locked_on_the_shoulders_and_reports_it() -> None:
    path, source, why = choose(hidden(body(), HIPS, slice(None)))
    assert path[:, 1] == pytest.approx(140)
    assert set(source) == {"shoulders"}
    assert "hips are seen in 0 of 60 frames" in why


def test_hips_outside_the_picture_do_not_count_however_confident_the_model_is() -> None:
    track = hide_outside_landmarks(body(), (640, 230))
    assert (track.visibility[:, list(HIPS)] == 0).all()
    assert (track.visibility[:, list(SHOULDERS)] == 1).all()


def stretched(track: PoseTrack, frames: slice) -> PoseTrack:
    """The same track with hips that are too far from the shoulders."""
    xy = track.xy_px.copy()
    xy[frames, list(HIPS), 1] += 30
    return PoseTrack(track.time_s, xy, track.z, track.visibility, track.presence)


@pytest.mark.parametrize("point", ["auto", "hips", "shoulders", "torso", "head"])
def test_nothing_of_a_stretched_body_counts(point: str) -> None:
    path, source, _ = choose(stretched(body(), slice(30, 33)), point)
    assert np.flatnonzero(np.isnan(path).any(axis=1)).tolist() == [30, 31, 32, 33]
    assert set(source[30:34]) == {"none"}


def test_hips_that_are_not_seen_stretch_no_body() -> None:
    """They are guesses, and the shoulders are right."""
    track = hidden(stretched(body(), slice(30, 33)), HIPS, slice(30, 33))
    path, source, _ = choose(track)
    assert path[:, 1] == pytest.approx(240)
    assert set(source[30:33]) == {"shoulders"}


@pytest.mark.parametrize(("point", "y_px"), [("hips", 240), ("shoulders", 140), ("torso", 190), ("head", 100)])
def test_a_requested_point_is_used(point: str, y_px: float) -> None:
    assert choose(body(), point)[0][:, 1] == pytest.approx(y_px)


def test_a_requested_point_has_no_stand_in() -> None:
    path, _, _ = choose(hidden(body(), HIPS, slice(20, 40)), "hips")
    assert np.isnan(path[20:40]).all()


def test_named_landmarks_are_weighted() -> None:
    track = body()
    anchor = mean_landmark_anchor(track, {"left_hip": 3.0, "nose": 1.0}, "landmarks", 0.5)
    assert anchor.xy_px[:, 1] == pytest.approx((3 * 240 + 100) / 4)


def test_points_that_are_never_seen_together_cannot_stand_in() -> None:
    track = hidden(hidden(body(), HIPS, slice(0, 30)), SHOULDERS, slice(30, FRAMES))
    hips = mean_landmark_anchor(track, {"left_hip": 1.0}, "hips", 0.5)
    shoulders = mean_landmark_anchor(track, {"left_shoulder": 1.0}, "shoulders", 0.5)
    assert np.isnan(join_anchors(track.time_s, [hips, shoulders]).xy_px[:30]).all()


@pytest.mark.parametrize(("shown", "point"), [(FRAMES // 2 - 1, "shoulders"), (FRAMES // 2, "hips")])
def test_hips_seen_in_less_than_half_of_the_frames_are_not_the_anchor(shown: int, point: str) -> None:
    track = hidden(body(), HIPS, slice(shown, FRAMES))
    chosen = choose_anchor(track, "auto", min_confidence=0.5, weighted=False)
    assert chosen.point == point
    assert bool(chosen.why) == (point == "shoulders")


def block(first_column: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    values = np.full((50, 100), 20, np.uint8)
    values[10:30, first_column : first_column + 11] = 250
    return values


def test_the_centroid_is_in_source_pixels() -> None:
    anchor = mask_anchor([(block(20), EDGES_PX, True), (block(21), EDGES_PX, True)])
    assert anchor.xy_px[0].tolist() == pytest.approx([99.5 + 2 * 25.5, 49.5 + 2 * 20])
    assert (anchor.xy_px[1] - anchor.xy_px[0]).tolist() == pytest.approx([2, 0])
    assert set(anchor.source) == {"mask"}


def test_an_empty_or_untrusted_mask_gives_no_anchor() -> None:
    empty = np.full((50, 100), 100, np.uint8)
    anchor = mask_anchor([(empty, EDGES_PX, True), (block(20), EDGES_PX, False)])
    assert np.isnan(anchor.xy_px).all() and np.isnan(anchor.confidence).all()
    assert set(anchor.source) == {"none"}


def standing(x_px: float, foot_px: float) -> PoseTrack:
    """Two frames of a body with a torso of 100 px at ``x_px``, and with a foot at ``foot_px``, also above the head."""
    xy_px = np.full((2, LANDMARK_COUNT, 2), [x_px, 200.0])
    xy_px[:, list(SHOULDERS), 1] = 100.0
    xy_px[:, -1] = [foot_px, 350.0]
    xy_px[:, 15] = [-50.0, 100.0]  # a hand
    ones = np.ones((2, LANDMARK_COUNT))
    return PoseTrack(even_times(2), xy_px, 0 * ones, ones, ones)


@pytest.mark.parametrize(
    ("x_px", "foot_px", "cut"),
    [(300, 300, False), (24, 60, True), (26, 60, False), (60, 20, True), (610, 500, False), (616, 500, True)],
)
def test_a_side_cuts_a_body_whose_trunk_or_foot_is_beside_it(x_px: float, foot_px: float, cut: bool) -> None:
    assert cut_by_side(standing(x_px, foot_px), 640).tolist() == [cut, cut]
    assert not cut_by_side(without_person(), 640).any()


def without_person() -> PoseTrack:
    track = standing(300, 300)
    return PoseTrack(track.time_s, np.full_like(track.xy_px, np.nan), track.z, track.visibility, track.presence)
