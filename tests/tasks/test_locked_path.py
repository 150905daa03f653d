"""Settings of smoothing and lock through the trajectory stage: the effect of each."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from conf.enums import Smoother
from conf.lock import LockConf, SmoothingConf
from flows.config import settings
from tasks.errors import AnchorNotSeen, SettingError
from tasks.locked_path import applied_scale_and_roll, dead_zone_in_pixels, locked_shift_px, smooth_path
from tasks.maths.anchor.gaps import AbsenceRule, settle_absent
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HIPS, SHOULDERS, PoseTrack
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import affine, smoothers
from tasks.maths.path.l1_path import l1_path
from tests.support.drawn.paths import even_times, pose_track, shaky_walk, straight_walk, uneven_times
from tests.tasks.test_trajectory import HALF, SIZE, matrices, points, request, run, walker

AWAY = AbsenceRule("hold", 0.4, (0.0, 0.0))
KINDS = pytest.mark.parametrize("kind", Smoother, ids=[kind.value for kind in Smoother])


def growing_walker(count: int = 240) -> PoseTrack:
    """Comes nearer to half as large again, seen by a camera that tilts from 3 to 8 degrees."""
    hips, time_s = shaky_walk(count), even_times(count)
    track = pose_track(time_s, hips - HALF * [1, 0], hips + HALF * [1, 0])
    linear = affine.scale_and_turn(np.linspace(1, 1.5, count), np.deg2rad(np.linspace(3, 8, count)))
    body = np.einsum("nij,nkj->nki", linear, track.xy_px - hips[:, None]) + hips[:, None]
    return PoseTrack(time_s, body, track.z, track.visibility, track.presence)


@KINDS
def test_each_smoother_is_its_own_function(kind: Smoother) -> None:
    path, time_s = shaky_walk(), even_times(90)
    expected: dict[Smoother, Floats] = {
        Smoother.moving: smoothers.moving_average(path, window_frames=9),
        Smoother.gaussian: smoothers.gaussian(path, window_frames=9),
        Smoother.savgol: smoothers.savgol(path, window_frames=9, order=3),
        Smoother.butterworth: smoothers.butterworth(path, time_s, cutoff_hz=2.5, order=3),
        Smoother.kalman: smoothers.kalman(path, time_s, cutoff_hz=2.5),
        Smoother.l1: l1_path(path, time_s, budget_px=6),
        Smoother.none: path,
    }
    asked = SmoothingConf(kind, 9, cutoff_hz=2.5, order=3, budget_px=6)
    assert_array_equal(smooth_path(path, time_s, asked), expected[kind])
    assert len({values.tobytes() for values in expected.values()}) == len(Smoother)


@KINDS
@pytest.mark.parametrize("times", [even_times, uneven_times])
def test_every_smoother_in_seconds_keeps_the_invariants(kind: Smoother, times: Any) -> None:
    asked, time_s, walk = SmoothingConf(kind, window_s=0.4), times(90), shaky_walk()
    assert_allclose(
        smooth_path(walk[::-1], time_s[-1] - time_s[::-1], asked)[::-1], smooth_path(walk, time_s, asked), atol=1e-6
    )
    still = np.tile([12.5, 300.25], (90, 1))
    assert_allclose(smooth_path(still, time_s, asked), still, atol=1e-9)
    if kind is not Smoother.l1:
        assert_allclose(smooth_path(straight_walk(time_s), time_s, asked), straight_walk(time_s), atol=1e-9)


@KINDS
def test_double_frame_rate_does_not_change_smoothing_in_seconds_or_hertz(kind: Smoother) -> None:
    def at(time_s: Floats) -> Floats:
        return np.asarray(straight_walk(time_s) + 10 * np.sin(2 * np.pi * 1.2 * time_s)[:, None])

    asked = SmoothingConf(kind, window_s=0.5, cutoff_hz=1.0)
    coarse, fine = even_times(120), even_times(239, 60)
    once, twice = smooth_path(at(coarse), coarse, asked), smooth_path(at(fine), fine, asked)[::2]
    assert_allclose(twice, once, atol=1.0)
    assert kind is Smoother.none or np.abs(once - at(coarse)).max() > 1


@pytest.mark.parametrize("kind", [Smoother.moving, Smoother.gaussian, Smoother.savgol])
def test_repeating_every_frame_does_not_change_a_window_in_seconds(kind: Smoother) -> None:
    time_s = even_times(150)
    walk = straight_walk(time_s) + 10 * np.sin(2 * np.pi * 0.7 * time_s)[:, None]
    doubled_s = np.stack([time_s, time_s + 0.5 / 30], axis=1).reshape(-1)
    asked = SmoothingConf(kind, window_s=0.5)
    once = smooth_path(walk, time_s, asked)
    twice = smooth_path(np.repeat(walk, 2, axis=0), doubled_s, asked).reshape(-1, 2, 2).mean(axis=1)
    assert_allclose(twice[20:-20], once[20:-20], atol=0.5)


def test_a_window_in_seconds_uses_time_in_uneven_frames() -> None:
    """A moving average removes a sine whose period is the window, however uneven the frames are."""
    time_s = uneven_times(400)
    wave = np.stack([np.sin(2 * np.pi * time_s / 0.8), np.zeros(400)], axis=1)
    left = smooth_path(wave, time_s, SmoothingConf(Smoother.moving, window_s=0.8))
    by_count = smooth_path(wave, time_s, SmoothingConf(Smoother.moving, 15))
    assert left[40:-40, 0].std() < 0.05
    assert by_count[40:-40, 0].std() > 2 * left[40:-40, 0].std()


@pytest.mark.parametrize("kind", [Smoother.moving, Smoother.gaussian, Smoother.savgol])
@pytest.mark.parametrize("asked", [{"window": 1}, {"window_s": 0.01}])
def test_a_window_of_one_frame_keeps_the_offsets(kind: Smoother, asked: dict[str, Any]) -> None:
    path = shaky_walk()
    assert_array_equal(smooth_path(path, uneven_times(90), SmoothingConf(kind, **asked)), path)


@KINDS
def test_the_same_path_gives_the_same_bytes(kind: Smoother) -> None:
    path, time_s, asked = shaky_walk(), uneven_times(90), SmoothingConf(kind, window_s=0.4)
    assert smooth_path(path, time_s, asked).tobytes() == smooth_path(path, time_s, asked).tobytes()


@KINDS
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_shortest_clips_work_with_the_defaults(kind: Smoother, count: int) -> None:
    path = shaky_walk(count)
    assert np.isfinite(smooth_path(path, even_times(count), SmoothingConf(kind))).all()


@pytest.mark.parametrize(
    ("asked", "setting"),
    [
        (SmoothingConf(Smoother.moving, 61), "smoothing.window"),
        (SmoothingConf(Smoother.gaussian, window_s=60.0), "smoothing.window_s"),
        (SmoothingConf(Smoother.savgol, 5, order=6), "smoothing.order"),
        (SmoothingConf(Smoother.butterworth, cutoff_hz=15.0), "smoothing.cutoff_hz"),
        (SmoothingConf(Smoother.kalman, cutoff_hz=99.0), "smoothing.cutoff_hz"),
    ],
)
def test_a_setting_that_the_clip_does_not_allow_stops_the_stage(
    tmp_path: Path, asked: SmoothingConf, setting: str
) -> None:
    with pytest.raises(SettingError, match=f"^{setting}: .*; give .*") as caught:
        run(tmp_path, request(tmp_path, walker(), asked))
    assert "\n" not in str(caught.value)


def test_the_lock_applies_dead_zone_then_strength_then_speed_limit() -> None:
    path, time_s, states, raw = shaky_walk(), even_times(90), np.full(90, "measured"), SmoothingConf(Smoother.none)
    assert_array_equal(locked_shift_px(path, time_s, states, raw, LockConf(), AWAY), path)
    loose = locked_shift_px(path, time_s, states, raw, LockConf(y=0.0, dead_zone_px=5.0, max_speed_px_s=50.0), AWAY)
    assert np.ptp(loose[:, 1]) < 1e-9
    assert np.abs(np.diff(loose[:, 0])).max() <= 50 / 30 + 1e-9
    calm = locked_shift_px(path, time_s, states, raw, LockConf(dead_zone_px=5.0), AWAY)
    assert 4.9 < np.abs(calm - path).max() <= 5 + 1e-9


def test_a_dead_zone_can_be_a_share_of_the_height(tmp_path: Path) -> None:
    lock, pose = LockConf(dead_zone=0.1), walker()
    height_px = lock_metrics.person_height(lock_metrics.visible_boxes(pose.xy_px, pose.visibility))
    assert dead_zone_in_pixels(lock, pose) == LockConf(dead_zone_px=0.1 * height_px)
    assert dead_zone_in_pixels(LockConf(dead_zone_px=3.0), pose) == LockConf(dead_zone_px=3.0)
    unsure = PoseTrack(pose.time_s, pose.xy_px, pose.z, np.full_like(pose.visibility, 0.1), pose.presence)
    with pytest.raises(AnchorNotSeen, match=r"^lock\.dead_zone: .*; give lock\.dead_zone_px"):
        dead_zone_in_pixels(lock, unsure)


@pytest.mark.parametrize(("rule", "still"), [("cut", True), ("ease", True), ("hold", False)])
def test_the_original_picture_is_complete_at_any_strength_scale_and_roll(rule: str, still: bool) -> None:
    pose, away = growing_walker(90), AbsenceRule(rule, 0.2, (3.0, -4.0))
    states = np.full(90, "measured", dtype="U12")
    states[30:60] = "absent"
    scale, roll_rad = applied_scale_and_roll(pose, LockConf(scale=True, roll=True), 1.0, states, away)
    path = settle_absent(pose.time_s, shaky_walk(), states, away, away.rest_px)
    shift = locked_shift_px(path, pose.time_s, states, SmoothingConf(Smoother.none), LockConf(x=0.5, y=0.2), away)
    assert ((scale[45], roll_rad[45]) == (1.0, 0.0)) == still
    assert (shift[45].tolist() == [3.0, -4.0]) == still
    if not still:
        assert np.ptp(scale[30:50]) == np.ptp(roll_rad[30:50]) == 0


@KINDS
def test_a_cut_to_the_original_picture_stays_a_cut(kind: Smoother) -> None:
    """The frames beside the cut equal those of a clip that ends, or starts, there."""
    path, time_s, states = shaky_walk(), even_times(90), np.full(90, "measured", dtype="U12")
    path[40:55], states[40:55] = 0.0, "absent"
    asked = SmoothingConf(kind, 9)
    shift = locked_shift_px(path, time_s, states, asked, LockConf(), AWAY)
    assert_allclose(shift[40:55], 0, atol=1e-9)
    for side in (slice(40), slice(55, 90)):
        assert_allclose(shift[side], smooth_path(path[side], time_s[side], asked))
        assert np.abs(shift[side] - path[side]).max() < 20


def test_an_eased_transition_is_smoothed_as_one_path() -> None:
    path, time_s, states = shaky_walk(), even_times(90), np.full(90, "measured", dtype="U12")
    path[40:], states[40:] = path[39], "absent"
    asked = SmoothingConf(window=9)
    assert_array_equal(locked_shift_px(path, time_s, states, asked, LockConf(), AWAY), smooth_path(path, time_s, asked))


def test_a_vertical_strength_of_zero_keeps_the_bob_and_locks_horizontally(tmp_path: Path) -> None:
    _, table, report = run(tmp_path, request(tmp_path, walker(), SmoothingConf(Smoother.none), lock=LockConf(y=0.0)))
    shift = points(table, "d{}_px")
    assert np.ptp(shift[:, 1]) == 0
    planned = report["planned"]
    assert planned["lock_std_x"] == pytest.approx(0, abs=1e-6)
    assert planned["lock_gain_y"] == pytest.approx(0, abs=1e-6)
    output = affine.apply(matrices(table, "to_output"), points(table, "anchor_{}_px"))
    assert np.median(output[:, 1]) == pytest.approx(239.5)


def test_size_and_roll_are_corrected_within_one_percent(tmp_path: Path) -> None:
    track, asked = growing_walker(), SmoothingConf(Smoother.none)
    facts, table, report = run(tmp_path, request(tmp_path, track, asked, lock=LockConf(scale=True, roll=True)))
    to_output = matrices(table, "to_output")
    hips, shoulders = (affine.apply(to_output, track.xy_px[:, pair].mean(axis=1)) for pair in (HIPS, SHOULDERS))
    assert_allclose(hips, np.tile([319.5, 239.5], (len(hips), 1)), atol=1e-6)
    torso = shoulders - hips
    length = np.linalg.norm(torso, axis=1)
    assert_allclose(length, np.median(length), rtol=0.01)
    assert_allclose(torso[:, 0], 0, atol=0.01 * length.mean())
    assert (torso[:, 1] < 0).all()
    assert report["planned"]["lock_rms"] == pytest.approx(0, abs=1e-6)
    assert facts["scale_max"] == pytest.approx(1.25, rel=0.02)
    assert facts["scale_min"] == pytest.approx(1 / 1.2, rel=0.02)
    assert facts["roll_min_deg"] == pytest.approx(-8, abs=0.2)
    assert_allclose(table["scale"], affine.length_scale(to_output))
    assert_allclose(
        affine.compose(matrices(table, "to_source"), to_output)[:, :, :2], np.tile(np.eye(2), (240, 1, 1)), atol=1e-9
    )


def test_metrics_use_the_scaled_and_rotated_picture(tmp_path: Path) -> None:
    """The covered share is counted point by point. A locked walker on a rotating picture has a moving background."""
    track, asked = growing_walker(), SmoothingConf(Smoother.none)
    _, table, report = run(tmp_path, request(tmp_path, track, asked, lock=LockConf(scale=True, roll=True)))
    x, y = np.meshgrid(np.arange(4.5, 640, 10), np.arange(4.5, 480, 10))
    grid = np.stack([x, y], axis=-1).reshape(1, -1, 2)
    source = affine.apply(matrices(table, "to_source")[:, None], grid)
    inside = ((source > -0.5) & (source < np.array(SIZE) - 0.5)).all(axis=2).mean(axis=1)
    assert report["planned"]["visible_area_min"] == pytest.approx(inside.min(), abs=0.02)
    height = np.nanmedian(np.ptp(track.xy_px[..., 1], axis=1) * table["scale"])
    shares = report["planned"]["lock_rms_of_height"] * height / 100
    assert shares == pytest.approx(report["planned"]["lock_rms"], abs=1e-5)
    assert report["planned"]["background_speed"] > 60  # of the walk alone


def test_without_scale_and_roll_the_table_has_neutral_values_and_the_matrix_is_a_shift(tmp_path: Path) -> None:
    facts, table, _ = run(tmp_path, request(tmp_path, walker(), SmoothingConf()))
    assert set(table["scale"]) == {1.0}
    assert set(table["roll_deg"]) == {0.0}
    assert_array_equal(matrices(table, "to_output"), affine.translation(points(table, "d{}_px")))
    assert not {name for name in facts if name.startswith(("scale", "roll"))}


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("smoothing.window_s=0", r"smoothing\.window_s: 0\.0 s is shorter than any frame; give null"),
        ("smoothing.cutoff_hz=-1", r"smoothing\.cutoff_hz: -1\.0 Hz is too low; give"),
        ("smoothing.order=0", r"smoothing\.order: 0 is out of range; give 1 to 8"),
        ("smoothing.budget_px=-2", r"smoothing\.budget_px: -2\.0 px is not a distance; give"),
        ("lock.x=1.5", r"lock\.x: 1\.5 is out of range; give 0"),
        ("lock.y=-1", r"lock\.y: -1\.0 is out of range; give 0"),
        ("lock.dead_zone=5", r"lock\.dead_zone: 5\.0 is not a fraction of the height; give"),
        ("lock.dead_zone_px=-3", r"lock\.dead_zone_px: -3\.0 px is not a distance; give"),
        ("lock.max_speed_px_s=-3", r"lock\.max_speed_px_s: -3\.0 px/s is not a speed; give"),
    ],
)
def test_a_setting_out_of_range_is_refused_in_one_line(override: str, sentence: str) -> None:
    settings.register_schema()
    with pytest.raises(SettingError, match=sentence):
        settings.load(["video=demo", override])


@KINDS
def test_every_smoother_can_be_chosen_by_name(kind: Smoother) -> None:
    settings.register_schema()
    config = settings.load(["video=demo", f"smoothing={kind.value}", "lock.y=0.5", "lock.scale=true"])
    assert (config.smoothing.kind, config.lock.y, config.lock.scale) == (kind, 0.5, True)
