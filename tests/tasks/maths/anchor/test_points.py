from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.anchor.anchor import Anchor
from tasks.maths.anchor.points import choose_anchor, inside, joined, mean_of
from tasks.maths.body.landmarks import COUNT, HEAD, HIPS, SHOULDERS, PoseTrack

FRAMES = 60
SIZE_PX = (640, 360)


def body(sway_px: float = 0.0) -> PoseTrack:
    """A person who crosses the picture: head at 100, shoulders at 140, hips at 240 px."""
    time_s = np.arange(FRAMES) / 30
    xy = np.zeros((FRAMES, COUNT, 2))
    xy[..., 0] = (100 + 5 * np.arange(FRAMES))[:, None]
    xy[:, :, 1] = 300
    xy[:, list(HEAD), 1] = 100
    xy[:, list(SHOULDERS), 1] = 140
    xy[:, list(HIPS), 1] = 240 + sway_px * np.sin(time_s * 6)[:, None]
    seen = np.ones((FRAMES, COUNT))
    return PoseTrack(time_s, xy, np.zeros_like(seen), seen, seen)


def hidden(track: PoseTrack, landmarks: tuple[int, ...], frames: slice) -> PoseTrack:
    visibility = track.visibility.copy()
    visibility[frames, list(landmarks)] = 0.1
    return PoseTrack(track.time_s, track.xy_px, track.z, visibility, track.presence)


def choose(track: PoseTrack, point: str = "auto") -> tuple[NDArray[Any], NDArray[Any], str]:
    chosen = choose_anchor(track, point, min_confidence=0.5, weighted=False)
    return chosen.anchor.xy_px, chosen.anchor.source, chosen.why


def test_the_hips_are_the_anchor_while_they_are_seen() -> None:
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


def test_the_mask_stands_in_where_no_landmark_of_the_trunk_is_seen() -> None:
    track = hidden(body(), HIPS + SHOULDERS + HEAD, slice(25, 35))
    assert np.isnan(choose(track)[0][25:35]).all()
    chosen = choose_anchor(track, "auto", min_confidence=0.5, weighted=False, mask=middle_of_mask())
    assert chosen.anchor.xy_px[:, 1] == pytest.approx(240)
    assert np.diff(chosen.anchor.xy_px[:, 0]) == pytest.approx(5)
    assert set(chosen.anchor.source[25:35]) == {"mask"} and set(chosen.anchor.source[:25]) == {"hips"}


def test_a_clip_without_any_landmark_of_the_trunk_is_locked_on_the_mask_and_says_so() -> None:
    track = hidden(body(), HIPS + SHOULDERS + HEAD, slice(0, FRAMES))
    chosen = choose_anchor(track, "auto", min_confidence=0.5, weighted=False, mask=middle_of_mask())
    assert chosen.point == "mask" and chosen.why.endswith("locked on the mask")
    assert chosen.anchor.xy_px == pytest.approx(middle_of_mask().xy_px)


def test_a_body_that_changes_shape_meanwhile_does_not_jump_where_the_source_changes() -> None:
    path, _, _ = choose(hidden(body(sway_px=8), HIPS, slice(20, 40)))
    assert np.abs(np.diff(path[:, 1])).max() < 2.0


def test_a_clip_that_never_shows_the_hips_locks_on_the_shoulders_and_says_so() -> None:
    path, source, why = choose(hidden(body(), HIPS, slice(None)))
    assert path[:, 1] == pytest.approx(140)
    assert set(source) == {"shoulders"}
    assert "hips are seen in 0 of the 60 frames" in why


def test_hips_outside_the_picture_are_not_seen_however_sure_the_model_is() -> None:
    track = inside(body(), (640, 230))
    assert (track.visibility[:, list(HIPS)] == 0).all()
    assert (track.visibility[:, list(SHOULDERS)] == 1).all()


@pytest.mark.parametrize(("point", "y_px"), [("hips", 240), ("shoulders", 140), ("torso", 190), ("head", 100)])
def test_a_point_asked_for_is_that_point(point: str, y_px: float) -> None:
    assert choose(body(), point)[0][:, 1] == pytest.approx(y_px)


def test_a_point_asked_for_has_no_stand_in() -> None:
    path, _, _ = choose(hidden(body(), HIPS, slice(20, 40)), "hips")
    assert np.isnan(path[20:40]).all()


def test_named_landmarks_are_weighted() -> None:
    track = body()
    anchor = mean_of(track, {"left_hip": 3.0, "nose": 1.0}, "landmarks", 0.5)
    assert anchor.xy_px[:, 1] == pytest.approx((3 * 240 + 100) / 4)


def test_what_is_never_seen_together_cannot_stand_in() -> None:
    track = hidden(hidden(body(), HIPS, slice(0, 30)), SHOULDERS, slice(30, FRAMES))
    hips = mean_of(track, {"left_hip": 1.0}, "hips", 0.5)
    shoulders = mean_of(track, {"left_shoulder": 1.0}, "shoulders", 0.5)
    assert np.isnan(joined(track.time_s, [hips, shoulders]).xy_px[:30]).all()


@pytest.mark.parametrize(("shown", "point"), [(18, "shoulders"), (24, "hips")])
def test_hips_seen_in_less_than_a_third_of_the_frames_are_not_what_is_held(shown: int, point: str) -> None:
    track = hidden(body(), HIPS, slice(shown, FRAMES))
    chosen = choose_anchor(track, "auto", min_confidence=0.5, weighted=False)
    assert chosen.point == point
    assert bool(chosen.why) == (point == "shoulders")
