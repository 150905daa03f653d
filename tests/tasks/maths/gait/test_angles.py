"""Joint angles: known poses, and the course over the stride of a drawn walker."""

import numpy as np
import pytest

from tasks.maths.body.landmarks import LANDMARK_COUNT, LANDMARK_NAMES
from tasks.maths.gait.angles import ANGLE_NAMES, CYCLE_POINTS, gait_cycles, joint_angles
from tasks.maths.gait.figures import measured_gait
from tasks.maths.gait.side_view import SideView, side_views
from tests.support.drawn.walkers import drawn, modelled_pose, true_pose


def standing(**places: tuple[float, float]) -> SideView:
    """Somebody who stands upright with level feet; ``places`` are forwards and up from the hips, for both sides."""
    upright = {"shoulder": (0, 1), "hip": (0, 0), "knee": (0, -1), "ankle": (0, -2), "heel": (-0.1, -2.1)}
    upright |= {"foot_index": (0.3, -2.1)}
    points = np.zeros((1, LANDMARK_COUNT, 2))
    for name, place in (upright | places).items():
        for side in ("left", "right"):
            points[0, LANDMARK_NAMES.index(f"{side}_{name}")] = place
    no = np.zeros(1, np.bool_)
    return SideView(0, np.zeros(1), points, 1, 1.0, 100.0, no, no)


def test_standing_upright_all_angles_are_zero() -> None:
    angles = joint_angles(standing())
    assert tuple(angles) == ANGLE_NAMES
    assert all(np.allclose(angle, 0) for angle in angles.values())


@pytest.mark.parametrize(
    ("places", "name", "degrees"),
    [
        ({"knee": (0.5, -(0.75**0.5)), "ankle": (1, -(3**0.5))}, "left_hip", 30),  # the leg forwards
        ({"ankle": (-1, -1), "heel": (-1.1, -0.9), "foot_index": (-1.1, -1.3)}, "left_knee", 90),  # the shank back
        ({"foot_index": (0.3, -1.7)}, "right_ankle", 45),  # toes up
        ({"shoulder": (0.5, 0.75**0.5)}, "trunk_lean", 30),  # forwards
    ],
)
def test_flexion_is_positive(places: dict[str, tuple[float, float]], name: str, degrees: float) -> None:
    assert joint_angles(standing(**places))[name] == pytest.approx(degrees, abs=1e-6)


def test_the_knee_of_a_drawn_walker_bends_most_in_the_swing() -> None:
    walker = drawn(seconds=10)
    gait = measured_gait(true_pose(walker))
    cycles = gait_cycles(gait.parts, gait.strides)
    assert set(cycles) == set(ANGLE_NAMES)
    knee = cycles["right_knee"]
    assert knee.mean_deg.shape == knee.deviation_deg.shape == (CYCLE_POINTS,)
    assert knee.strides >= 5
    assert knee.deviation_deg.max() < 4
    assert 68 <= int(knee.mean_deg.argmax()) <= 82  # per cent of the stride: in the swing
    assert 50 < knee.mean_deg.max() < 65
    assert cycles["left_hip"].mean_deg.max() > 15 > -5 > cycles["left_hip"].mean_deg.min()


def test_the_angles_do_not_depend_on_the_direction() -> None:
    right, left = (side_views(true_pose(drawn(speed=speed))).parts[0] for speed in (0.2, -0.2))
    assert (right.forwards, left.forwards) == (1, -1)
    for name, angle in joint_angles(right).items():
        assert np.median(angle) == pytest.approx(np.median(joint_angles(left)[name]), abs=4), name


def test_noise_and_exchanged_legs_change_the_mean_course_by_little() -> None:
    walker = drawn(seconds=10)
    clean, rough = (measured_gait(pose) for pose in (true_pose(walker), modelled_pose(walker)))
    exact, found = (gait_cycles(gait.parts, gait.strides) for gait in (clean, rough))
    for name, cycle in exact.items():
        rms_deg = float(np.sqrt(np.mean((cycle.mean_deg - found[name].mean_deg) ** 2)))
        assert rms_deg < 4, name
