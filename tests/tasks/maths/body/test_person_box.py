"""Properties of the person's box in every clip."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.maths.body.landmarks import FACE, FEET, SHOULDERS, PoseTrack, hip_midpoint
from tasks.maths.body.person_box import PersonBoxes, grow_to_aspect, person_boxes, snap_to_pixels, whole_picture_box

SIZE_PX = (1280, 720)


def walk(frames: int = 90, step_px: float = 6.0, start_px: float = 300.0) -> PoseTrack:
    """A stick figure, 330 px high, that walks to the right and swings its arms and legs."""
    t = np.arange(frames)
    xy_px = np.zeros((frames, 33, 2))
    xy_px[..., 0] = (start_px + step_px * t)[:, None]
    xy_px[..., 1] = 400.0
    swing = 60 * np.sin(t * 2 * np.pi / 30)
    xy_px[:, list(FACE), 1] = 250
    xy_px[:, list(SHOULDERS), 1] = 300
    xy_px[:, list(FEET), 1] = 560
    xy_px[:, list(FEET[::2]), 0] += swing[:, None]
    xy_px[:, list(FEET[1::2]), 0] -= swing[:, None]
    xy_px[:, 13:23, 0] += swing[:, None]
    ones = np.ones((frames, 33))
    return PoseTrack(t / 30, xy_px, np.zeros((frames, 33)), ones, ones)


def without(track: PoseTrack, frames: slice) -> PoseTrack:
    xy_px, visibility = track.xy_px.copy(), track.visibility.copy()
    xy_px[frames], visibility[frames] = np.nan, np.nan
    return replace(track, xy_px=xy_px, visibility=visibility)


def boxes_of(track: PoseTrack, margin: float = 0.15) -> PersonBoxes:
    return person_boxes(track, SIZE_PX, margin=margin, reach_frames=15, longest_gap_frames=15)


def test_every_visible_landmark_is_well_inside_the_box() -> None:
    track = walk()
    edges = boxes_of(track, margin=0.0).edges_px
    torso = 100
    assert np.all(track.xy_px - edges[:, None, :2] >= 0.1 * torso)
    assert np.all(edges[:, None, 2:] - track.xy_px >= 0.1 * torso)
    assert np.all(track.xy_px[:, :1, 1] - edges[:, None, 1] >= 0.3 * torso), "hair lies above the face"


def test_the_margin_is_a_share_of_the_box_on_every_side() -> None:
    bare, wide = boxes_of(walk(), 0.0).edges_px, boxes_of(walk(), 0.25).edges_px
    size = bare[:, 2:] - bare[:, :2]
    assert_allclose(bare - wide, np.hstack([0.25 * size, -0.25 * size]))


def test_the_box_follows_the_torso_and_keeps_its_size() -> None:
    track = walk()
    edges = boxes_of(track).edges_px
    torso_px = hip_midpoint(track.xy_px)
    inner = slice(20, 70)
    assert np.ptp((edges[:, :2] - torso_px)[inner], axis=0).max() < 3, "limbs swing by 60 px"
    assert np.abs(np.diff(edges[:, 2:] - edges[:, :2], axis=0)).max() < 3


def test_moving_the_person_moves_the_box() -> None:
    track = walk()
    moved = replace(track, xy_px=track.xy_px + np.array([40.0, -30.0]))
    assert_allclose(boxes_of(moved).edges_px, boxes_of(track).edges_px + np.array([40, -30, 40, -30]))


def test_reversed_time_gives_the_reversed_boxes() -> None:
    track = walk()
    back = PoseTrack(*(getattr(track, name)[::-1] for name in ("time_s", "xy_px", "z", "visibility", "presence")))
    assert_allclose(boxes_of(back).edges_px, boxes_of(track).edges_px[::-1])


def test_a_short_gap_is_interpolated() -> None:
    whole, holed = boxes_of(walk()), boxes_of(without(walk(), slice(40, 50)))
    assert holed.person.all()
    assert_allclose(holed.edges_px, whole.edges_px, atol=6)
    assert np.isfinite(holed.torso_xy_px).all()


def test_far_from_any_pose_the_box_is_the_whole_picture() -> None:
    boxes = boxes_of(without(walk(120), slice(30, 90)))
    lonely = np.zeros(120, np.bool_)
    lonely[45:75] = True
    assert_allclose(boxes.person, ~lonely)
    assert_allclose(boxes.edges_px[lonely], np.tile(whole_picture_box(SIZE_PX), (30, 1)))
    assert np.isnan(boxes.torso_xy_px[30:90]).all(), "held boxes do not know where the torso is"


def test_without_any_person_the_box_is_the_whole_picture() -> None:
    boxes = boxes_of(without(walk(), slice(None)))
    assert not boxes.person.any()
    assert_allclose(boxes.edges_px, np.tile(whole_picture_box(SIZE_PX), (90, 1)))


def test_a_guessed_landmark_does_not_widen_the_box() -> None:
    track = walk()
    wild = replace(track, xy_px=track.xy_px.copy(), visibility=track.visibility.copy())
    wild.xy_px[:, 15] += 400
    wild.visibility[:, 15] = 0.1
    assert_allclose(boxes_of(wild).edges_px[:, 2], boxes_of(track).edges_px[:, 2], atol=1)


def test_the_box_of_a_cut_off_body_ends_at_the_picture() -> None:
    track = walk(start_px=200)
    low = replace(track, xy_px=track.xy_px + np.array([0.0, 250.0]))
    assert boxes_of(low, 0.0).edges_px[:, 3].max() < SIZE_PX[1] + 20


def test_of_a_close_up_the_torsos_place_is_the_nearest_one_in_the_picture() -> None:
    low = walk()
    low.xy_px[..., 1] += 400  # the hips are 180 px below the picture, the torso's middle 130 px
    torso = boxes_of(low).torso_xy_px
    assert_allclose(torso[:, 1], SIZE_PX[1] - 0.5)
    assert_allclose(torso[:, 0], boxes_of(walk()).torso_xy_px[:, 0])


@pytest.mark.parametrize("aspect", [1.0, 256 / 144])
@pytest.mark.parametrize("stretch", [1.0, 1.8])
def test_growing_to_an_aspect_never_shrinks_and_limits_the_stretch(aspect: float, stretch: float) -> None:
    edges = np.array([[10.0, 20, 110, 420], [0, 0, 400, 50], [5, 5, 6, 6]])
    grown = grow_to_aspect(edges, aspect, stretch)
    assert np.all(grown[:, :2] <= edges[:, :2] + 1e-9) and np.all(grown[:, 2:] >= edges[:, 2:] - 1e-9)
    assert_allclose(grown[:, :2] + grown[:, 2:], edges[:, :2] + edges[:, 2:])
    wide, high = (grown[:, 2:] - grown[:, :2]).T
    squeeze = wide / high / aspect
    assert np.all((squeeze <= stretch + 1e-9) & (squeeze >= 1 / stretch - 1e-9))


def test_snapped_edges_lie_on_pixel_borders_and_a_constant_size_stays_constant() -> None:
    start = np.linspace(0, 3, 31)
    edges = np.stack([start, start, start + 20.3, start + 30.3], axis=1)
    whole = snap_to_pixels(edges)
    assert_allclose(whole % 1, 0.5)
    assert_allclose(whole, edges, atol=1)
    assert np.ptp(whole[:, 2] - whole[:, 0]) == 0
    assert_allclose(snap_to_pixels(whole), whole)
