"""Each metric on data with a known result."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.maths.body.landmarks import LEFT_HIP
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import affine
from tasks.maths.path.outline import picture_points
from tests.support.drawn.paths import even_times, straight_walk
from tests.support.drawn.walkers import drawn, true_pose

NAN = np.nan
GONE = [NAN, NAN]
TARGET = np.array([100.0, 50.0])


def test_lock_rms_is_the_distance_over_seen_frames() -> None:
    path = np.array([[103, 54], GONE, [100, 50]])
    assert lock_metrics.lock_rms(path, TARGET) == pytest.approx(np.sqrt(25 / 2))


def test_lock_std_ignores_a_constant_distance() -> None:
    path = np.array([[110, 57], [114, 51], GONE])
    assert_allclose(lock_metrics.lock_std(path), [2, 3])


def test_lock_p95_is_the_percentile_of_the_distance() -> None:
    path = TARGET + np.stack([np.arange(101.0), np.zeros(101)], axis=1)
    assert lock_metrics.lock_p95(path, TARGET) == pytest.approx(95)


def test_lock_gain_is_one_when_perfect_and_negative_when_worse() -> None:
    source = np.array([[0.0, 0], [10, 4]])
    output = np.array([[7.0, 0], [7, 8]])
    assert_allclose(lock_metrics.lock_gain(output, source), [1, -1])
    assert np.isnan(lock_metrics.lock_gain(output, np.zeros((2, 2)))).all()


def test_sway_is_the_rest_after_a_parabola() -> None:
    time_s = even_times(301)
    slow = np.stack([5 + 3 * time_s - 2 * time_s**2, -time_s], axis=1)
    assert lock_metrics.sway(slow, time_s) == pytest.approx(0, abs=1e-9)
    bob = slow + np.stack([np.zeros(301), 4 * np.sin(2 * np.pi * 2 * time_s)], axis=1)
    bob[40:60] = NAN
    assert lock_metrics.sway(bob, time_s) == pytest.approx(4 / np.sqrt(2), rel=0.03)


def test_acceleration_is_zero_on_an_even_walk_and_skips_gaps() -> None:
    path = straight_walk(even_times(20))
    path[9] = NAN
    assert lock_metrics.rms_acceleration(path) == pytest.approx(0, abs=1e-9)
    assert lock_metrics.rms_acceleration(np.array([[0.0, 0], [3, 4], [0, 0]])) == pytest.approx(10)


def test_speed_is_in_pixels_a_second() -> None:
    time_s = even_times(20, 25)
    assert lock_metrics.rms_speed(time_s[:, None] * [30.0, 40.0], time_s) == pytest.approx(50)


def test_a_metric_that_cannot_be_computed_is_nan() -> None:
    nothing = np.full((3, 2), NAN)
    assert np.isnan(lock_metrics.lock_rms(nothing, TARGET))
    assert np.isnan(lock_metrics.lock_p95(nothing, TARGET))
    assert np.isnan(lock_metrics.lock_std(nothing)).all()
    assert np.isnan(lock_metrics.sway(nothing, even_times(3)))
    assert np.isnan(lock_metrics.rms_acceleration(np.zeros((2, 2))))
    assert np.isnan(lock_metrics.rms_speed(np.zeros((1, 2)), even_times(1)))


def test_boxes_contain_the_visible_landmarks_only() -> None:
    xy = np.array([[[10.0, 20], [30, 5], [500, 500]], [[1, 1], [2, 2], [3, 3]], [GONE, GONE, GONE]])
    visibility = np.array([[0.9, 0.5, 0.4], [0.1, 0.1, 0.1], [NAN, NAN, NAN]])
    boxes = lock_metrics.visible_boxes(xy, visibility)
    assert_allclose(boxes, np.array([[10, 5, 30, 20], [NAN] * 4, [NAN] * 4]))
    assert lock_metrics.person_height(boxes) == 15
    assert np.isnan(lock_metrics.person_height(boxes[1:]))


def test_the_height_of_a_person_is_measured_in_the_output() -> None:
    boxes = np.array([[0.0, 0, 10, 50], [0, 0, 10, 100], [NAN] * 4])
    assert lock_metrics.person_height(boxes, np.array([2.0, 1.0, 5.0])) == 100


def test_the_motion_of_a_shifted_picture_is_the_shift() -> None:
    time_s, shifts = even_times(40), np.random.default_rng(8).normal(0, 9, (40, 2))
    moved = picture_points(affine.translation(shifts), (640, 360))
    assert lock_metrics.rms_speed(moved, time_s) == pytest.approx(lock_metrics.rms_speed(shifts, time_s))
    assert lock_metrics.rms_acceleration(moved) == pytest.approx(lock_metrics.rms_acceleration(shifts))


def test_the_motion_of_a_rotating_picture_is_the_mean_over_its_points() -> None:
    rng, count = np.random.default_rng(9), 12
    linear = affine.scale_and_turn(rng.uniform(0.8, 1.2, count), rng.uniform(-0.2, 0.2, count))
    to_output = affine.about_target(linear, rng.normal(0, 9, (count, 2)), np.array([100.0, 300.0]))
    x, y = np.meshgrid(np.linspace(-0.5, 639.5, 402)[1:-1], np.linspace(-0.5, 359.5, 402)[1:-1])
    everywhere = affine.apply(to_output[:, None], np.stack([x, y], axis=-1).reshape(1, -1, 2))
    four = picture_points(to_output, (640, 360))
    time_s = even_times(count)
    assert lock_metrics.rms_speed(four, time_s) == pytest.approx(lock_metrics.rms_speed(everywhere, time_s), rel=0.01)
    assert lock_metrics.rms_acceleration(four) == pytest.approx(lock_metrics.rms_acceleration(everywhere), rel=0.01)


def test_subject_cut_counts_what_the_source_shows_and_the_output_does_not() -> None:
    boxes = np.tile([10.0, 10, 50, 90], (5, 1))
    boxes[4] = NAN
    shifts = np.array([[0, 0], [49.5, 0], [49.6, 0], [0, -11], [900, 900]], dtype=float)
    assert lock_metrics.subject_cut(boxes, (100, 100), affine.translation(shifts), (100, 100)) == 0.5
    assert np.isnan(lock_metrics.subject_cut(boxes[4:], (100, 100), affine.translation(shifts[4:]), (100, 100)))
    still, left = affine.translation(shifts[:1]), affine.translation(np.array([[-11.0, 0]]))
    assert lock_metrics.subject_cut(boxes[:1], (40, 100), still, (100, 100)) == 0  # the source's edge cuts it, not ours
    assert lock_metrics.subject_cut(boxes[:1], (40, 100), left, (100, 100)) == 1
    assert np.isnan(lock_metrics.subject_cut(boxes[:1], (8, 100), still, (100, 100)))  # nothing of it is shown


def test_a_rotated_box_is_cut_at_its_corners() -> None:
    quarter = np.array([[[0.0, -1, 99], [1, 0, 0]]])
    assert lock_metrics.subject_cut(np.array([[10.0, 10, 50, 90]]), (100, 120), quarter, (100, 100)) == 0
    assert lock_metrics.subject_cut(np.array([[10.0, 10, 50, 110]]), (100, 120), quarter, (100, 100)) == 1
    half = np.array([[[1.0, -1, 50], [1, 1, -60]]]) * 0.7071
    assert lock_metrics.subject_cut(np.array([[30.0, 40, 60, 84]]), (100, 120), half, (100, 100)) == 1
    assert lock_metrics.subject_cut(np.array([[50.0, 40, 80, 60]]), (100, 120), half, (100, 100)) == 0


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ([1, 1, 1, 1, 1], 0.0),
        ([1, 0, 1, 1, 1], 0.4),
        ([1, 0, 1, 0, 0], 0.7),
        ([0, 0, 1, 0, 1], 0.5),
        ([0, 0, 0, 0, 0], 1.4),
    ],
)
def test_the_longest_gap_is_display_time_without_a_measurement(measured: list[int], expected: float) -> None:
    time_s = np.array([0.0, 0.1, 0.5, 0.7, 1.1])  # the last frame lasts 0.3 s, the median of the others
    assert lock_metrics.longest_gap(time_s, np.array(measured, dtype=bool)) == pytest.approx(expected)


def test_coverage_shares_sum_to_one() -> None:
    states = np.array(["measured", "bridged", "interpolated", "held"])
    found = np.array([True, True, True, False])
    covered = lock_metrics.pose_coverage(even_times(4, 10), np.ones(4, dtype=bool), found, states)
    assert (covered["looked"], covered["detection"]) == (1, 0.75)
    assert sum(covered[name] for name in ("measured", "bridged", "interpolated", "held", "absent")) == 1
    assert covered["longest_gap"] == pytest.approx(0.2)


def test_detection_is_a_share_of_the_frames_looked_at() -> None:
    looked, found = np.array([True, False, True, False]), np.array([True, False, False, False])
    covered = lock_metrics.pose_coverage(
        even_times(4, 10), looked, found, np.array(["measured", "bridged", "held", "held"])
    )
    assert (covered["looked"], covered["detection"]) == (0.5, 0.5)


def test_a_switch_without_a_jump_counts_with_jump_zero() -> None:
    source = np.array(["hips"] * 5 + ["left_hip"] * 3 + ["hips"] * 4)
    count, jump = lock_metrics.anchor_switches(straight_walk(even_times(12)), source)
    assert count == 2
    assert jump == pytest.approx(0, abs=1e-9)


def test_a_jump_at_a_switch_is_separated_from_the_walk() -> None:
    path = straight_walk(even_times(12))
    path[5:] += [3, 4]
    source = np.array(["hips"] * 5 + ["left_hip"] * 7)
    count, jump = lock_metrics.anchor_switches(path, source)
    assert count == 1
    assert jump == pytest.approx(5)


def test_a_zoom_enlarges_the_jump_at_a_switch() -> None:
    pose = true_pose(drawn(seconds=0.4))
    anchor_px = pose.xy_px[:, LEFT_HIP].copy()
    anchor_px[5:] += [3, 4]
    sources = np.array(["hips"] * 5 + ["left_hip"] * 7)
    measured = np.full(12, "measured")
    subject = lock_metrics.FollowedSubject(pose, np.ones(12, np.bool_), anchor_px, measured, sources)
    jumps_px = []
    for zoom in (1.0, 3.0):
        to_output = np.tile([[zoom, 0, 0], [0, zoom, 0]], (12, 1, 1))
        source, output = (lock_metrics.Aim((640 * size, 360 * size), TARGET * size) for size in (1, round(zoom)))
        told = lock_metrics.planned_metrics(
            subject, to_output, source=source, output=output, shots=[slice(0, 12)], zoom=zoom
        )
        jumps_px.append(told["planned"]["anchor_switch_jump"])
    assert 3 < jumps_px[0] < 7 and jumps_px[1] == pytest.approx(3 * jumps_px[0], rel=1e-5)


def test_a_switch_across_a_gap_counts_without_a_jump() -> None:
    path = straight_walk(even_times(12))
    path[5:] += [300, 400]
    path[4:6] = NAN
    source = np.array(["hips"] * 4 + ["none"] * 2 + ["left_hip"] * 6)
    assert lock_metrics.anchor_switches(path, source) == (1, 0.0)


def test_the_lock_is_also_a_share_of_the_diagonal_and_of_the_person() -> None:
    path = TARGET + np.tile([[3.0, 4.0]], (6, 1))
    lock = lock_metrics.steadiness(path, even_times(6), TARGET, (300, 400), 50.0)
    assert lock["lock_rms"] == pytest.approx(5)
    assert lock["lock_rms_of_diagonal"] == pytest.approx(1)
    assert lock["lock_rms_of_height"] == pytest.approx(10)
    assert set(lock) <= set(lock_metrics.METRIC_UNITS)
    assert np.isnan(lock_metrics.steadiness(path, even_times(6), TARGET, (300, 400), NAN)["lock_rms_of_height"])
