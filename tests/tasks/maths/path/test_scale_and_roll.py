"""Size and stance against a body whose growth and tilt are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.errors import AnchorNotSeen
from tasks.maths.body.landmarks import COUNT, HIPS, SHOULDERS, PoseTrack
from tasks.maths.path import affine, scale_and_roll
from tests.support.paths import Floats, even_times, pose_track, shaky_walk, without

FRAMES = 300
TIME_S = even_times(FRAMES)
HALF = np.array([9.0, 0.0])


def walker(scale: Floats | float = 1.0, tilt_rad: Floats | float = 0.0, *, noise_px: float = 0.0) -> PoseTrack:
    """A body that grows and leans about its hips, noise on every landmark."""
    hips = shaky_walk(FRAMES)
    track = pose_track(TIME_S, hips - HALF, hips + HALF)
    grown = np.broadcast_to(affine.similarity(scale, tilt_rad), (FRAMES, 2, 2))
    body = np.einsum("nij,nkj->nki", grown, track.xy_px - hips[:, None]) + hips[:, None]
    noise = np.random.default_rng(6).normal(0, noise_px, body.shape) if noise_px else 0.0
    return PoseTrack(TIME_S, body + noise, track.z, track.visibility, track.presence)


def torso(track: PoseTrack) -> Floats:
    return np.asarray(track.xy_px[:, SHOULDERS].mean(axis=1) - track.xy_px[:, HIPS].mean(axis=1))


@pytest.mark.parametrize(
    "growth",
    [np.linspace(1, 2, FRAMES), np.linspace(1.5, 0.7, FRAMES), 4 / (4 - TIME_S / 4), 1 + 0.2 * np.sin(TIME_S * 0.6)],
    ids=["nearer", "away", "nearer at even speed", "to and fro"],
)
def test_a_known_growth_is_undone_to_a_hundredth(growth: Floats) -> None:
    track = walker(growth)
    held = scale_and_roll.steadying_scale(track) * np.linalg.norm(torso(track), axis=1)
    assert np.ptp(growth) > 0.3
    assert_allclose(held, np.median(held), rtol=0.01)


def test_noise_of_a_pose_model_hardly_shows() -> None:
    growth = np.linspace(1, 2, FRAMES)
    held = scale_and_roll.steadying_scale(walker(growth, noise_px=0.5)) * growth
    assert held.std() / held.mean() < 0.01


def test_the_size_is_that_of_the_median_frame() -> None:
    scale = scale_and_roll.steadying_scale(walker(np.linspace(1, 2, FRAMES)))
    assert scale[FRAMES // 2] == pytest.approx(1, abs=0.01)
    assert scale[0] == pytest.approx(1.5, rel=0.01)
    assert_allclose(scale_and_roll.steadying_scale(walker()), 1, atol=1e-9)


def test_a_body_that_turns_about_its_own_axis_keeps_its_size() -> None:
    track = walker()
    middle = track.xy_px[:, HIPS].mean(axis=1)[:, None]
    turned = (track.xy_px - middle) * np.stack([np.cos(TIME_S), np.ones(FRAMES)], axis=1)[:, None] + middle
    track = PoseTrack(TIME_S, turned, track.z, track.visibility, track.presence)
    assert_allclose(scale_and_roll.steadying_scale(track), 1, atol=1e-9)


def test_a_wrong_pose_and_a_gap_do_not_pull_at_the_size() -> None:
    growth = np.linspace(1, 1.5, FRAMES)
    wrong = growth.copy()
    wrong[100:106] *= 0.05
    wrong[200:203] *= 3
    track = without(walker(wrong), slice(140, 160))
    held = scale_and_roll.steadying_scale(track) * growth
    assert_allclose(held, np.median(held), rtol=0.03)


@pytest.mark.parametrize("tilt_deg", [np.full(FRAMES, 7.0), np.linspace(-4, 6, FRAMES), np.full(FRAMES, 90.0)])
def test_a_known_tilt_is_undone_to_a_hundredth_of_it(tilt_deg: Floats) -> None:
    lean = np.rad2deg(scale_and_roll.lean(walker(1.0, np.deg2rad(tilt_deg))))
    assert_allclose(lean, tilt_deg, atol=0.01 * np.abs(tilt_deg).max())


def test_a_sway_of_the_walk_is_no_tilt() -> None:
    sway = np.deg2rad(5 + 6 * np.sin(2 * np.pi * 0.9 * TIME_S))
    lean = np.rad2deg(scale_and_roll.lean(walker(1.0, sway)))
    assert_allclose(lean, 5, atol=1.0)  # at the ends, where half a stride has no other half
    assert_allclose(lean[90:-90], 5, atol=0.2)


def test_a_wide_pixel_is_taken_as_wide() -> None:
    """Seen on pixels twice as wide as high, a body that leans by 20 degrees has half of its lean in columns."""
    seen = walker(1.0, np.deg2rad(20.0))
    narrow = seen.xy_px * [0.5, 1.0]
    track = PoseTrack(TIME_S, narrow, seen.z, seen.visibility, seen.presence)
    turn = -scale_and_roll.lean(track, pixel_aspect=2.0)
    assert_allclose(np.rad2deg(turn), -20, atol=0.1)
    stood = np.einsum("nij,nj->ni", affine.similarity(np.ones(FRAMES), turn, 2.0), torso(track))
    assert_allclose(stood[:, 0], 0, atol=0.1)
    assert_allclose(-stood[:, 1], np.linalg.norm(torso(seen), axis=1), rtol=1e-3)


def test_a_mirrored_body_leans_the_other_way() -> None:
    tilted = walker(np.linspace(1, 2, FRAMES), np.deg2rad(7.0), noise_px=1.0)
    mirrored = PoseTrack(TIME_S, tilted.xy_px * [-1, 1], tilted.z, tilted.visibility, tilted.presence)
    assert_allclose(scale_and_roll.lean(mirrored), -scale_and_roll.lean(tilted), atol=1e-9)
    assert_allclose(scale_and_roll.steadying_scale(mirrored), scale_and_roll.steadying_scale(tilted), rtol=1e-9)


def test_reversed_time_gives_the_reversed_stance() -> None:
    track = walker(np.linspace(1, 2, FRAMES), np.deg2rad(np.linspace(-4, 6, FRAMES)), noise_px=1.0)
    back = PoseTrack(TIME_S, track.xy_px[::-1], track.z, track.visibility, track.presence)
    assert_allclose(scale_and_roll.lean(back)[::-1], scale_and_roll.lean(track), atol=1e-6)
    assert_allclose(scale_and_roll.steadying_scale(back)[::-1], scale_and_roll.steadying_scale(track), rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_shortest_clips_pass(count: int) -> None:
    hips = shaky_walk(count)
    track = pose_track(even_times(count), hips - HALF, hips + HALF)
    assert_allclose(scale_and_roll.steadying_scale(track), 1, rtol=0.1)
    assert_allclose(scale_and_roll.lean(track), 0, atol=0.1)


@pytest.mark.parametrize(
    ("find", "setting"), [(scale_and_roll.steadying_scale, "scale"), (scale_and_roll.lean, "roll")]
)
def test_a_trunk_that_is_never_seen_is_one_clear_line(find: object, setting: str) -> None:
    track = walker()
    hidden = PoseTrack(TIME_S, track.xy_px, track.z, np.full((FRAMES, COUNT), 0.2), track.presence)
    assert callable(find)
    with pytest.raises(AnchorNotSeen, match=rf"^lock\.{setting}: no frame shows .*; set lock\.{setting}=false"):
        find(hidden)
